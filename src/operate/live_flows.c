/* SPDX-License-Identifier: BSD-2-Clause */
#include "operate/live_flows.h"

#include <string.h>

#include "base/error.h"
#include "capture/flow_filter.h"
#include "capture/kernel_look.h"
#include "capture/native_meter.h"
#include "drain/join_merge.h"
#include "export/encoder.h"
#include "serve/flow_query.h"
#include "setup/live_cache.h"
#include "setup/live_names.h"

/* Octets of an answer at most, but for its last flows. */
#define ANSWER (8u << 20)
/* Waiting requests. */
#define JOBS   64

/* A request. What is found belongs to the thread until it is done. */
struct job {
	const struct live_parts *parts;
	struct flow_query query;
	struct control_reply *reply;
	struct record_template *form;
	struct flow_filter *filter; /* NULL: all match */
	struct flow_rank *rank;
	guint64 flows;
	guint64 matched;
	struct flow_record *joined;
	guint32 at;			/* in the native table */
	struct account_packets metered; /* when everything had been looked at */
	struct account_packets in_cache;
	GThread *thread;
	int done;      /* atomic */
	int cancelled; /* atomic */
	GError *error;
	const struct encoder_ops *ops;
	struct encoder *encoder; /* NULL: nothing is told yet */
	GString *fresh;		 /* of the batch in hand */
	GString *lines;
	guint64 count; /* of them */
	guint told;    /* flows */
};

struct live_flows {
	const struct live_parts *parts;
	GQueue *jobs;
	struct flow_batch *batch; /* NULL: nobody has asked yet */
};

static void free_job(gpointer data)
{
	struct job *job = data;

	if (job->encoder)
		job->ops->free(job->encoder);
	flow_query_clear(&job->query);
	record_template_free(job->form);
	flow_filter_free(job->filter);
	flow_rank_free(job->rank);
	g_free(job->joined);
	g_clear_error(&job->error);
	g_string_free(job->fresh, TRUE);
	if (job->lines)
		g_string_free(job->lines, TRUE);
	g_free(job);
}

struct live_flows *live_flows_new(const struct live_parts *parts)
{
	struct live_flows *flows = g_new0(struct live_flows, 1);

	flows->parts = parts;
	flows->jobs = g_queue_new();
	return flows;
}

void live_flows_free(struct live_flows *flows)
{
	g_autoptr(GError) error = NULL;
	struct job *job;

	if (!flows)
		return;
	g_set_error_literal(&error, WEIR_ERROR, WEIR_ERROR_FAILED, "the run ends");
	while ((job = g_queue_pop_head(flows->jobs))) {
		g_atomic_int_set(&job->cancelled, 1);
		if (job->thread)
			g_thread_join(job->thread);
		control_reply_failed(job->reply, error);
		free_job(job);
	}
	g_queue_free(flows->jobs);
	g_free(flows->batch);
	g_free(flows);
}

/* --- what is looked for --- */

static bool is_builtin(const char *name)
{
	for (const struct template_builtin *one = template_builtins; one->name; one++) {
		if (strcmp(one->name, name) == 0)
			return true;
	}
	return false;
}

/* Not from a file: who may ask may not therefore read this process's files. */
static struct record_template *load_form(const struct flow_query *query, GError **error)
{
	const char *name = query->template_name ? query->template_name : FLOW_QUERY_TEMPLATE;

	if (is_builtin(name))
		return record_template_load(name, TEMPLATE_BIFLOW, error);
	g_set_error(
		error, WEIR_ERROR, WEIR_ERROR_USAGE,
		"template \"%.64s\": only those that come with weir; 'weir templates' lists them",
		name);
	return NULL;
}

static bool knows_order(const struct job *job, GError **error)
{
	if (job->parts->detail >= flow_sort_detail(job->query.sort))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "sort by %s: this run does not meter that; it takes --detail tcp or full",
		    flow_sort_name(job->query.sort));
	return false;
}

