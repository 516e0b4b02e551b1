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
	const struct options *held; /* may be pointed into; NULL: those of the beginning */
};

/* What was set, over the file and the command line. */
struct setting {
	enum option_id id;
	char *value;
	char *configured; /* what they say */
};

struct reload {
	const struct options *running;
	GArray *settings; /* of struct setting */
	GArray *members;  /* of struct member */
	GPtrArray *fresh; /* of struct options; the last are in force */
	guint refused;	  /* lines of members that the last run could not do as it was told */
};

static void clear_setting(gpointer data)
{
	struct setting *setting = data;

	g_free(setting->value);
	g_free(setting->configured);
}

static void free_options(gpointer options)
{
	options_free(options);
}

struct reload_news *reload_news_new(void)
{
	struct reload_news *news = g_new0(struct reload_news, 1);

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

static bool is_of(const struct member *member, enum option_id id)
{
	for (const enum option_id *one = member->ids; *one != OPTIONS; one++) {
		if (*one == id)
			return true;
	}
	return false;
}

static bool changes(const struct reload *reload, enum option_id id)
{
	for (guint i = 0; i < reload->members->len; i++) {
		if (is_of(member_at(reload, i), id))
			return true;
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

/* only: what is changed; OPTIONS: everything. */
static bool is_asked(const struct member *member, enum option_id only)
{
	return only == OPTIONS || is_of(member, only);
}

static void cancel(struct reload *reload, guint count, enum option_id only)
{
	for (guint i = count; i-- > 0;) {
		struct member *member = member_at(reload, i);

		if (member->part->cancel && is_asked(member, only))
			member->part->cancel(member->data, member->prepared);
	}
}

static bool prepare(struct reload *reload, const struct options *fresh, enum option_id only,
		    GError **error)
{
	for (guint i = 0; i < reload->members->len; i++) {
		struct member *member = member_at(reload, i);

		member->prepared = NULL;
		if (!member->part->prepare || !is_asked(member, only) ||
		    member->part->prepare(member->data, fresh, &member->prepared, error))
			continue;
		cancel(reload, i, only);
		return false;
	}
	return true;
}

static bool is_held(const struct reload *reload, const struct options *options)
{
	for (guint i = 0; i < reload->members->len; i++) {
		if (member_at(reload, i)->held == options)
			return true;
	}
	return false;
}

static void forget_unheld(struct reload *reload)
{
	for (guint i = reload->fresh->len - 1; i-- > 0;) {
		if (!is_held(reload, g_ptr_array_index(reload->fresh, i)))
			g_ptr_array_remove_index(reload->fresh, i);
	}
}

/* Takes the options. */
static struct reload_news *change(struct reload *reload, struct options *fresh, enum option_id only,
				  GError **error)
{
	struct reload_news *news;

	if (!prepare(reload, fresh, only, error)) {
		options_free(fresh);
		return NULL;
	}
	g_ptr_array_add(reload->fresh, fresh);
	news = reload_news_new();
	news->one_key = only != OPTIONS;
	for (guint i = 0; i < reload->members->len; i++) {
		struct member *member = member_at(reload, i);

		if (!is_asked(member, only))
			continue;
		member->part->apply(member->data, fresh, g_steal_pointer(&member->prepared), news);
		member->held = fresh;
	}
	reload->refused = news->kept->len;
	forget_unheld(reload);
	return news;
}

static bool apply_setting(struct options *fresh, const struct setting *setting, GError **error)
{
	const struct option_source source = { .origin = OPTION_FROM_COMMAND_LINE,
					      .where = option_rows[setting->id].name };
	enum option_id about;

	return options_set(fresh, setting->id, &source, setting->value, error) &&
	       options_check(fresh, &about, error);
}

static struct setting *setting_at(const struct reload *reload, guint i)
{
	return &g_array_index(reload->settings, struct setting, i);
}

static struct options *read_again(const struct reload *reload, GError **error)
{
	struct options *fresh = command_options_again(reload->running, error);

	for (guint i = 0; fresh && i < reload->settings->len; i++) {
		struct setting *setting = setting_at(reload, i);
		g_autofree char *configured = option_format(fresh, setting->id);

		if (apply_setting(fresh, setting, error)) {
			g_free(setting->configured);
			setting->configured = g_steal_pointer(&configured);
		} else {
			g_clear_pointer(&fresh, options_free);
		}
	}
	return fresh;
}

struct reload_news *reload_run(struct reload *reload, GError **error)
{
	struct options *fresh = read_again(reload, error);
	struct reload_news *news = fresh ? change(reload, fresh, OPTIONS, error) : NULL;

	if (news)
		tell_kept(reload, fresh, news);
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

static const struct options *in_force(const struct reload *reload)
{
	const guint count = reload->fresh->len;

	return count ? g_ptr_array_index(reload->fresh, count - 1) : reload->running;
}

static struct setting *setting_of(const struct reload *reload, enum option_id id)
{
	for (guint i = 0; i < reload->settings->len; i++) {
		if (setting_at(reload, i)->id == id)
			return setting_at(reload, i);
	}
	return NULL;
}

/* Only what could be set: anything else would stand in the way of every reload to come. */
static void remember(struct reload *reload, enum option_id id, const char *value,
		     const char *configured)
{
	struct setting *before = setting_of(reload, id);
	struct setting setting = { id, g_strdup(value), g_strdup(configured) };

	if (!before) {
		g_array_append_val(reload->settings, setting);
		return;
	}
	g_free(before->value);
	before->value = setting.value;
	g_free(setting.configured);
}

struct reload_news *reload_set(struct reload *reload, const char *key, const char *value,
			       GError **error)
{
	const struct setting setting = { .id = id_of(key), .value = (char *)value };
	g_autofree char *configured = NULL;
	struct reload_news *news;
	struct options *before;
	struct options *fresh;

	if (!check_key(reload, key, error))
		return NULL;
	configured = option_format(in_force(reload), setting.id);
	fresh = options_copy(in_force(reload));
	if (!apply_setting(fresh, &setting, error)) {
		options_free(fresh);
		return NULL;
	}
	before = options_copy(in_force(reload));
	news = change(reload, fresh, setting.id, error);
	if (news && news->changed->len == 0 && reload->refused > 0) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    g_ptr_array_index(news->kept, 0));
		g_clear_pointer(&news, reload_news_free);
		g_ptr_array_add(reload->fresh, g_steal_pointer(&before));
	}
	if (news)
		remember(reload, setting.id, value, configured);
	options_free(before);
	return news;
}

void reload_each_setting(const struct reload *reload, reload_setting *tell, void *data)
{
	for (guint i = 0; i < reload->settings->len; i++) {
		const struct setting *setting = setting_at(reload, i);
		g_autofree char *value = option_format(in_force(reload), setting->id);

		if (!g_str_equal(value, setting->configured))
			tell(data, option_rows[setting->id].name, value, setting->configured);
	}
}
