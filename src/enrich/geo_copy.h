/* SPDX-License-Identifier: BSD-2-Clause */
/* A file as it is now, in memory: whoever writes into the file later, or cuts it off, changes
 * nothing of it, and breaks nobody who has it mapped. */
#ifndef WEIR_ENRICH_GEO_COPY_H
#define WEIR_ENRICH_GEO_COPY_H

#include <glib.h>
#include <sys/stat.h>

/* A descriptor of the copy, sealed; file: as fd was opened. -1: it cannot be had, or the file
 * changes just now; the error says nothing of its name. */
int geo_copy(int fd, const struct stat *file, GError **error);

#endif
