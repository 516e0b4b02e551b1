/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a live run's records go, and what it shows: without --to an IPFIX file in the current
 * folder, and on the terminal a view, else a line a flow. */
#ifndef WEIR_SETUP_LIVE_OUTPUT_H
#define WEIR_SETUP_LIVE_OUTPUT_H

#include "setup/account.h"
#include "setup/live_view.h"
#include "setup/options.h"

struct live_output;

/* Makes the file; nothing that exists is written over. */
struct live_output *live_output_open(const struct options *options, GError **error);
/* Ends the view, and says what the file has. A file that a failed run left empty goes. */
void live_output_close(struct live_output *output, const struct account *account);

/* Of the destinations, NULL-terminated. */
const char *const *live_output_to(const struct live_output *output);
/* NULL: none is wanted. */
struct live_view *live_output_view(const struct live_output *output);

#endif
