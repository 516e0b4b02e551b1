/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits for whom: the pool's slots, chained by the hash of their keys and by their age. What
 * the slots hold is enough to build the chains again. */
#include "drain/join.h"

#include <string.h>

#include "drain/join_merge.h"

#define NONE	  G_MAXUINT32
#define PARTS_MAX 256	   /* of one key; with more, the earliest leave */
#define AT_ONCE	  50000000 /* ns: the clock's tick and what may hold up a CPU between two steps */
#define PATIENCE  (5 * FLOW_SECOND_NS) /* beyond the time-outs: a round of the scan */

struct slot {
	guint64 used; /* 1: what follows is whole, and has not arrived where it is to go */
	guint64 position;
	guint64 left;		   /* for which writing of the totals it left; 0: it waits */
	struct flow_record record; /* cut to its detail */
};

/* What is known of a slot besides. */
struct part {
	guint32 next; /* in its bucket, or of the free ones */
	guint32 older;
	guint32 newer;
	guint64 found; /* bits of record.elsewhere whose CPUs' parts have come */
};

struct join {
	struct join_options options;
	gsize slot_octets;
	guint32 slots;
	struct part *parts;
	guint32 *buckets;
	guint32 mask;
	guint32 free;
	guint32 oldest;
	guint32 newest;
	GArray *gone; /* guint32: slots that are free when what left them has arrived */
	bool inherited;
	guint64 now_ns;
	struct join_counts counts;
	struct flow_record scratch;
};

/* The parts of one key in order of time, and the stretch of them that is one record. */
struct meeting {
	guint32 part[PARTS_MAX];
	const struct flow_record *record[PARTS_MAX];
	size_t count;
	size_t from;
	size_t to;
	guint64 first_ns;
	guint64 last_ns;
	guint64 ended_ns; /* 0: not by TCP */
};

static gsize slot_size(enum flow_detail detail)
{
	return (offsetof(struct slot, record) + flow_record_size(detail) + 7) / 8 * 8;
}

gsize join_pool_octets(guint32 records, enum flow_detail detail)
{
	return records * slot_size(detail);
}

static guint64 commits(const struct join *join)
{
	return join->options.commits ? *join->options.commits : 0;
}

static struct slot *slot_of(const struct join *join, guint32 i)
{
	return (struct slot *)(void *)((guint8 *)join->options.pool + i * join->slot_octets);
}

static const struct flow_record *record_of(const struct join *join, guint32 i)
{
	return &slot_of(join, i)->record;
}

static guint64 left_ns(const struct flow_record *record)
{
	return record->flow.gate_ns;
}

static guint32 *bucket_of(const struct join *join, const struct flow_key *key)
{
	guint64 words[6];
	guint64 h = join->options.seed;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		h = (h ^ words[i]) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	return &join->buckets[h & join->mask];
}

/* --- the chains --- */

static void chain(struct join *join, guint32 i)
{
	struct part *part = &join->parts[i];
	guint32 *bucket = bucket_of(join, &record_of(join, i)->flow.key);

	part->next = *bucket;
	*bucket = i;
	part->found = 0;
	part->newer = NONE;
	part->older = join->newest;
	if (join->newest != NONE)
		join->parts[join->newest].newer = i;
	else
		join->oldest = i;
	join->newest = i;
	join->counts.waiting++;
}

static void unchain(struct join *join, guint32 i)
{
	struct part *part = &join->parts[i];
	guint32 *link = bucket_of(join, &record_of(join, i)->flow.key);

	while (*link != i)
		link = &join->parts[*link].next;
	*link = part->next;
	if (part->older != NONE)
		join->parts[part->older].newer = part->newer;
	else
		join->oldest = part->newer;
	if (part->newer != NONE)
		join->parts[part->newer].older = part->older;
	else
		join->newest = part->older;
	join->counts.waiting--;
	slot_of(join, i)->left = commits(join) + 1;
	g_array_append_val(join->gone, i);
}

