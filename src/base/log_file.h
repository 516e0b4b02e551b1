/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard error as a file of a name, which can be renamed at any time: opened by that name again,
 * so that whoever rotates log files loses nothing. */
#ifndef WEIR_BASE_LOG_FILE_H
#define WEIR_BASE_LOG_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct log_file;

/* From here on standard error is this file, and standard output too where both were one. guarded:
 * it is going to be given to another user, who may own its folder; see guarded_append(). */
struct log_file *log_file_open(const char *path, bool guarded, GError **error);
/* Standard error is what it was before. */
void log_file_free(struct log_file *file);

/* False: it cannot be opened, and the one that is open stays in use. */
bool log_file_reopen(struct log_file *file, GError **error);

/* What standard error was before; NULL: the same file. */
FILE *log_file_former(const struct log_file *file);

#endif
