/* SPDX-License-Identifier: BSD-2-Clause */
/* The destinations of a run, side by side: none knows of the others, so one that fails leaves them
 * alone. */
#include "export/fanout.h"

#include "base/error.h"
#include "export/destination.h"

struct fanout {
	GPtrArray *destinations; /* of struct destination */
};

/* Whether the place the destination writes to is free: NULL, or why it is not. */
static const char *occupied(const struct fanout *fanout, const struct destination *destination,
			    const struct export_options *options)
{
	for (guint i = 0; i < fanout->destinations->len; i++) {
		if (destination_same(g_ptr_array_index(fanout->destinations, i), destination))
			return "another destination writes there; give each a place of its own";
	}
	for (size_t i = 0; options->keep != NULL && options->keep[i] != NULL; i++) {
		if (destination_is(destination, options->keep[i]))
			return "that file is what is being read; name another";
	}
	if (options->account != NULL && destination_is(destination, options->account))
		return "the account goes to that file; name another";
	return NULL;
}

static bool add(struct fanout *fanout, const char *url, const struct export_options *options,
		GError **error)
{
	struct destination *destination = destination_new(url, options, error);
	const char *reason;

	if (destination == NULL)
		return false;
	reason = occupied(fanout, destination, options);
	if (reason != NULL) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "destination \"%s\": %s", url,
			    reason);
		destination_free(destination);
		return false;
	}
	g_ptr_array_add(fanout->destinations, destination);
	return true;
}

/* No file is emptied before everything that can be wrong with the options has been looked at. */
static bool add_all(struct fanout *fanout, const struct export_options *options, GError **error)
{
	for (size_t i = 0; options->to[i] != NULL; i++) {
		if (!add(fanout, options->to[i], options, error))
			return false;
	}
	for (guint i = 0; i < fanout->destinations->len; i++) {
		if (!destination_start(g_ptr_array_index(fanout->destinations, i), error))
			return false;
	}
	return true;
}

static void free_destination(gpointer destination)
{
	destination_free(destination);
}

struct fanout *fanout_new(const struct export_options *options, GError **error)
{
	struct fanout *fanout = g_new0(struct fanout, 1);

	fanout->destinations = g_ptr_array_new_with_free_func(free_destination);
	if (!add_all(fanout, options, error)) {
		fanout_free(fanout);
		return NULL;
	}
	return fanout;
}

void fanout_free(struct fanout *fanout)
{
	if (fanout == NULL)
		return;
	g_ptr_array_free(fanout->destinations, TRUE);
	g_free(fanout);
}

enum flow_detail fanout_detail(const struct fanout *fanout)
{
	enum flow_detail detail = FLOW_DETAIL_BASIC;

	for (guint i = 0; i < fanout->destinations->len; i++)
		detail =
			MAX(detail, destination_detail(g_ptr_array_index(fanout->destinations, i)));
	return detail;
}

/* Keeps the first error. */
static void collect(GError **first, GError *error)
{
	if (*first == NULL)
		*first = error;
	else
		g_error_free(error);
}

static bool report(GError *first, GError **error)
{
	if (first == NULL)
		return true;
	g_propagate_error(error, first);
	return false;
}

bool fanout_write(struct fanout *fanout, const struct flow_batch *batch, GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		if (!destination_write(g_ptr_array_index(fanout->destinations, i), batch, &one))
			collect(&first, one);
	}
	return report(first, error);
}

/* Every destination, whatever became of the one before it. */
static bool each(struct fanout *fanout, bool (*step)(struct destination *, GError **),
		 GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < fanout->destinations->len; i++) {
		GError *one = NULL;

		if (!step(g_ptr_array_index(fanout->destinations, i), &one))
			collect(&first, one);
	}
	return report(first, error);
}

bool fanout_flush(struct fanout *fanout, GError **error)
{
	return each(fanout, destination_flush, error);
}

bool fanout_finish(struct fanout *fanout, GError **error)
{
	return each(fanout, destination_finish, error);
}

size_t fanout_count(const struct fanout *fanout)
{
	return fanout->destinations->len;
}

const struct export_counts *fanout_counts(const struct fanout *fanout, size_t index)
{
	g_assert(index < fanout->destinations->len);
	return destination_counts(g_ptr_array_index(fanout->destinations, index));
}
