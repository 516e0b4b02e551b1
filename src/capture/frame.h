/* SPDX-License-Identifier: BSD-2-Clause */
/* A captured frame on its way to the meter. */
#ifndef WEIR_CAPTURE_FRAME_H
#define WEIR_CAPTURE_FRAME_H

#include <glib.h>

#include "meter/types.h"

struct frame {
	const guint8 *data; /* valid until the next read */
	guint32 captured;   /* octets at data */
	guint32 length;	    /* octets on the wire */
	guint64 time_ns;    /* since 1970, UTC */
	guint16 iface;	    /* index within the source, from 1 */
	guint16 link;	    /* enum meter_link */
	guint16 vlan;	    /* identifier of a tag that was taken out of data, else 0 */
	guint16 outgoing;   /* 1: this host sent it; 0 where the source cannot tell */
};

#endif
