/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text_file.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"

#define LENGTH_MAX (256 * 1024)

char *text_file_read(const char *path, gsize *ret_length, GError **error)
{
	FILE *file = fopen(path, "re");
	g_autofree char *text = NULL;
	gsize length = 0;
	int cause = errno;

	if (file) {
		text = g_malloc(LENGTH_MAX + 1);
		errno = 0;
		length = fread(text, 1, LENGTH_MAX + 1, file);
		cause = ferror(file) ? errno : 0;
		fclose(file);
	}
	if (!file || cause) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, g_strerror(cause));
		return NULL;
	}
	if (length > LENGTH_MAX) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "larger than %d octets",
			    LENGTH_MAX);
		return NULL;
	}
	*ret_length = length;
	return g_steal_pointer(&text);
}
