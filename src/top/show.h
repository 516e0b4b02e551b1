/* SPDX-License-Identifier: BSD-2-Clause */
/* The view: draws what is on the desk, and does what keys say, until it is left. */
#ifndef WEIR_TOP_SHOW_H
#define WEIR_TOP_SHOW_H

#include "top/desk.h"
#include "top/screen.h"

struct top_show_options {
	enum top_group group;
	enum top_sort sort;
	const char *filter; /* NULL: every flow */
	bool utf8;
	bool (*stop)(void); /* somebody wants it to end */
};

void top_show(struct top_screen *screen, struct top_desk *desk,
	      const struct top_show_options *options);

#endif