static void set_free(struct join *join, guint32 i)
{
	struct slot *slot = slot_of(join, i);

	/* A pool that was never used stays untouched memory. */
	if (slot->used)
		slot->used = 0;
	join->parts[i].next = join->free;
	join->free = i;
}

/* --- what is one record --- */

static void add_part(struct meeting *meeting, guint32 part, const struct flow_record *record)
{
	guint64 first_ns = flow_first_ns(&record->flow);
	size_t at = meeting->count++;

	for (; at > 0 && flow_first_ns(&meeting->record[at - 1]->flow) > first_ns; at--) {
		meeting->part[at] = meeting->part[at - 1];
		meeting->record[at] = meeting->record[at - 1];
	}
	meeting->part[at] = part;
	meeting->record[at] = record;
}

static void gather(const struct join *join, const struct flow_key *key, struct meeting *meeting)
{
	guint32 i = *bucket_of(join, key);

	meeting->count = 0;
	for (; i != NONE && meeting->count < PARTS_MAX; i = join->parts[i].next) {
		const struct flow_record *record = record_of(join, i);

		if (memcmp(&record->flow.key, key, sizeof(*key)) == 0)
			add_part(meeting, i, record);
	}
}

/* Does the next part begin another record than the stretch so far? Time-outs and ends are those of
 * DESIGN 4.2; and where a CPU ended its part for another reason than silence, that stands. */
static bool begins_anew(const struct join *join, const struct meeting *meeting,
			const struct flow_record *next)
{
	guint64 first_ns = flow_first_ns(&next->flow);

	if (first_ns > meeting->last_ns && first_ns - meeting->last_ns > join->options.idle_ns)
		return true;
	if (first_ns - meeting->first_ns > join->options.active_ns)
		return true;
	if (meeting->ended_ns && first_ns > meeting->ended_ns &&
	    (first_ns > meeting->ended_ns + FLOW_LINGER_NS || join_opens_connection(&next->flow)))
		return true;
	for (size_t i = meeting->from; i < meeting->to; i++) {
		if (meeting->record[i]->cpu == next->cpu &&
		    meeting->record[i]->end != FLOW_END_IDLE)
			return true;
	}
	return false;
}

static void stretch_add(struct meeting *meeting, const struct flow_record *record)
{
	guint64 ended_ns = record->flow.side[FLOW_FROM_HIGH].whole;

	meeting->to++;
	meeting->last_ns = MAX(meeting->last_ns, flow_last_ns(&record->flow));
	if (ended_ns && (!meeting->ended_ns || ended_ns < meeting->ended_ns))
		meeting->ended_ns = ended_ns;
}

/* The next stretch of the meeting that is one record. */
static bool next_stretch(const struct join *join, struct meeting *meeting)
{
	meeting->from = meeting->to;
	if (meeting->from == meeting->count)
		return false;
	meeting->first_ns = flow_first_ns(&meeting->record[meeting->from]->flow);
	meeting->last_ns = 0;
	meeting->ended_ns = 0;
	stretch_add(meeting, meeting->record[meeting->from]);
	while (meeting->to < meeting->count &&
	       !begins_anew(join, meeting, meeting->record[meeting->to]))
		stretch_add(meeting, meeting->record[meeting->to]);
	return true;
}

/* Is this the part of its CPU that the waiting one was told of, or can no later one of that CPU
 * belong to the stretch? It may have been in its table while it was on its way. */
static bool satisfies(const struct join *join, const struct meeting *meeting, size_t i,
		      const struct flow_record *waits)
{
	const struct flow_record *came = meeting->record[i];

	if (left_ns(came) + AT_ONCE >= left_ns(waits))
		return true;
	if (i >= meeting->from && i < meeting->to && came->end != FLOW_END_IDLE)
		return true;
	return left_ns(came) > meeting->last_ns + join->options.idle_ns ||
	       (left_ns(came) > meeting->first_ns &&
		left_ns(came) - meeting->first_ns > join->options.active_ns);
}

