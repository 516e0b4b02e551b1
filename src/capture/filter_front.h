/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter in the kernel, before the meter: what is attached is the filter's program, and the
 * meter's is where its tail call goes. The map that says where is emptied by the kernel when no
 * process and no name holds it any more; so where what is attached outlives the process, it has a
 * name beside the links. */
#ifndef WEIR_CAPTURE_FILTER_FRONT_H
#define WEIR_CAPTURE_FILTER_FRONT_H

#include <stdbool.h>

#include "capture/filter.h"

enum front_place {
	FRONT_XDP,
	FRONT_TC,
	FRONT_TC_OUT,
	FRONT_PLACES,
};

struct filter_front;

/* meters: programs to go on to, -1: none. counts: their map of counters, which gets what does not
 * match. */
struct filter_front *filter_front_new(const struct filter *filter, const int meters[FRONT_PLACES],
				      int counts, GError **error);
void filter_front_free(struct filter_front *front);

/* To attach in the meter's stead; -1: there is none. */
int filter_front_program(const struct filter_front *front, enum front_place place);

/* Before it is attached: holds the maps by names in a folder on the BPF file system, beside those
 * of earlier processes. */
bool filter_front_pin(struct filter_front *front, const char *folder, GError **error);
/* Are there names of others than this one (NULL: of any)? */
bool filter_front_has_others(const struct filter_front *front, const char *folder);
/* When nothing of the others is attached or running any more: all names but this one's go. */
void filter_front_unpin_others(const struct filter_front *front, const char *folder);
void filter_front_unpin(const struct filter_front *front, const char *folder);

#endif