bool live_flows_begin(struct live_flows *flows, const char *argument, struct control_reply *reply,
		      GError **error)
{
	struct job *job = g_new0(struct job, 1);

	job->parts = flows->parts;
	job->fresh = g_string_new(NULL);
	if (g_queue_get_length(flows->jobs) >= JOBS)
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED,
				    "too many ask at once; try again later");
	else if (flow_query_parse(argument, &job->query, error) && knows_order(job, error))
		job->form = load_form(&job->query, error);
	if (job->form && job->query.filter)
		job->filter = flow_filter_new(job->query.filter, error);
	if (!job->form || (job->query.filter && !job->filter)) {
		free_job(job);
		return false;
	}
	job->reply = reply;
	job->ops = job->query.form == FLOW_FORM_TEXT ? &text_encoder : &json_encoder;
	job->rank = flow_rank_new(job->query.sort, job->query.limit, job->parts->detail);
	g_queue_push_tail(flows->jobs, job);
	return true;
}

/* --- looking --- */

static void offer(void *data, const struct flow_record *record)
{
	struct job *job = data;

	job->flows++;
	if (job->filter && !flow_filter_match(job->filter, record))
		return;
	job->matched++;
	flow_rank_offer(job->rank, record);
}

static void offer_joined(struct job *job, const struct flow_record *const *parts, size_t count)
{
	if (count == 1) {
		offer(job, parts[0]);
		return;
	}
	if (!job->joined)
		job->joined = g_new0(struct flow_record, 1);
	join_merge(job->joined, parts, count);
	offer(job, job->joined);
}

static int by_start(const void *a, const void *b)
{
	const guint64 left = flow_first_ns(&(*(const struct flow_record *const *)a)->flow);
	const guint64 right = flow_first_ns(&(*(const struct flow_record *const *)b)->flow);

	return (left > right) - (left < right);
}

/* Of several CPUs: what lies within the idle time-out is one flow. */
static bool on_parts(void *data, const struct flow_record *const *parts, size_t count)
{
	struct job *job = data;
	const guint64 idle_ns =
		__atomic_load_n(&job->parts->options->idle_timeout_ns, __ATOMIC_RELAXED);
	g_autofree const struct flow_record **sorted = NULL;
	guint64 last;
	size_t from = 0;

	if (count == 1) {
		offer(job, parts[0]);
		return !g_atomic_int_get(&job->cancelled);
	}
	sorted = g_memdup2(parts, count * sizeof(*parts));
	qsort(sorted, count, sizeof(*sorted), by_start);
	last = flow_last_ns(&sorted[0]->flow);
	for (size_t i = 1; i < count; i++) {
		const struct flow *flow = &sorted[i]->flow;

		if (flow_first_ns(flow) > last && flow_first_ns(flow) - last > idle_ns) {
			offer_joined(job, sorted + from, i - from);
			from = i;
		}
		last = MAX(last, flow_last_ns(flow));
	}
	offer_joined(job, sorted + from, count - from);
	return !g_atomic_int_get(&job->cancelled);
}

static gpointer look_main(gpointer data)
{
	struct job *job = data;

	kernel_look(kernel_meter_tables(job->parts->cache->meter), on_parts, job, &job->error);
	g_atomic_int_set(&job->done, 1);
	return NULL;
}

/* True: everything has been looked at. */
static bool look(struct job *job)
{
	if (!job->parts->cache)
		return !native_meter_look(job->parts->meter, &job->at, offer, job);
	if (!job->thread)
		job->thread = g_thread_new("look", look_main, job);
	if (!g_atomic_int_get(&job->done))
		return false;
	g_thread_join(g_steal_pointer(&job->thread));
	return true;
}

/* --- telling --- */

static bool take_octets(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct job *job = data;

	(void)error;
	g_string_append_len(job->fresh, (const char *)octets, (gssize)length);
	return true;
}

/* Nothing was looked at that is not counted here. */
static void take_account(struct job *job)
{
	struct account account = { 0 };

	job->parts->settle(job->parts->data, &account);
	account_guess_cache(&account);
	job->metered = (struct account_packets){ .packets = account.metered.packets,
						 .octets = account.metered.octets };
	job->in_cache = (struct account_packets){ .packets = account.in_cache.packets,
						  .octets = account.in_cache.octets };
	account_clear(&account);
}

static bool begin_telling(struct job *job)
{
	const struct encoder_options options = { .record_template = job->form,
						 .pen = FIELD_PEN_DEFAULT };

	take_account(job);
	flow_rank_settle(job->rank);
	job->lines = g_string_new(NULL);
	job->encoder = job->ops->open(&options, take_octets, job, &job->error);
	return job->encoder;
}

