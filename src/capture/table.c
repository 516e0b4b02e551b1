/* SPDX-License-Identifier: BSD-2-Clause */
/* The native flow table: index, flows, expiry wheel. See table.h for how they hang together. */
#include "capture/table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "capture/tag_index.h"
#include "meter/expire.h"

#define NONE	    0xffffffffu
#define TICK_SHIFT  24 /* at least */
#define WHEEL_BITS  12
#define WHEEL_SIZE  (1u << WHEEL_BITS)
#define WHEEL_MASK  (WHEEL_SIZE - 1)
#define LATENESS_NS FLOW_SECOND_NS
#define HUGE_PAGE   (2u << 20)
#define LOOK	    4096 /* slots at a time */

/* What the table keeps of a slot beside the flow: its place in a wheel list (or, where the slot is
 * free, the next free one) and the tag it is indexed under. */
struct place {
	guint32 next;
	guint32 previous; /* NONE: first of its list */
	guint32 list;	  /* NONE: in no list */
	guint32 tag;
};

struct list {
	guint32 first;
	guint32 last;
};

struct flow_table {
	struct tag_index index;
	guint8 *flows;
	struct place *places; /* by slot */
	guint32 stride;
	guint32 max_flows;
	guint32 count;
	guint32 fresh; /* slots from here on were never used */
	guint32 free;  /* list of slots that were */
	guint64 tick;  /* the first that has not been emptied */
	guint64 low;   /* no list before this tick has a flow */
	bool started;
	guint32 tick_shift;
	guint64 idle_ns;
	guint64 evicted;
	flow_table_leave *leave;
	void *data;
	void *memory;
	gsize memory_size;
	struct list wheel[WHEEL_SIZE];
};

static guint32 stride_of(enum flow_detail detail)
{
	return (guint32)((flow_size(detail) + 63) & ~(size_t)63);
}

/* Ticks so wide that the farthest time-out, seen from the wheel's late hand, is inside a turn. */
static guint32 tick_shift_for(guint64 idle_ns)
{
	guint64 reach = MAX(idle_ns, FLOW_LINGER_NS) + LATENESS_NS;
	guint32 shift = TICK_SHIFT;

	while ((reach >> shift) + 2 >= WHEEL_SIZE)
		shift++;
	return shift;
}

static guint64 round_up(guint64 octets)
{
	return (octets + HUGE_PAGE - 1) & ~(guint64)(HUGE_PAGE - 1);
}

guint64 flow_table_memory(guint32 max_flows, enum flow_detail detail)
{
	guint64 places = (guint64)max_flows * sizeof(struct place);

	return 2 * round_up(tag_index_area(max_flows)) +
	       round_up((guint64)max_flows * stride_of(detail)) + round_up(places);
}

static struct flow *flow_at(const struct flow_table *table, guint32 slot)
{
	return (struct flow *)(void *)(table->flows + (gsize)slot * table->stride);
}

static guint32 slot_of(const struct flow_table *table, const struct flow *flow)
{
	return (guint32)((gsize)((const guint8 *)flow - table->flows) / table->stride);
}

/* Where everything lies in the one piece of memory. */
static void lay_out(struct flow_table *table)
{
	gsize area = round_up(tag_index_area(table->max_flows));
	guint8 *at = table->memory;

	table->index.cells = (void *)at;
	table->index.other_area = (void *)(at + area);
	tag_index_size(&table->index, TAG_INDEX_BITS_MIN);
	table->flows = at + 2 * area;
	table->places =
		(void *)(table->flows + round_up((guint64)table->max_flows * table->stride));
	table->free = NONE;
	for (guint i = 0; i < WHEEL_SIZE; i++)
		table->wheel[i] = (struct list){ NONE, NONE };
}

struct flow_table *flow_table_new(const struct flow_table_options *options, GError **error)
{
	struct flow_table *table = g_new0(struct flow_table, 1);

	table->max_flows = options->max_flows;
	table->stride = stride_of(options->detail);
	table->idle_ns = options->idle_ns;
	table->tick_shift = tick_shift_for(options->idle_ns);
	table->leave = options->leave;
	table->data = options->data;
	table->memory_size = flow_table_memory(options->max_flows, options->detail);
	table->memory = mmap(NULL, table->memory_size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (table->memory == MAP_FAILED) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "flow table: no %" G_GUINT64_FORMAT
			    " MiB of memory for %u flows: %s (a smaller --max-flows needs less)",
			    (guint64)table->memory_size >> 20, options->max_flows,
			    g_strerror(errno));
		g_free(table);
		return NULL;
	}
	/* Only a hint: with large pages a flow found at random costs no page walk. */
	madvise(table->memory, table->memory_size, MADV_HUGEPAGE);
	lay_out(table);
	return table;
}

void flow_table_free(struct flow_table *table)
{
	if (!table)
		return;
	munmap(table->memory, table->memory_size);
	g_free(table);
}

/* --- finding --- */

void flow_table_prefetch_index(const struct flow_table *table, guint64 hash)
{
	__builtin_prefetch(&table->index.cells[tag_index_home(&table->index, tag_of(hash))]);
}

