/* SPDX-License-Identifier: BSD-2-Clause */
/* A database made by the writer for a test, in a folder of its own, and read by libmaxminddb. */
#ifndef WEIR_TESTS_MMDB_BASE_H
#define WEIR_TESTS_MMDB_BASE_H

#include <maxminddb.h>

#include "enrich/mmdb_write.h"

#define MMDB_BASE_EPOCH 1700000000

struct base {
	struct mmdb_tree *tree;
	struct mmdb_values *values;
	GPtrArray *meaning; /* const struct mmdb_value *, [0] unused */
	char *folder;
	char *path;
};

struct base base_new(void);
/* Nothing but the database may be left in its folder. */
void base_free(struct base *base);
/* The number that means it. */
guint32 means(struct base *base, const struct mmdb_value *value);
/* least_bits: of a record, as in struct mmdb_info. */
struct mmdb_size write_with(struct base *base, guint least_bits);

MMDB_s read_back(const struct base *base);
MMDB_lookup_result_s look_up(const MMDB_s *mmdb, const char *address);
/* NULL: nothing is known. */
char *text_at(const MMDB_s *mmdb, const char *address);

#endif
