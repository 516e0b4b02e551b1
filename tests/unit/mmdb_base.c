/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmdb_base.h"

#include <CUnit/CUnit.h>
#include <glib/gstdio.h>

struct base base_new(void)
{
	struct base base = { mmdb_tree_new(), mmdb_values_new(), g_ptr_array_new(),
			     g_dir_make_tmp("weir-mmdb-XXXXXX", NULL), NULL };

	base.path = g_build_filename(base.folder, "a.mmdb", NULL);
	g_ptr_array_add(base.meaning, NULL);
	return base;
}

void base_free(struct base *base)
{
	mmdb_tree_free(base->tree);
	mmdb_values_free(base->values);
	g_ptr_array_free(base->meaning, TRUE);
	g_unlink(base->path);
	CU_ASSERT_EQUAL(g_rmdir(base->folder), 0); /* nothing was left beside it */
	g_free(base->path);
	g_free(base->folder);
}

guint32 means(struct base *base, const struct mmdb_value *value)
{
	g_ptr_array_add(base->meaning, (gpointer)value);
	return base->meaning->len - 1;
}

struct mmdb_size write_with(struct base *base, guint least_bits)
{
	static const char *const languages[] = { "en", NULL };
	const struct mmdb_content content = {
		base->tree, base->values, (const struct mmdb_value *const *)base->meaning->pdata
	};
	const struct mmdb_info info = { "Test", "A test", languages, MMDB_BASE_EPOCH, least_bits };
	g_autoptr(GError) error = NULL;
	struct mmdb_size size = { 0 };

	CU_ASSERT_TRUE_FATAL(mmdb_write(&content, &info, base->path, &size, &error));
	return size;
}

MMDB_s read_back(const struct base *base)
{
	MMDB_s mmdb;

	CU_ASSERT_EQUAL_FATAL(MMDB_open(base->path, MMDB_MODE_MMAP, &mmdb), MMDB_SUCCESS);
	return mmdb;
}

MMDB_lookup_result_s look_up(const MMDB_s *mmdb, const char *address)
{
	int unknown = 0;
	int damaged = 0;
	MMDB_lookup_result_s result = MMDB_lookup_string(mmdb, address, &unknown, &damaged);

	CU_ASSERT_EQUAL(unknown, 0);
	CU_ASSERT_EQUAL(damaged, MMDB_SUCCESS);
	return result;
}

char *text_at(const MMDB_s *mmdb, const char *address)
{
	MMDB_lookup_result_s result = look_up(mmdb, address);
	MMDB_entry_data_s data;
	static const char *const here[] = { NULL };

	if (!result.found_entry || MMDB_aget_value(&result.entry, &data, here) != MMDB_SUCCESS ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return NULL;
	return g_strndup(data.utf8_string, data.data_size);
}
