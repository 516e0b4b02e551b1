/* SPDX-License-Identifier: BSD-2-Clause */
/* A tcpdump expression, compiled once for each link type that turns up. */
#ifndef WEIR_CAPTURE_FILTER_H
#define WEIR_CAPTURE_FILTER_H

#include <stdbool.h>

#include "capture/frame.h"

struct filter;

/* WEIR_ERROR_USAGE when the expression is wrong for Ethernet. */
struct filter *filter_new(const char *expression, GError **error);
void filter_free(struct filter *filter);

/* Does a frame of this link type (LINKTYPE_ number) match? An expression that says nothing about
 * this link type (libpcap refuses it) matches no frame of it. */
bool filter_match(struct filter *filter, guint32 linktype, const struct frame *frame);

#endif
