/* SPDX-License-Identifier: BSD-2-Clause */
/* What interfaces are called, and were called when a packet met them: whoever can find out tells
 * it here, and records get it. Does no input of its own. */
#ifndef WEIR_ENRICH_INTERFACE_H
#define WEIR_ENRICH_INTERFACE_H

#include "flow/flow.h"

struct interface_names;

struct interface_names *interface_names_new(void);
void interface_names_free(struct interface_names *names);

/* From this packet time on the interface is called so. A text may be NULL: there is none. What was
 * told first holds for the time before, too; saying the same again costs nothing. The names told
 * are kept to the end, so the changes of all interfaces together have a limit (beyond it the
 * latest name stays). */
void interface_names_tell(struct interface_names *names, guint32 index, guint64 since_ns,
			  const char *name, const char *description);

/* Files number their interfaces by themselves. This is the number in the run for the one that a
 * file calls by this number and name: the same for the same name, and the file's own unless that
 * is another's already. */
guint16 interface_names_number(struct interface_names *names, guint16 wanted, const char *name);

/* The interface whose index ends in these 16 bits; NULL: nobody told of it. */
const struct flow_interface *interface_names_find(const struct interface_names *names,
						  guint16 iface, guint64 at_ns);
/* The extras of every record in the batch; good until interface_names_free(). */
void interface_names_enrich(const struct interface_names *names, struct flow_batch *batch);

#endif
