/* SPDX-License-Identifier: BSD-2-Clause */
/* Link headers that only files (and monitoring wireless interfaces) have: taken off, so that the
 * meter begins at an Ethernet or IP header. */
#ifndef WEIR_CAPTURE_LINK_STRIP_H
#define WEIR_CAPTURE_LINK_STRIP_H

#include "capture/frame.h"

struct link_strip;

struct link_strip *link_strip_new(void);
void link_strip_free(struct link_strip *strip);

/* Copies of frames that the next batch has no use for go. */
void link_strip_begin(struct link_strip *strip);
/* METER_OK: the frame's link is one of the meter's; what was before it is in frame->outer. */
enum meter_verdict link_strip_frame(struct link_strip *strip, struct frame *frame);

/* As libpcap names and describes it: free with g_free. */
char *link_strip_describe(guint16 linktype);

#endif
