/* SPDX-License-Identifier: BSD-2-Clause */
/* A tcpdump expression, compiled once for each link type that turns up. */
#ifndef WEIR_CAPTURE_FILTER_H
#define WEIR_CAPTURE_FILTER_H

#include <stdbool.h>

#include "capture/frame.h"

struct filter;
struct sock_filter;

/* WEIR_ERROR_USAGE when the expression is wrong, or asks what the frame does not say (inbound,
 * outbound). One that is not for Ethernet, but for some other link type, is right. */
struct filter *filter_new(const char *expression, GError **error);
void filter_free(struct filter *filter);

/* libpcap's program for Ethernet; valid as long as the filter. NULL with WEIR_ERROR_USAGE: it says
 * nothing about Ethernet. */
const struct sock_filter *filter_code(const struct filter *filter, guint *ret_count,
				      GError **error);

/* Does a frame of this link type (LINKTYPE_ number) match? An expression that says nothing about
 * this link type (libpcap refuses it) matches no frame of it. A
 * tag that was taken out of the frame is where it was. */
bool filter_match(struct filter *filter, guint32 linktype, const struct frame *frame);

/* Frames of this link type have come, none of which can match: told once a link type. The reason is
 * libpcap's. */
typedef void filter_unfit(void *data, guint16 linktype, const char *reason);
void filter_tell_unfit(struct filter *filter, filter_unfit *tell, void *data);

#endif
