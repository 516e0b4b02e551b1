/* SPDX-License-Identifier: BSD-2-Clause */
/* The small files people write: templates and configurations. */
#ifndef WEIR_BASE_TEXT_FILE_H
#define WEIR_BASE_TEXT_FILE_H

#include <glib.h>

/* All of it, to be freed with g_free. Not g_file_get_contents: a file without end must not fill
 * the memory, so one larger than 256 KiB is an error. A mark of the
 * order of octets is left out, and a pipe that nobody writes to is an error. The error says why,
 * not which file. */
char *text_file_read(const char *path, gsize *ret_length, GError **error);

#endif
