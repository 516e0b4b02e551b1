/* SPDX-License-Identifier: BSD-2-Clause */
/* Short names of protocols, as people write them: TCP, UDP, ICMP. */
#ifndef WEIR_FLOW_PROTOCOL_H
#define WEIR_FLOW_PROTOCOL_H

#include <glib.h>

/* At most five letters; NULL: there is none for that number. */
const char *flow_protocol_name(guint64 protocol);

#endif
