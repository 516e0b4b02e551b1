/* SPDX-License-Identifier: BSD-2-Clause */
/* In the kernel only each CPU's own scan may touch its table, so that brings the flows out; what
 * lies in the ring then is read as always, and parts that still wait for each other after that wait
 * for nothing. */
#include "operate/live_flush.h"

#include "base/error.h"
#include "capture/native_meter.h"
#include "capture/scan.h"
#include "setup/live_cache.h"
#include "setup/live_join.h"

enum step {
	RESTING,
	SCANNING,
	READING,
};

struct live_flush {
	const struct live_parts *parts;
	GQueue *asked;	/* of struct control_reply: for the next one */
	GQueue *served; /* by this one */
	enum step step;
	guint64 end; /* in the ring */
	guint32 at;  /* in the native table */
	guint64 before;
};

struct live_flush *live_flush_new(const struct live_parts *parts)
{
	struct live_flush *flush = g_new0(struct live_flush, 1);

	flush->parts = parts;
	flush->asked = g_queue_new();
	flush->served = g_queue_new();
	return flush;
}

static void refuse_all(GQueue *replies)
{
	g_autoptr(GError) error =
		g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED, "the run ends");

	while (!g_queue_is_empty(replies))
		control_reply_failed(g_queue_pop_head(replies), error);
	g_queue_free(replies);
}

void live_flush_free(struct live_flush *flush)
{
	if (!flush)
		return;
	refuse_all(flush->served);
	refuse_all(flush->asked);
	g_free(flush);
}

void live_flush_begin(struct live_flush *flush, struct control_reply *reply)
{
	g_queue_push_tail(flush->asked, reply);
}

static guint64 handed(const struct live_flush *flush)
{
	return fanout_handed(flush->parts->fanout).flows;
}

/* Who asks while flows leave may mean some that have come since. */
static void start(struct live_flush *flush)
{
	GQueue *none = flush->served;

	flush->served = flush->asked;
	flush->asked = none;
	flush->before = handed(flush);
	flush->at = 0;
	flush->step = SCANNING;
	if (flush->parts->cache)
		scan_flush(flush->parts->scan);
}

static void answer(struct live_flush *flush)
{
	g_autofree char *text =
		g_strdup_printf("{\"flows\":%" G_GUINT64_FORMAT "}", handed(flush) - flush->before);

	while (!g_queue_is_empty(flush->served))
		control_reply_done(g_queue_pop_head(flush->served), text, NULL);
	flush->step = RESTING;
}

/* True: everything has been handed over. */
static bool flush_kernel(struct live_flush *flush)
{
	const struct live_parts *parts = flush->parts;
	const struct kernel_ring *ring = kernel_meter_ring(parts->cache->meter);

	if (flush->step == SCANNING) {
		if (!scan_flushed(parts->scan))
			return false;
		flush->end = kernel_ring_end(ring);
		flush->step = READING;
	}
	if (kernel_ring_position(ring) < flush->end)
		return false;
	join_flush(live_join_of(parts->join));
	parts->commit(parts->data);
	return true;
}

bool live_flush_turn(struct live_flush *flush)
{
	if (flush->step == RESTING) {
		if (g_queue_is_empty(flush->asked))
			return false;
		start(flush);
	}
	if (flush->parts->cache ? !flush_kernel(flush)
				: native_meter_flush(flush->parts->meter, &flush->at))
		return true;
	answer(flush);
	return !g_queue_is_empty(flush->asked);
}