/* CPUs, as bits, whose parts the stretch's i-th part still waits for. */
static guint64 missing(struct join *join, const struct meeting *meeting, size_t i)
{
	const struct flow_record *waits = meeting->record[i];
	struct part *part = &join->parts[meeting->part[i]];

	for (size_t k = 0; k < meeting->count && waits->elsewhere & ~part->found; k++) {
		guint64 bit = 1ULL << (meeting->record[k]->cpu & 63);

		if (meeting->record[k]->cpu != waits->cpu && waits->elsewhere & bit &&
		    satisfies(join, meeting, k, waits))
			part->found |= bit;
	}
	return waits->elsewhere & ~part->found;
}

/* --- leaving --- */

static void send_stretch(struct join *join, const struct meeting *meeting, bool whole)
{
	const struct flow_record *first = meeting->record[meeting->from];
	size_t count = meeting->to - meeting->from;
	struct flow_record *record = &join->scratch;

	if (count == 1) {
		memcpy(record, first, flow_record_size((enum flow_detail)first->detail));
	} else {
		join_merge(record, &meeting->record[meeting->from], count);
		join->counts.parts += count;
		join->counts.joined++;
	}
	if (!whole) {
		record->circumstances |= FLOW_PART;
		join->counts.alone++;
	}
	join->options.sink(join->options.data, record);
	for (size_t i = meeting->from; i < meeting->to; i++)
		unchain(join, meeting->part[i]);
}

/* Records of this key that are complete leave, and the one that has this part as it is. */
static void settle(struct join *join, const struct flow_key *key, guint32 forced)
{
	struct meeting meeting;

	gather(join, key, &meeting);
	meeting.to = 0;
	while (next_stretch(join, &meeting)) {
		bool whole = true;
		bool leaves = meeting.count == PARTS_MAX && meeting.from == 0;

		for (size_t i = meeting.from; i < meeting.to; i++) {
			whole &= !missing(join, &meeting, i);
			leaves |= meeting.part[i] == forced;
		}
		if (whole || leaves)
			send_stretch(join, &meeting, whole);
	}
}

static void force(struct join *join, guint32 i)
{
	const struct flow_key key = record_of(join, i)->flow.key;

	settle(join, &key, i);
}

/* --- waiting --- */

static bool key_waits(const struct join *join, const struct flow_key *key)
{
	guint32 i = *bucket_of(join, key);

	while (i != NONE && memcmp(&record_of(join, i)->flow.key, key, sizeof(*key)) != 0)
		i = join->parts[i].next;
	return i != NONE;
}

/* A few slots are kept for what comes before the next commit. */
static void make_room(struct join *join)
{
	if (join->oldest == NONE || join->counts.waiting < join->slots - join->slots / 8)
		return;
	join->counts.crowded++;
	force(join, join->oldest);
}

static bool put(struct join *join, const struct flow_record *record, guint64 position)
{
	guint32 i = join->free;
	struct slot *slot;

	if (i == NONE)
		return false;
	join->free = join->parts[i].next;
	slot = slot_of(join, i);
	memcpy(&slot->record, record, flow_record_size(join->options.detail));
	slot->position = position;
	slot->left = 0;
	/* A process that is killed leaves the slot whole or unused. */
	__atomic_store_n(&slot->used, 1, __ATOMIC_RELEASE);
	chain(join, i);
	return true;
}

static void send_alone(struct join *join, const struct flow_record *record)
{
	memcpy(&join->scratch, record, flow_record_size(join->options.detail));
	join->scratch.circumstances |= FLOW_PART;
	join->counts.alone++;
	join->counts.crowded++;
	join->options.sink(join->options.data, &join->scratch);
}

