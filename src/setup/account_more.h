/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the account that not every run has: copies and geolocation. */
#ifndef WEIR_SETUP_ACCOUNT_MORE_H
#define WEIR_SETUP_ACCOUNT_MORE_H

#include <json-glib/json-glib.h>

#include "setup/account.h"

void account_clear_copies(struct account *account);

/* Some lines; nothing of what there was none. */
void account_print_more(const struct account *account, FILE *to);
/* The members duplicates and geo. */
void account_add_more(const struct account *account, JsonBuilder *json);

#endif
