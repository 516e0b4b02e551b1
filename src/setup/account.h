/* SPDX-License-Identifier: BSD-2-Clause */
/* The account of a run (DESIGN 1): every packet seen is metered or set aside; every packet metered
 * is in an exported record, still in the cache, or in a record that was dropped. */
#ifndef WEIR_SETUP_ACCOUNT_H
#define WEIR_SETUP_ACCOUNT_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "export/fanout.h"
#include "meter/types.h"

/* Why a record did not reach its destination: one row a reason.
 * ACCOUNT_DROP(identifier, name in the account, what it means) */
#define ACCOUNT_DROPS(ACCOUNT_DROP)                                            \
	ACCOUNT_DROP(OVERFLOW, "overflow", "the destination did not keep up")  \
	ACCOUNT_DROP(FAILED, "failed", "the destination could not be written") \
	ACCOUNT_DROP(UNTOLD, "untold", "the template has no record for this IP version")

enum account_drop {
#define ACCOUNT_DROP(id, name, text) ACCOUNT_##id,
	ACCOUNT_DROPS(ACCOUNT_DROP)
#undef ACCOUNT_DROP
	ACCOUNT_DROP_REASONS,
};

struct account_seen {
	guint64 packets;
	guint64 frame_octets; /* link header and all, as on the wire */
};

struct account_packets {
	guint64 packets;
	guint64 octets; /* IP octets; of packets set aside, which have none, frame octets */
	guint64 frame_octets;
};

struct account_flows {
	guint64 flows;
	guint64 records; /* data records these became */
	guint64 packets;
	guint64 octets;
};

static inline void account_flows_add(struct account_flows *flows, const struct flow *flow)
{
	flows->flows++;
	flows->packets += flow_packets(flow);
	flows->octets += flow_octets(flow);
}

/* Packets set aside as copies of ones that another interface, or the same one, saw first. */
struct account_copies {
	char *first;
	char *again;
	guint64 packets;
	guint64 frame_octets;
};

struct account_drops {
	guint64 records;
	guint64 packets;
	guint64 octets;
};

struct account {
	struct account_seen seen;
	struct account_packets metered;
	struct account_packets set_aside[METER_VERDICTS]; /* by reason; METER_OK stays zero */
	struct account_flows exported;
	struct account_flows in_cache;
	struct account_flows spooled; /* on disk, for the next run to send */
	struct account_drops dropped[ACCOUNT_DROP_REASONS];

	/* Of an instance that an earlier process began, what that exported and dropped: part of the
	 * two above. What it was handing over when it died its destinations may get twice. */
	struct account_flows earlier;
	struct account_drops earlier_dropped[ACCOUNT_DROP_REASONS];
	struct account_flows in_doubt;

	/* Each destination's own count, and what became of the flows before it came; the arrays and
	 * the names belong to the account. */
	struct export_counts *destinations;
	struct export_counts *before;
	size_t destinations_count;

	/* Of the duplicates, by pair of interfaces; of pairs that were too many there are none. The
	 * array and the names belong to the account. */
	struct account_copies *copies;
	size_t copies_count;

	guint64 evicted_flows; /* left a full table early (reason 5) */
	guint64 orphans;   /* fragments that left without their first one, and so without ports */
	guint64 extended;  /* packets counted in a record that was due but found no room */
	guint64 max_flows; /* that the table had room for */
	guint64 memory_octets; /* that the table took */
	bool damaged;	       /* the input ended in a fault */
	/* What is in the cache was guessed, by the destination that got the least so far; others
	 * may be ahead of it. */
	bool goes_on;

	/* Of geolocation: addresses looked up, and those of them answered from memory; databases
	 * read anew, and those that were damaged then. */
	guint64 places_asked;
	guint64 places_remembered;
	guint64 places_reloads;
	guint64 places_reload_failures;
};

/* What each side of the equations has too much; all zero means balanced. The first two compare
 * seen with metered and set aside; the others metered with what became of it, as the run counts it
 * and as each destination does. */
struct account_balance {
	gint64 seen_packets;
	gint64 seen_octets; /* frame octets */
	gint64 metered_packets;
	gint64 metered_octets; /* IP octets */
	size_t unbalanced_destinations;
};

/* Reasons as the account names them, and in words. */
struct account_name {
	const char *name;
	const char *text;
};

extern const struct account_name account_set_aside_names[METER_VERDICTS];
extern const struct account_name account_drop_names[ACCOUNT_DROP_REASONS];

void account_clear(struct account *account);

/* What the meter counted: metered, and set aside by reason. */
void account_add_counts(struct account *account, const struct meter_counts *counts);

/* Takes a copy of what one destination counted, and settles exported and dropped: with several
 * destinations, as the one that got the fewest octets counts them, which at the end is the one that
 * lost the most; where they share the flows, as all of them together do. before: see
 * fanout_before(); NULL: there was nothing. */
void account_add_destination(struct account *account, const struct export_counts *counts,
			     const struct export_counts *before);
/* All of them. */
void account_add_fanout(struct account *account, const struct fanout *fanout);

/* Adds copies; their names are copied. */
void account_add_copies(struct account *account, const struct account_copies *copies);

/* While a run goes on, or is left to: what is metered and not out yet is still in the cache. */
void account_guess_cache(struct account *account);

/* True when every equation holds. ret_balance may be NULL. */
bool account_balanced(const struct account *account, struct account_balance *ret_balance);

/* One line at the start of a run: the room of the flow table and the memory it takes. */
void account_print_table(const struct account *account, FILE *to);
/* A few aligned lines for people. */
void account_print(const struct account *account, FILE *to);
/* Columns of a line's counts; after them comes what explains it. */
#define ACCOUNT_COUNTS 62
/* The same without the verdict on the balance; free with g_free. */
char *account_to_text(const struct account *account);
/* One JSON object, ending in a newline; free with g_free. Its names are stable:
 * - seen, metered, setAside.REASON: packets, octets, frameOctets. Every REASON of set_aside.def is
 *   there. octets are IP octets; of packets set aside, frame octets.
 * - exported: flows, records, packets, octets.
 * - inCache: flows, packets, octets.
 * - spooled: flows, records, packets, octets.
 * - dropped.overflow, dropped.failed, dropped.untold: records, packets, octets.
 * - earlier, inDoubt: flows, records, packets, octets; see struct account.
 * - destinations, an array: url, name where it has one, and exported, spooled and dropped of this
 * destination; elsewhere (what others were given on purpose) and absent (what was given out before
 * it came): flows, packets, octets; repeated and recovered: records sent again, and records that an
 * earlier run had left in the spool.
 * - table: maxFlows, memoryOctets, evictedFlows, extended, orphanFragments.
 * - duplicates, an array: first and again (names of interfaces; null for those of pairs that were
 *   too many), packets, frameOctets.
 * - geo: lookups, hits, reloads, reloadFailures.
 * - damaged, balanced: true or false. */
char *account_to_json(const struct account *account);

#endif