void join_record(struct join *join, const struct flow_record *record, guint64 position)
{
	struct flow_key key;

	if (!record->elsewhere && (!join->counts.waiting || !key_waits(join, &record->flow.key))) {
		join->options.sink(join->options.data, record);
		return;
	}
	make_room(join);
	if (!put(join, record, position)) {
		send_alone(join, record);
		return;
	}
	key = record->flow.key;
	settle(join, &key, NONE);
}

static bool has_waited(const struct join *join, guint32 i)
{
	return join->options.active_ns != G_MAXUINT64 &&
	       join->now_ns > left_ns(record_of(join, i)) + join->options.active_ns +
				      join->options.idle_ns + PATIENCE;
}

/* What left before the process ended, but had not arrived, leaves again. */
static void settle_inherited(struct join *join)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(guint32));

	join->inherited = false;
	for (guint32 i = join->oldest; i != NONE; i = join->parts[i].newer)
		g_array_append_val(all, i);
	for (guint i = 0; i < all->len; i++) {
		/* A slot that left with an earlier one is not reused before the next commit. */
		guint32 part = g_array_index(all, guint32, i);
		const struct flow_key key = record_of(join, part)->flow.key;

		settle(join, &key, NONE);
	}
}

void join_tick(struct join *join, guint64 now_ns)
{
	join->now_ns = MAX(join->now_ns, now_ns);
	if (join->inherited)
		settle_inherited(join);
	while (join->oldest != NONE && has_waited(join, join->oldest))
		force(join, join->oldest);
}

void join_flush(struct join *join)
{
	while (join->oldest != NONE)
		force(join, join->oldest);
}

void join_commit(struct join *join)
{
	for (guint i = 0; i < join->gone->len; i++)
		set_free(join, g_array_index(join->gone, guint32, i));
	g_array_set_size(join->gone, 0);
}

void join_set_timeouts(struct join *join, guint64 idle_ns, guint64 active_ns)
{
	join->options.idle_ns = idle_ns;
	join->options.active_ns = active_ns;
}

struct join_counts join_counts(const struct join *join)
{
	return join->counts;
}

/* --- beginning and end --- */

static gint by_position(gconstpointer a, gconstpointer b, gpointer data)
{
	guint64 left = slot_of(data, *(const guint32 *)a)->position;
	guint64 right = slot_of(data, *(const guint32 *)b)->position;

	return (left > right) - (left < right);
}

static void inherit(struct join *join)
{
	g_autoptr(GArray) used = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (guint32 i = join->slots; i-- > 0;) {
		struct slot *slot = slot_of(join, i);
		bool arrived = slot->left && slot->left <= commits(join);

		if (slot->used && !arrived && slot->position < join->options.resume) {
			slot->left = 0;
			g_array_append_val(used, i);
		} else {
			set_free(join, i);
		}
	}
	g_array_sort_with_data(used, by_position, join);
	for (guint i = 0; i < used->len; i++)
		chain(join, g_array_index(used, guint32, i));
	join->inherited = used->len > 0;
}

/* A power of two of them, each empty. */
static void make_buckets(struct join *join)
{
	guint32 buckets = 64;

	while (buckets < join->slots && buckets < 1u << 30)
		buckets *= 2;
	join->mask = buckets - 1;
	join->buckets = g_malloc(buckets * sizeof(*join->buckets));
	memset(join->buckets, 0xff, buckets * sizeof(*join->buckets));
}

struct join *join_new(const struct join_options *options)
{
	struct join *join = g_new0(struct join, 1);

	join->options = *options;
	join->slot_octets = slot_size(options->detail);
	join->slots = (guint32)MIN(options->octets / join->slot_octets, NONE - 1);
	make_buckets(join);
	join->parts = g_new0(struct part, MAX(join->slots, 1));
	join->free = join->oldest = join->newest = NONE;
	join->gone = g_array_new(FALSE, FALSE, sizeof(guint32));
	inherit(join);
	return join;
}

void join_free(struct join *join)
{
	if (!join)
		return;
	g_array_free(join->gone, TRUE);
	g_free(join->parts);
	g_free(join->buckets);
	g_free(join);
}
