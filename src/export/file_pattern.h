/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of files by time: a path with conversions of strftime, which stand for UTC. */
#ifndef WEIR_EXPORT_FILE_PATTERN_H
#define WEIR_EXPORT_FILE_PATTERN_H

#include <glib.h>

/* For a format string. */
#define FILE_PATTERN_HELP "%%Y %%y %%m %%d %%j %%H %%M %%S %%s %%F %%T"

/* The path of a URL, up to end, as a pattern. A "%" before a conversion is itself, so nobody has to
 * write %25Y, though it means the same; other escapes are resolved. NULL: a "%" is neither. */
char *file_pattern_unescape(const char *path, const char *end);

/* The name for a time in seconds since 1970; a number but 0 goes before the suffix, "_001". */
char *file_pattern_name(const char *pattern, guint64 seconds, guint number);
/* The folder that every name begins with. */
char *file_pattern_folder(const char *pattern);

#endif
