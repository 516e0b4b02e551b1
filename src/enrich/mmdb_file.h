/* SPDX-License-Identifier: BSD-2-Clause */
/* A file that is there as a whole or not at all. */
#ifndef WEIR_ENRICH_MMDB_FILE_H
#define WEIR_ENRICH_MMDB_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct mmdb_file {
	FILE *stream; /* to write to; its error indicator is looked at in the end */
	char *path;
	char *beside; /* what it is called until then */
};

bool mmdb_file_begin(struct mmdb_file *file, const char *path, GError **error);
/* Takes the file's place, or leaves what is there; the file is closed either way. */
bool mmdb_file_end(struct mmdb_file *file, GError **error);
void mmdb_file_abandon(struct mmdb_file *file);

#endif
