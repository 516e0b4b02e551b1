/* SPDX-License-Identifier: BSD-2-Clause */
/* What no option can tell alone, and what only the stages know of a value: contradictions, filters,
 * names. One list for 'weir run' and 'weir check'. */
#ifndef WEIR_SETUP_SETTINGS_H
#define WEIR_SETUP_SETTINGS_H

#include "setup/options.h"

/* About which option; takes the error. */
typedef void settings_fault(void *data, enum option_id about, GError *error);

/* Everything that is wrong with them. */
void settings_check_all(const struct options *options, settings_fault *fault, void *data);
/* Of a run: the first thing that is. */
bool settings_check_run(const struct options *options, GError **error);

#endif
