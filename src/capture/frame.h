/* SPDX-License-Identifier: BSD-2-Clause */
/* A captured frame on its way to the meter. */
#ifndef WEIR_CAPTURE_FRAME_H
#define WEIR_CAPTURE_FRAME_H

#include <glib.h>
#include <stdbool.h>

#include "meter/types.h"

struct frame {
	const guint8 *data; /* valid until the next read */
	guint32 captured;   /* octets at data */
	guint32 length;	    /* octets on the wire */
	guint64 time_ns;    /* since 1970, UTC */
	guint16 iface;	    /* index within the source, from 1 */
	guint8 link;	    /* enum meter_link */
	bool outgoing;	    /* this host sent it; false where the source cannot tell */
	guint16 vlan;	    /* control word of a tag that was taken out of data, else 0 */
	guint16 tag;	    /* EtherType of that tag; 0: none was taken out */
	guint16 linktype;   /* as files number what the first octet at data is */
	gint16 outer; /* octets of the frame that length leaves out, as they were before data */
};

#endif
