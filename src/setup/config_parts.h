/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that read the configuration share. */
#ifndef WEIR_SETUP_CONFIG_PARTS_H
#define WEIR_SETUP_CONFIG_PARTS_H

#include "setup/config.h"

struct config {
	struct options *options;
	const char *name;
	GKeyFile *keys;
	GHashTable *lines; /* "section", "section\nkey" -> number of the line */
	GPtrArray *faults;
};

void config_fault(struct config *config, guint line, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Of a key, or of a section where key is NULL. */
guint config_line(const struct config *config, const char *section, const char *key);
/* Told where not. list: of a list of values. */
bool config_escapes_good(struct config *config, const char *section, const char *key, bool list);
/* The text of a key, without blanks around it; NULL: it is none, which is told. */
char *config_text(struct config *config, const char *section, const char *key);

/* "[exporter NAME]" */
bool config_is_exporter(const char *section);
void config_read_exporter(struct config *config, const char *section);

#endif
