/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a configuration file: faults or settings, each fault with a line of the file. */
#include <stdint.h>
#include <string.h>

#include "setup/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static guint count_lines(const char *text, gsize length)
{
	guint lines = 1;

	for (gsize i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

static void check_fault(const char *fault, guint lines)
{
	guint64 line;

	g_assert_true(g_str_has_prefix(fault, "f:"));
	line = g_ascii_strtoull(fault + 2, NULL, 10);
	g_assert_cmpuint(line, >=, 1);
	g_assert_cmpuint(line, <=, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An exact copy on the heap, so that one octet too far is caught. */
	g_autofree char *text = g_memdup2(data, size);
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
	struct options *options = options_new();
	guint lines = count_lines(text, size);

	config_parse(options, "f", text, size, faults);
	for (guint i = 0; i < faults->len; i++)
		check_fault(g_ptr_array_index(faults, i), lines);
	for (guint id = 0; id < OPTIONS; id++) {
		g_autofree char *value = option_format(options, id);

		g_assert_nonnull(value);
	}
	options_free(options);
	return 0;
}
