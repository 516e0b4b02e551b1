/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log_limit.h"

#include <string.h>

struct said {
	char *text;
	gint64 began_us;
	guint count;
	guint64 left;
};

struct log_limit {
	struct log_limit_rule rule;
	GArray *said; /* of struct said, in the order in which their intervals began */
};

static void clear_said(gpointer said)
{
	g_free(((struct said *)said)->text);
}

struct log_limit *log_limit_new(const struct log_limit_rule *rule)
{
	struct log_limit *limit = g_new0(struct log_limit, 1);

	limit->rule = *rule;
	limit->said = g_array_new(FALSE, FALSE, sizeof(struct said));
	g_array_set_clear_func(limit->said, clear_said);
	return limit;
}

void log_limit_free(struct log_limit *limit)
{
	if (!limit)
		return;
	g_array_unref(limit->said);
	g_free(limit);
}

static struct said *said_at(const struct log_limit *limit, guint i)
{
	return &g_array_index(limit->said, struct said, i);
}

static bool is_over(const struct log_limit *limit, const struct said *said, gint64 now_us)
{
	return now_us - said->began_us >= limit->rule.interval_us;
}

/* Intervals are of one length: those that are over come first. */
static void forget(struct log_limit *limit, gint64 now_us)
{
	guint over = 0;

	while (over < limit->said->len && is_over(limit, said_at(limit, over), now_us))
		over++;
	if (over > 0)
		g_array_remove_range(limit->said, 0, over);
}

static struct said *find(const struct log_limit *limit, const char *text)
{
	for (guint i = 0; i < limit->said->len; i++) {
		if (strcmp(said_at(limit, i)->text, text) == 0)
			return said_at(limit, i);
	}
	return NULL;
}

bool log_limit_take(struct log_limit *limit, const char *text, gint64 now_us)
{
	struct said *said;

	forget(limit, now_us);
	said = find(limit, text);
	if (said && said->count < limit->rule.most) {
		said->count++;
		return true;
	}
	if (said) {
		said->left++;
		return false;
	}
	if (limit->said->len < limit->rule.texts) {
		const struct said first = { .text = g_strdup(text),
					    .began_us = now_us,
					    .count = 1 };

		g_array_append_val(limit->said, first);
	}
	return true;
}

char *log_limit_left(struct log_limit *limit, gint64 now_us, bool all, guint64 *ret_count)
{
	for (guint i = 0; i < limit->said->len; i++) {
		struct said *said = said_at(limit, i);
		char *text;

		if (!all && !is_over(limit, said, now_us))
			return NULL;
		if (said->left == 0)
			continue;
		*ret_count = said->left;
		text = g_steal_pointer(&said->text);
		g_array_remove_index(limit->said, i);
		return text;
	}
	return NULL;
}
