/* SPDX-License-Identifier: BSD-2-Clause */
/* A text that chooses flows. Words apart by blanks, all of which must fit:
 *	10.0.0.0/8	an end is in the network
 *	:443		an end has the port
 *	WORD		stands in what is known of the flow: addresses, protocol, countries,
 *			autonomous systems, interfaces; upper and lower case are one
 *	!WORD		none of these fits */
#ifndef WEIR_TOP_FILTER_H
#define WEIR_TOP_FILTER_H

#include "top/flow.h"

struct top_filter;

/* NULL: the text is empty. Anything else means something. */
struct top_filter *top_filter_new(const char *text);
void top_filter_free(struct top_filter *filter);
bool top_filter_takes(const struct top_filter *filter, const struct top_flow *flow);
/* Differs from that of any other filter there was; never 0. */
guint32 top_filter_number(const struct top_filter *filter);

#endif
