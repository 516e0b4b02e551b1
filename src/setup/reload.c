/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/reload.h"

#include "base/error.h"
#include "setup/commands.h"

struct member {
	const struct reload_part *part;
	const enum option_id *ids;
	void *data;
	void *prepared;
};

struct reload {
	const struct options *running;
	GArray *members;  /* of struct member */
	GPtrArray *fresh; /* of struct options */
};

static void free_options(gpointer options)
{
	options_free(options);
}

struct reload_news *reload_news_new(void)
{
	struct reload_news *news = g_new(struct reload_news, 1);

	news->changed = g_ptr_array_new_with_free_func(g_free);
	news->kept = g_ptr_array_new_with_free_func(g_free);
	return news;
}

void reload_news_free(struct reload_news *news)
{
	if (!news)
		return;
	g_ptr_array_unref(news->changed);
	g_ptr_array_unref(news->kept);
	g_free(news);
}

void reload_changed(struct reload_news *news, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	g_ptr_array_add(news->changed, g_strdup_vprintf(format, values));
	va_end(values);
}

void reload_kept(struct reload_news *news, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	g_ptr_array_add(news->kept, g_strdup_vprintf(format, values));
	va_end(values);
}

struct reload *reload_new(const struct options *running)
{
	struct reload *reload = g_new0(struct reload, 1);

	reload->running = running;
	reload->members = g_array_new(FALSE, TRUE, sizeof(struct member));
	reload->fresh = g_ptr_array_new_with_free_func(free_options);
	return reload;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	g_array_unref(reload->members);
	g_ptr_array_unref(reload->fresh);
	g_free(reload);
}

void reload_add(struct reload *reload, const struct reload_part *part, const enum option_id *ids,
		void *data)
{
	const struct member member = { .part = part, .ids = ids, .data = data };

	g_array_append_val(reload->members, member);
}

static struct member *member_at(const struct reload *reload, guint i)
{
	return &g_array_index(reload->members, struct member, i);
}

static bool changes(const struct reload *reload, enum option_id id)
{
	for (guint i = 0; i < reload->members->len; i++) {
		for (const enum option_id *one = member_at(reload, i)->ids; *one != OPTIONS;
		     one++) {
			if (*one == id)
				return true;
		}
	}
	return false;
}

/* What the file asks for and nobody can do now. */
static void tell_kept(const struct reload *reload, const struct options *fresh,
		      struct reload_news *news)
{
	for (guint id = 0; id < OPTIONS; id++) {
		g_autofree char *was = option_format(reload->running, id);
		g_autofree char *wanted = option_format(fresh, id);

		if (changes(reload, id) || g_str_equal(was, wanted))
			continue;
		reload_kept(news, "%s stays %s until the run begins anew, which '%s' needs",
			    option_rows[id].name, *was ? was : "as it was", wanted);
	}
}

static bool prepare(struct reload *reload, const struct options *fresh, GError **error)
{
	for (guint i = 0; i < reload->members->len; i++) {
		struct member *member = member_at(reload, i);

		member->prepared = NULL;
		if (!member->part->prepare ||
		    member->part->prepare(member->data, fresh, &member->prepared, error))
			continue;
		while (i-- > 0) {
			member = member_at(reload, i);
			if (member->part->cancel)
				member->part->cancel(member->data, member->prepared);
		}
		return false;
	}
	return true;
}

struct reload_news *reload_run(struct reload *reload, GError **error)
{
	struct options *fresh = command_options_again(reload->running, error);
	struct reload_news *news;

	if (!fresh)
		return NULL;
	if (!prepare(reload, fresh, error)) {
		options_free(fresh);
		return NULL;
	}
	g_ptr_array_add(reload->fresh, fresh);
	news = reload_news_new();
	for (guint i = 0; i < reload->members->len; i++) {
		struct member *member = member_at(reload, i);

		member->part->apply(member->data, fresh, g_steal_pointer(&member->prepared), news);
	}
	tell_kept(reload, fresh, news);
	/* Only the last ones may be pointed into. */
	if (reload->fresh->len > 1)
		g_ptr_array_remove_index(reload->fresh, 0);
	return news;
}
