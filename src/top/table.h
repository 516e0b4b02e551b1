/* SPDX-License-Identifier: BSD-2-Clause */
/* The flows of a model by what they have in common: the rows that a view shows. */
#ifndef WEIR_TOP_TABLE_H
#define WEIR_TOP_TABLE_H

#include "top/model.h"

enum top_group {
	TOP_HOSTS,
	TOP_PAIRS,
	TOP_FLOWS_EACH,
	TOP_PORTS,
	TOP_PROTOCOLS,
	TOP_COUNTRIES,
	TOP_SYSTEMS,
	TOP_INTERFACES,
	TOP_GROUPS,
};

enum top_sort {
	TOP_BY_OCTETS,
	TOP_BY_PACKETS,
	TOP_BY_FLOWS,
	TOP_BY_RETRANSMISSIONS,
	TOP_BY_RTT,
	TOP_BY_RATE, /* octets a second */
	TOP_SORTS,
};

/* What the flows of a row have in common; compared octet by octet. */
struct top_key {
	guint8 address[2][16];
	guint16 port[2];
	guint8 proto;
	guint8 version;
	guint8 grain; /* enum top_grain, of a flow */
	char country[3];
	guint8 spare[2]; /* no padding */
	guint32 as_number;
	const char *name; /* interned; of an interface */
};

struct top_group_row {
	const char *word; /* as options spell it */
	const char *one;
	const char *many;
	const char *heading;
	/* The keys that a flow belongs to, at most two. ret_ways: whose packets are the key's own
	 * direction. */
	guint (*keys)(const struct top_entry *entry, struct top_key ret_keys[2],
		      enum top_way ret_ways[2]);
	/* As a person reads it; free with g_free. */
	char *(*label)(const struct top_key *key, const char *as_name);
	enum top_group into; /* what is shown of one of them */
	bool one_way;	     /* the sums of one direction alone are the key's */
};

extern const struct top_group_row top_groups[TOP_GROUPS];

struct top_sort_row {
	const char *word;
	const char *what;
};

extern const struct top_sort_row top_sorts[TOP_SORTS];

/* Of the flows that are looked at, only those that have this key in this group. */
struct top_condition {
	enum top_group group;
	struct top_key key;
};

#define TOP_CONDITIONS 8

struct top_filter;

struct top_query {
	enum top_group group;
	enum top_sort sort;
	bool ascending;
	guint conditions_count;
	struct top_condition conditions[TOP_CONDITIONS];
	const struct top_filter *filter; /* NULL: every flow */
};

struct top_row {
	struct top_key key;
	const char *as_name; /* of a system; NULL: not known */
	struct top_sums sums;
};

struct top_table {
	guint count;
	struct top_row *rows;  /* in order */
	struct top_sums total; /* of the flows that were looked at, each once */
	/* Beside them: what is in no row, and was looked at only where everything is. */
	struct top_sums rest;
};

struct top_table *top_table_new(struct top_model *model, const struct top_query *query);
void top_table_free(struct top_table *table);
/* Where the key is; the count of rows if it is not there. */
guint top_table_find(const struct top_table *table, const struct top_key *key);

/* What the sort looks at; of the round trip the mean. */
double top_sort_value(enum top_sort sort, const struct top_sums *sums);
bool top_key_equal(const struct top_key *a, const struct top_key *b);

#endif
