/* SPDX-License-Identifier: BSD-2-Clause */
/* From a flow to the packed record libfixbuf transcodes: one plan for each form of the template,
 * made once, run for every record. */
#ifndef WEIR_EXPORT_IPFIX_FILL_H
#define WEIR_EXPORT_IPFIX_FILL_H

#include "export/template.h"

struct fill_plan;

/* Columns lie in the record in their order, without gaps, in host byte order. The plan keeps them.
 */
struct fill_plan *fill_plan_new(const GArray *columns);
void fill_plan_free(struct fill_plan *plan);

/* Octets of the record in memory, where a text is a fbVarfield_t, which may not be aligned. */
size_t fill_plan_size(const struct fill_plan *plan);
/* Octets of the record on the wire, if all its texts are empty. */
size_t fill_plan_length(const struct fill_plan *plan);
/* Returns the octets of the record on the wire: always fill_plan_length() where there is no text.
 */
size_t fill_plan_run(const struct fill_plan *plan, const struct flow_view *forward, guint8 *record);
/* The same for up to FILL_BLOCK records, which lie one behind the other: together they take less
 * than half the time. */
#define FILL_BLOCK 32
void fill_plan_run_all(const struct fill_plan *plan, const struct flow_view *forward, size_t count,
		       guint8 *records, size_t *lengths);
/* The texts of a record that takes so many octets on the wire, which is too much, are cut until it
 * takes max, the longest first. Returns the new length. */
size_t fill_plan_shorten(const struct fill_plan *plan, guint8 *record, size_t length, size_t max);

/* The NTP form of RFC 7011, 6.1.9 and 6.1.10: seconds since 1900 modulo 2^32, then 1/2^32 s. The
 * fraction is rounded up, so that a reader gets the same number whether he cuts or rounds. */
guint64 ipfix_time_micro(guint64 ns);
guint64 ipfix_time_nano(guint64 ns);

#endif
