/* SPDX-License-Identifier: BSD-2-Clause */
/* Readings of flows: from records as they leave a table, and from what a run says of its cache. */
#ifndef WEIR_TOP_READING_H
#define WEIR_TOP_READING_H

#include <json-glib/json-glib.h>

#include "flow/flow.h"
#include "top/flow.h"

/* Of a record that left. extra: NULL where nobody found out anything. */
struct top_reading top_reading_of_record(const struct flow_record *record,
					 const struct flow_extra *extra);
/* Of an object with the names of elements, both directions in one. False: it is no flow, or holds
 * fragments that are going to be another's. */
bool top_reading_of_json(JsonObject *object, struct top_reading *ret_reading);
/* Of a run that is looked at again and again: what a look told goes on from what the last one told,
 * as this left it. A flow may have parts at several CPUs, and what is told
 * when one of them has left has another beginning, another number, or its ends the other way round:
 * it becomes what it was part of, once, and old. */
void top_readings_resume(GArray *readings, const GArray *last);

#endif
