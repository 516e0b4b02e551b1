/* SPDX-License-Identifier: BSD-2-Clause */
/* A heap whose top is the last of the first: whoever comes is compared with that one. Flows that
 * are equal are in the order of their flow id, so that the same flows give the same list. */
#include "serve/flow_rank.h"

#include <stdlib.h>
#include <string.h>

#define PROTO_TCP 6

struct entry {
	guint64 value;
	guint64 id;
	struct flow_record *record;
};

struct flow_rank {
	enum flow_sort sort;
	enum flow_detail detail;
	guint limit;
	guint count;
	struct entry *entries;
};

/* --- what flows are sorted by --- */

static guint64 duration_of(const struct flow *flow)
{
	const guint64 first = flow_first_ns(flow);
	const guint64 last = flow_last_ns(flow);

	return last > first ? last - first : 0;
}

static guint64 retransmissions_of(const struct flow *flow)
{
	return flow->tcp[0].tally.retransmitted_packets + flow->tcp[1].tally.retransmitted_packets;
}

static guint64 side_rtt(const struct flow_tcp *tcp)
{
	if (tcp->tally.rtt_count)
		return tcp->tally.rtt_sum_us / tcp->tally.rtt_count;
	return tcp->track.handshake_us == TCP_RTT_NONE ? 0 : tcp->track.handshake_us;
}

static guint64 rtt_of(const struct flow *flow)
{
	return MAX(side_rtt(&flow->tcp[0]), side_rtt(&flow->tcp[1]));
}

static guint64 side_response(const struct flow_tcp *tcp)
{
	return tcp->tally.response_count ? tcp->tally.response_sum_us / tcp->tally.response_count
					 : 0;
}

static guint64 response_of(const struct flow *flow)
{
	return MAX(side_response(&flow->tcp[0]), side_response(&flow->tcp[1]));
}

static const struct sort {
	const char *name;
	enum flow_detail detail;
	guint64 (*value)(const struct flow *flow);
} sorts[FLOW_SORTS] = {
	[FLOW_SORT_OCTETS] = { "octets", FLOW_DETAIL_BASIC, flow_octets },
	[FLOW_SORT_PACKETS] = { "packets", FLOW_DETAIL_BASIC, flow_packets },
	[FLOW_SORT_START] = { "start", FLOW_DETAIL_BASIC, flow_first_ns },
	[FLOW_SORT_LAST] = { "last", FLOW_DETAIL_BASIC, flow_last_ns },
	[FLOW_SORT_DURATION] = { "duration", FLOW_DETAIL_BASIC, duration_of },
	[FLOW_SORT_RETRANSMISSIONS] = { "retransmissions", FLOW_DETAIL_TCP, retransmissions_of },
	[FLOW_SORT_RTT] = { "rtt", FLOW_DETAIL_TCP, rtt_of },
	[FLOW_SORT_RESPONSE] = { "response", FLOW_DETAIL_TCP, response_of },
};

const char *flow_sort_name(enum flow_sort sort)
{
	return sorts[sort].name;
}

enum flow_detail flow_sort_detail(enum flow_sort sort)
{
	return sorts[sort].detail;
}

guint64 flow_sort_value(enum flow_sort sort, const struct flow_record *record)
{
	if (record->detail < sorts[sort].detail ||
	    (sorts[sort].detail >= FLOW_DETAIL_TCP && record->flow.key.proto != PROTO_TCP))
		return 0;
	return sorts[sort].value(&record->flow);
}

/* --- the first of them --- */

struct flow_rank *flow_rank_new(enum flow_sort sort, guint limit, enum flow_detail detail)
{
	struct flow_rank *rank = g_new0(struct flow_rank, 1);

	rank->sort = sort;
	rank->limit = limit;
	rank->detail = detail;
	rank->entries = g_new0(struct entry, limit);
	return rank;
}

void flow_rank_free(struct flow_rank *rank)
{
	if (!rank)
		return;
	for (guint i = 0; i < rank->limit; i++)
		g_free(rank->entries[i].record);
	g_free(rank->entries);
	g_free(rank);
}

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->value > b->value || (a->value == b->value && a->id < b->id);
}

static void swap(struct entry *a, struct entry *b)
{
	const struct entry held = *a;

	*a = *b;
	*b = held;
}

static void rise(struct flow_rank *rank, guint i)
{
	struct entry *entries = rank->entries;

	for (; i > 0 && is_before(&entries[(i - 1) / 2], &entries[i]); i = (i - 1) / 2)
		swap(&entries[(i - 1) / 2], &entries[i]);
}

static void sink(struct flow_rank *rank)
{
	struct entry *entries = rank->entries;
	guint i = 0;

	while (2 * i + 1 < rank->count) {
		guint child = 2 * i + 1;

		if (child + 1 < rank->count && is_before(&entries[child], &entries[child + 1]))
			child++;
		if (!is_before(&entries[i], &entries[child]))
			return;
		swap(&entries[i], &entries[child]);
		i = child;
	}
}

static void take(const struct flow_rank *rank, struct entry *entry, const struct entry *from)
{
	const size_t octets = flow_record_size(rank->detail);

	if (!entry->record)
		entry->record = g_malloc(octets);
	memcpy(entry->record, from->record, octets);
	entry->value = from->value;
	entry->id = from->id;
}

void flow_rank_offer(struct flow_rank *rank, const struct flow_record *record)
{
	const struct entry entry = { .value = flow_sort_value(rank->sort, record),
				     .id = flow_id(&record->flow),
				     .record = (struct flow_record *)(guintptr)record };

	if (rank->count < rank->limit) {
		take(rank, &rank->entries[rank->count], &entry);
		rise(rank, rank->count++);
	} else if (rank->limit > 0 && is_before(&entry, &rank->entries[0])) {
		take(rank, &rank->entries[0], &entry);
		sink(rank);
	}
}

static int by_rank(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : is_before(b, a);
}

void flow_rank_settle(struct flow_rank *rank)
{
	/* Room for none is no place that could be sorted. */
	if (rank->count > 1)
		qsort(rank->entries, rank->count, sizeof(*rank->entries), by_rank);
}

guint flow_rank_count(const struct flow_rank *rank)
{
	return rank->count;
}

const struct flow_record *flow_rank_at(const struct flow_rank *rank, guint place)
{
	return rank->entries[place].record;
}
