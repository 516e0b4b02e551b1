/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter's programs on an interface: attached, found occupied, taken off again. Without a folder
 * to pin them in, links belong to this process, so that its end, however it comes, takes them off;
 * with one, what is attached goes on until it is detached, and whoever comes next takes it over. */
#ifndef WEIR_CAPTURE_ATTACH_H
#define WEIR_CAPTURE_ATTACH_H

#include <stdbool.h>

#include "capture/kernel_meter.h"

enum attach_hook {
	ATTACH_AUTO, /* XDP in the driver, else generic XDP; tc where packets that leave count */
	ATTACH_XDP,
	ATTACH_XDP_GENERIC,
	ATTACH_TC,
	ATTACH_PACKET, /* no hook at all: packet sockets and the native table */
};

enum attach_direction {
	ATTACH_IN = 1 << 0,
	ATTACH_OUT = 1 << 1,
	ATTACH_BOTH = ATTACH_IN | ATTACH_OUT,
};

struct attach_options {
	enum attach_hook hook;
	enum attach_direction direction;
	bool promiscuous;
	bool stay;	 /* promiscuous too outlives the process, where something is pinned */
	bool force;	 /* another's program makes way, and comes back at the end */
	const char *pin; /* a folder on the BPF file system that is there; NULL: pin nothing */
};

struct attachment;

/* What can be refused before anything is loaded: no such interface, one that is down, another
 * program on the hook. */
bool attach_check(const char *interface, const struct attach_options *options, GError **error);
/* Takes over what it finds pinned; a packet meets the old program or this one, never none. The
 * error says what is in the way; what was pinned by an earlier process is left then. */
struct attachment *attach(const struct kernel_meter *meter, const char *interface,
			  const struct attach_options *options, GError **error);
/* The meter has other programs now: each takes the place of the one before, and a packet meets one
 * of the two. False: some of it may go on with the old one. */
bool attach_again(struct attachment *at, const struct kernel_meter *meter,
		  const struct attach_options *options, GError **error);
/* Takes off what is attached, at once, and unpins it. False: another's program could not be put
 * back. */
bool detach(struct attachment *attachment, GError **error);
/* What is pinned goes on without this process. */
void attachment_leave(struct attachment *attachment);

/* Takes off what is pinned in the folder, except at the interfaces named (NULL-terminated; NULL:
 * none). */
void attach_clear(const char *pin, const char *const *interfaces);

/* There is such an interface, and it is up. */
bool attach_is_ready(const char *interface);

enum attachment_state {
	ATTACHMENT_GOOD,
	ATTACHMENT_DOWN, /* the interface is down; nothing needs to be done when it comes up */
	ATTACHMENT_GONE, /* the interface is gone, or another one has its name */
	ATTACHMENT_OFF,	 /* somebody took the program off */
};

enum attachment_state attachment_state(const struct attachment *attachment);

const char *attachment_interface(const struct attachment *attachment);
/* "XDP in the driver", "generic XDP", "tc": which hook it is, and for auto why. */
const char *attachment_hook(const struct attachment *attachment);
/* Found attached by an earlier process. */
bool attachment_found(const struct attachment *attachment);

#endif