struct flow *flow_table_prefetch_flow(const struct flow_table *table, guint64 hash)
{
	const struct tag_index *index = &table->index;
	guint32 tag = tag_of(hash);

	for (guint32 at = tag_index_home(index, tag);; at = tag_index_after(index, at)) {
		const struct tag_cell *cell = &index->cells[at];
		struct flow *flow;

		if (cell->number == 0)
			return NULL;
		if (cell->tag != tag)
			continue;
		flow = flow_at(table, cell->number - 1);
		__builtin_prefetch(flow, 1);
		__builtin_prefetch(&flow->side[0], 1);
		__builtin_prefetch(&flow->side[1], 1);
		return flow;
	}
}

struct flow *flow_table_find(const struct flow_table *table, const struct flow_key *key,
			     guint64 hash)
{
	const struct tag_index *index = &table->index;
	guint32 tag = tag_of(hash);

	for (guint32 at = tag_index_home(index, tag);; at = tag_index_after(index, at)) {
		const struct tag_cell *cell = &index->cells[at];

		if (cell->number == 0)
			return NULL;
		if (cell->tag == tag && key_equal(&flow_at(table, cell->number - 1)->key, key))
			return flow_at(table, cell->number - 1);
	}
}

/* --- the wheel --- */

static void wheel_unlink(struct flow_table *table, guint32 slot)
{
	struct place *place = &table->places[slot];
	struct list *list;

	if (place->list == NONE)
		return;
	list = &table->wheel[place->list];
	if (place->previous == NONE)
		list->first = place->next;
	else
		table->places[place->previous].next = place->next;
	if (place->next == NONE)
		list->last = place->previous;
	else
		table->places[place->next].previous = place->previous;
	place->list = NONE;
}

/* No time-out is beyond the wheel's reach: ticks are as wide as that takes. */
static void wheel_link(struct flow_table *table, guint32 slot, guint64 deadline_ns)
{
	guint64 tick =
		CLAMP(deadline_ns >> table->tick_shift, table->tick, table->tick + WHEEL_MASK);
	struct place *place = &table->places[slot];
	struct list *list = &table->wheel[tick & WHEEL_MASK];

	place->list = (guint32)(tick & WHEEL_MASK);
	place->previous = list->last;
	place->next = NONE;
	if (list->last == NONE)
		list->first = slot;
	else
		table->places[list->last].next = slot;
	list->last = slot;
	table->low = MIN(table->low, tick);
}

static guint64 deadline_of(const struct flow_table *table, const struct flow *flow)
{
	return expire_deadline(flow, table->idle_ns);
}

static void set_free(struct flow_table *table, guint32 slot)
{
	struct place *place = &table->places[slot];

	tag_index_remove(&table->index, place->tag, slot);
	place->next = table->free;
	table->free = slot;
	table->count--;
}

static void leave(struct flow_table *table, guint32 slot, enum flow_end end)
{
	table->leave(table->data, flow_at(table, slot), end);
	set_free(table, slot);
}

/* Takes a list out of the wheel; its flows are in no list then. */
static guint32 wheel_take(struct flow_table *table, guint64 tick)
{
	struct list *list = &table->wheel[tick & WHEEL_MASK];
	guint32 first = list->first;

	*list = (struct list){ NONE, NONE };
	return first;
}

static void prefetch_place(const struct flow_table *table, guint32 slot)
{
	if (slot == NONE)
		return;
	__builtin_prefetch(flow_at(table, slot));
	__builtin_prefetch((const guint8 *)flow_at(table, slot) + 64);
	__builtin_prefetch((const guint8 *)flow_at(table, slot) + 128);
	__builtin_prefetch(
		&table->index.cells[tag_index_home(&table->index, table->places[slot].tag)], 1);
}

/* The flows of a chain whose time-out came before the current tick leave; the others are filed
 * where they belong. */
static void wheel_settle(struct flow_table *table, guint32 slot)
{
	while (slot != NONE) {
		const struct flow *flow = flow_at(table, slot);
		guint64 deadline = deadline_of(table, flow);
		guint32 next = table->places[slot].next;

		prefetch_place(table, next);
		table->places[slot].list = NONE;
		if (deadline >> table->tick_shift < table->tick)
			leave(table, slot, expire_reason(flow));
		else
			wheel_link(table, slot, deadline);
		slot = next;
	}
}

/* All lists, earliest first, as one chain. */
static guint32 wheel_take_all(struct flow_table *table)
{
	guint32 first = NONE;
	guint32 last = NONE;

	for (guint64 tick = table->tick; tick < table->tick + WHEEL_SIZE; tick++) {
		guint32 end = table->wheel[tick & WHEEL_MASK].last;
		guint32 begin = wheel_take(table, tick);

		if (begin == NONE)
			continue;
		if (last == NONE)
			first = begin;
		else
			table->places[last].next = begin;
		last = end;
	}
	return first;
}

/* Captures of several interfaces or threads are out of order by a little; a flow is only brought
 * out when packets that much late could not have been its own. */
