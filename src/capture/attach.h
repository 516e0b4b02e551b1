/* SPDX-License-Identifier: BSD-2-Clause */
/* The meter's programs on an interface: attached, found occupied, taken off again. Links belong to
 * this process, so that its end, however it comes, takes them off. */
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
};

struct attachment;

/* The error says what is in the way: no such interface, another program on the hook (which stays),
 * a driver without XDP. */
struct attachment *attach(const struct kernel_meter *meter, const char *interface,
			  const struct attach_options *options, GError **error);
void detach(struct attachment *attachment);

const char *attachment_interface(const struct attachment *attachment);
/* "XDP in the driver", "generic XDP", "tc": which hook it is, and for auto why. */
const char *attachment_hook(const struct attachment *attachment);

#endif
