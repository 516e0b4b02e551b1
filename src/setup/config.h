/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file: GKeyFile's INI, sections and keys as options.def names them. */
#ifndef WEIR_SETUP_CONFIG_H
#define WEIR_SETUP_CONFIG_H

#include <glib.h>
#include <stdbool.h>

#include "setup/options.h"

/* Takes every setting that is good; every fault becomes a line in faults (char *, g_free), name
 * and number of the line first. name is what the faults call the file. */
void config_parse(struct options *options, const char *name, const char *text, gsize length,
		  GPtrArray *faults);

/* The same from a file; false only when it cannot be read. */
bool config_read(struct options *options, const char *path, GPtrArray *faults, GError **error);

/* The file that --config names: any fault is an error, the first one told. */
bool config_load(struct options *options, const char *path, GError **error);

#endif