static guint64 settled_tick(const struct flow_table *table, guint64 now_ns)
{
	return now_ns > LATENESS_NS ? (now_ns - LATENESS_NS) >> table->tick_shift : 0;
}

static void wheel_turn(struct flow_table *table, guint64 target)
{
	if (target - table->tick >= WHEEL_SIZE || table->count == 0) {
		guint32 chain = table->count ? wheel_take_all(table) : NONE;

		table->tick = target;
		table->low = target;
		wheel_settle(table, chain);
		return;
	}
	while (table->tick < target) {
		guint32 chain = wheel_take(table, table->tick);

		table->tick++;
		table->low = MAX(table->low, table->tick);
		wheel_settle(table, chain);
	}
}

guint64 flow_table_advance(struct flow_table *table, guint64 now_ns)
{
	guint64 target = settled_tick(table, now_ns);

	if (!table->started) {
		table->started = true;
		table->tick = target;
		table->low = target;
	}
	if (target > table->tick)
		wheel_turn(table, target);
	return ((table->tick + 1) << table->tick_shift) + LATENESS_NS;
}

void flow_table_set_idle(struct flow_table *table, guint64 idle_ns)
{
	const guint32 shift = tick_shift_for(idle_ns);
	guint32 slot = wheel_take_all(table);

	table->idle_ns = idle_ns;
	table->tick = (table->tick << table->tick_shift) >> shift;
	table->low = table->tick;
	table->tick_shift = shift;
	while (slot != NONE) {
		guint32 next = table->places[slot].next;

		wheel_link(table, slot, deadline_of(table, flow_at(table, slot)));
		slot = next;
	}
}

/* The slot is in no list. */
static void force(struct flow_table *table, guint32 slot, guint64 now_ns)
{
	const struct flow *flow = flow_at(table, slot);
	enum flow_end end = expire_reason(flow);

	if (end == FLOW_END_IDLE && now_ns <= deadline_of(table, flow))
		end = FLOW_END_FORCED;
	leave(table, slot, end);
}

void flow_table_flush(struct flow_table *table, guint64 now_ns)
{
	guint32 slot = wheel_take_all(table);

	while (slot != NONE) {
		guint32 next = table->places[slot].next;

		prefetch_place(table, next);
		table->places[slot].list = NONE;
		force(table, slot, now_ns);
		slot = next;
	}
}

/* --- entries --- */

/* The flow silent longest leaves. One whose time-out had passed unnoticed leaves for that. */
static void evict(struct flow_table *table, guint64 now_ns)
{
	for (guint64 tick = MAX(table->low, table->tick);; tick++) {
		guint32 slot;

		table->low = tick;
		while ((slot = table->wheel[tick & WHEEL_MASK].first) != NONE) {
			const struct flow *flow = flow_at(table, slot);
			guint64 deadline = deadline_of(table, flow);

			wheel_unlink(table, slot);
			if (deadline >> table->tick_shift > tick) {
				wheel_link(table, slot, deadline);
				continue;
			}
			if (now_ns <= deadline) {
				table->evicted++;
				leave(table, slot, FLOW_END_RESOURCES);
			} else {
				leave(table, slot, expire_reason(flow));
			}
			return;
		}
	}
}

struct flow *flow_table_claim(struct flow_table *table, guint64 hash, guint64 now_ns)
{
	guint32 slot;

	if (table->count == table->max_flows)
		evict(table, now_ns);
	slot = table->free;
	if (slot != NONE)
		table->free = table->places[slot].next;
	else
		slot = table->fresh++;
	table->count++;
	table->places[slot].tag = tag_of(hash);
	table->places[slot].list = NONE;
	tag_index_add(&table->index, tag_of(hash), slot, table->count);
	return flow_at(table, slot);
}

void flow_table_filed(struct flow_table *table, const struct flow *flow)
{
	guint32 slot = slot_of(table, flow);

	wheel_unlink(table, slot);
	wheel_link(table, slot, deadline_of(table, flow));
}

void flow_table_drop(struct flow_table *table, const struct flow *flow)
{
	guint32 slot = slot_of(table, flow);

	wheel_unlink(table, slot);
	set_free(table, slot);
}

guint32 flow_table_count(const struct flow_table *table)
{
	return table->count;
}

guint64 flow_table_evicted(const struct flow_table *table)
{
	return table->evicted;
}

/* Every flow is in a list of the wheel, and no free slot is. */
bool flow_table_look(const struct flow_table *table, guint32 *at, flow_table_visit *visit,
		     void *data)
{
	const guint32 end = MIN((guint64)*at + LOOK, table->fresh);

	for (; *at < end; ++*at) {
		if (table->places[*at].list != NONE)
			visit(data, flow_at(table, *at));
	}
	return *at < table->fresh;
}

bool flow_table_flush_some(struct flow_table *table, guint32 *at, guint64 now_ns)
{
	const guint32 end = MIN((guint64)*at + LOOK, table->fresh);

	for (; *at < end; ++*at) {
		if (table->places[*at].list == NONE)
			continue;
		wheel_unlink(table, *at);
		force(table, *at, now_ns);
	}
	return *at < table->fresh;
}