static void fill_batch(const struct job *job, struct flow_batch *batch)
{
	const struct live_parts *parts = job->parts;
	const size_t octets = flow_record_size(parts->detail);
	const guint left = flow_rank_count(job->rank) - job->told;

	batch->count = MIN(left, FLOW_BATCH_MAX);
	memset(batch->extras, 0, sizeof(batch->extras));
	for (size_t i = 0; i < batch->count; i++) {
		struct flow_record *record = &batch->records[i];

		memset(record, 0, sizeof(*record));
		memcpy(record, flow_rank_at(job->rank, job->told + (guint)i), octets);
		if (parts->cache)
			live_cache_to_wall_clock(parts->cache, &record->flow);
	}
	live_names_enrich(parts->names, batch);
	if (job->form->places)
		places_look(parts->places, batch);
}

/* Fragments that wait for the first one of them, and then go to its flow. */
static bool is_held(const struct flow *flow)
{
	return (flow->side[FLOW_FROM_LOW].state | flow->side[FLOW_FROM_HIGH].state) & FLOW_ORPHANS;
}

/* {"id":"...","key":"...", before the other members of a line's object. */
static const char *add_line(struct job *job, const char *line, const struct flow *flow)
{
	const char *end = strchr(line, '\n') + 1;

	g_string_append_printf(job->lines,
			       "{\"id\":\"%016" G_GINT64_MODIFIER "x.%" G_GINT64_MODIFIER
			       "x\",\"key\":\"%016" G_GINT64_MODIFIER "x\",",
			       flow_id(flow), flow_first_ns(flow), flow_key_id(&flow->key));
	if (is_held(flow))
		g_string_append(job->lines, "\"held\":true,");
	g_string_append_len(job->lines, line + 1, end - line - 1);
	job->count++;
	return end;
}

static void take_lines(struct job *job, const struct flow_batch *batch)
{
	const char *at = job->fresh->str;

	if (job->query.form == FLOW_FORM_TEXT) {
		for (; (at = strchr(at, '\n')); at++)
			job->count++;
		g_string_append_len(job->lines, job->fresh->str, (gssize)job->fresh->len);
		return;
	}
	for (size_t i = 0; i < batch->count; i++) {
		const struct flow *flow = &batch->records[i].flow;

		if (record_template_records(job->form, flow) > 0)
			at = add_line(job, at, flow);
	}
}

/* Some flows more. */
static bool tell(struct job *job, struct flow_batch *batch)
{
	guint64 records = 0;

	fill_batch(job, batch);
	g_string_truncate(job->fresh, 0);
	if (!job->ops->encode(job->encoder, batch, &records, &job->error) ||
	    !job->ops->flush(job->encoder, &job->error))
		return false;
	take_lines(job, batch);
	job->told += (guint)batch->count;
	return true;
}

static bool has_told(const struct job *job)
{
	return job->told == flow_rank_count(job->rank) || job->lines->len >= ANSWER;
}

static void answer(struct job *job)
{
	g_autofree char *text = g_strdup_printf(
		"{\"flows\":%" G_GUINT64_FORMAT ",\"matched\":%" G_GUINT64_FORMAT
		",\"shown\":%u,\"lines\":%" G_GUINT64_FORMAT
		",\"metered\":{\"packets\":%" G_GUINT64_FORMAT ",\"octets\":%" G_GUINT64_FORMAT
		"},\"inCache\":{\"packets\":%" G_GUINT64_FORMAT ",\"octets\":%" G_GUINT64_FORMAT
		"}}",
		job->flows, job->matched, job->told, job->count, job->metered.packets,
		job->metered.octets, job->in_cache.packets, job->in_cache.octets);

	if (job->error)
		control_reply_failed(job->reply, job->error);
	else
		control_reply_done(job->reply, text, g_steal_pointer(&job->lines));
}

/* False: it goes on. */
static bool has_ended(struct live_flows *flows, struct job *job)
{
	if (!job->encoder && !look(job))
		return false;
	if (job->error || (!job->encoder && !begin_telling(job)))
		return true;
	if (!flows->batch)
		flows->batch = g_new0(struct flow_batch, 1);
	return has_told(job) || !tell(job, flows->batch) || has_told(job);
}

bool live_flows_turn(struct live_flows *flows)
{
	struct job *job = g_queue_peek_head(flows->jobs);

	if (!job)
		return false;
	if (has_ended(flows, job)) {
		g_queue_pop_head(flows->jobs);
		answer(job);
		free_job(job);
	}
	return !g_queue_is_empty(flows->jobs);
}
