/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/reload.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "setup/commands.h"

struct member {
	const struct reload_part *part;
	const enum option_id *ids;
	void *data;
	void *prepared;
};

/* What was set, over the file and the command line. */
struct setting {
	enum option_id id;
	char *value;
};

struct reload {
	const struct options *running;
	GArray *settings; /* of struct setting */
	GArray *members;  /* of struct member */
	GPtrArray *fresh; /* of struct options */
	guint refused;	  /* lines of members that the last run could not do as it was told */
};

static void clear_setting(gpointer data)
{
	g_free(((struct setting *)data)->value);
}

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
	reload->settings = g_array_new(FALSE, TRUE, sizeof(struct setting));
	g_array_set_clear_func(reload->settings, clear_setting);
	return reload;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	g_array_unref(reload->members);
	g_ptr_array_unref(reload->fresh);
	g_array_unref(reload->settings);
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

static bool apply_setting(struct options *fresh, const struct setting *setting, GError **error)
{
	const struct option_source source = { .origin = OPTION_FROM_COMMAND_LINE,
					      .where = option_rows[setting->id].name };
	enum option_id about;

	return options_set(fresh, setting->id, &source, setting->value, error) &&
	       options_check(fresh, &about, error);
}

static struct options *read_again(const struct reload *reload, GError **error)
{
	struct options *fresh = command_options_again(reload->running, error);

	for (guint i = 0; fresh && i < reload->settings->len; i++) {
		if (!apply_setting(fresh, &g_array_index(reload->settings, struct setting, i),
				   error))
			g_clear_pointer(&fresh, options_free);
	}
	return fresh;
}

struct reload_news *reload_run(struct reload *reload, GError **error)
{
	struct options *fresh = read_again(reload, error);
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
	reload->refused = news->kept->len;
	tell_kept(reload, fresh, news);
	/* Only the last ones may be pointed into. */
	if (reload->fresh->len > 1)
		g_ptr_array_remove_index(reload->fresh, 0);
	return news;
}

/* --- one key --- */

static bool can_be_set(const struct reload *reload, enum option_id id)
{
	return changes(reload, id) && option_rows[id].type != OPTION_TYPE_LIST;
}

static char *what_can_be_set(const struct reload *reload)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint id = 0; id < OPTIONS; id++) {
		if (can_be_set(reload, id))
			g_ptr_array_add(names, (gpointer)option_rows[id].name);
	}
	g_ptr_array_add(names, NULL);
	return g_strjoinv(", ", (char **)names->pdata);
}

/* Of a run's options; OPTIONS: there is none of that name. */
static enum option_id id_of(const char *key)
{
	for (guint id = 0; id < OPTIONS; id++) {
		if (option_rows[id].commands & (1u << COMMAND_RUN) &&
		    strcmp(option_rows[id].name, key) == 0)
			return (enum option_id)id;
	}
	return OPTIONS;
}

static const char *nearest_key(const char *key)
{
	const char *names[OPTIONS + 1] = { NULL };
	guint count = 0;

	for (guint id = 0; id < OPTIONS; id++) {
		if (option_rows[id].commands & (1u << COMMAND_RUN))
			names[count++] = option_rows[id].name;
	}
	return nearest_name(key, names);
}

/* Why a key stays as it is. */
static const char *why_not(const struct reload *reload, enum option_id id)
{
	if (changes(reload, id))
		return "is a list; change it in the configuration file and 'weir reload'";
	if (g_strcmp0(option_rows[id].section, "meter") == 0)
		return "is built into the meter's programs and tables, and records must not mix "
		       "two meanings; it takes a run that begins anew";
	return "holds from the beginning of a run to its end; it takes a run that begins anew";
}

static bool check_key(const struct reload *reload, const char *key, GError **error)
{
	const enum option_id id = id_of(key);
	g_autofree char *can = NULL;
	const char *nearest;

	if (id != OPTIONS && can_be_set(reload, id))
		return true;
	can = what_can_be_set(reload);
	if (id != OPTIONS) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s %s (can be set: %s)", key,
			    why_not(reload, id), can);
		return false;
	}
	nearest = nearest_key(key);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "there is no key \"%.64s\"%s%s (can be set: %s)", key,
		    nearest ? "; did you mean " : "", nearest ? nearest : "", can);
	return false;
}

/* What was set before is over, and so is what could not be: it would stand in the way of every
 * reload to come. */
static void settle_setting(struct reload *reload, enum option_id id, bool good)
{
	const guint last = reload->settings->len - 1;

	if (!good) {
		g_array_set_size(reload->settings, last);
		return;
	}
	for (guint i = last; i-- > 0;) {
		if (g_array_index(reload->settings, struct setting, i).id == id)
			g_array_remove_index(reload->settings, i);
	}
}

struct reload_news *reload_set(struct reload *reload, const char *key, const char *value,
			       GError **error)
{
	struct setting setting = { .id = id_of(key), .value = NULL };
	struct reload_news *news;

	if (!check_key(reload, key, error))
		return NULL;
	setting.value = g_strdup(value);
	g_array_append_val(reload->settings, setting);
	news = reload_run(reload, error);
	if (news && news->changed->len == 0 && reload->refused > 0) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    g_ptr_array_index(news->kept, 0));
		g_clear_pointer(&news, reload_news_free);
	}
	settle_setting(reload, setting.id, news != NULL);
	return news;
}
