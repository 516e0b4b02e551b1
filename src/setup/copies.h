/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that the capture counted by interfaces' indexes, in the account by their names. */
#ifndef WEIR_SETUP_COPIES_H
#define WEIR_SETUP_COPIES_H

#include "capture/dedup.h"
#include "enrich/interface.h"
#include "setup/account.h"

void copies_settle(struct account *account, const struct dedup_pair *pairs, guint count,
		   const struct interface_names *names);

#endif
