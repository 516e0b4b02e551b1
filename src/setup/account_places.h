/* SPDX-License-Identifier: BSD-2-Clause */
/* Geolocation's part of the account. */
#ifndef WEIR_SETUP_ACCOUNT_PLACES_H
#define WEIR_SETUP_ACCOUNT_PLACES_H

#include <json-glib/json-glib.h>

#include "setup/account.h"

/* A line; nothing where nothing was looked up. */
void account_print_places(const struct account *account, FILE *to);
/* The member geo. */
void account_add_places(const struct account *account, JsonBuilder *json);

#endif
