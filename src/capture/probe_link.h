/* SPDX-License-Identifier: BSD-2-Clause */
/* What an interface, its driver and its network card are set to; asked, never changed. */
#ifndef WEIR_CAPTURE_PROBE_LINK_H
#define WEIR_CAPTURE_PROBE_LINK_H

#include <glib.h>
#include <stdbool.h>

#include "capture/rss.h"

/* Bits of what merges or splits packets. */
enum probe_offload {
	PROBE_GRO = 1 << 0,
	PROBE_GRO_HARDWARE = 1 << 1,
	PROBE_LRO = 1 << 2,
	PROBE_TSO = 1 << 3,
	PROBE_GSO = 1 << 4,
};

enum probe_xdp {
	PROBE_XDP_UNKNOWN, /* the kernel does not tell and the driver's name is not known */
	PROBE_XDP_GENERIC,
	PROBE_XDP_LIKELY, /* by the name of the driver */
	PROBE_XDP_NATIVE, /* the kernel says so */
};

/* A program that is attached to the interface. */
struct probe_program {
	const char *where; /* "native XDP", "tc ingress", ... */
	bool xdp;
	guint32 id;    /* 0: no BPF program, or not told */
	char name[64]; /* empty: not told */
};

struct probe_link {
	int ifindex; /* 0: there is no such interface, and nothing else is valid */
	guint flags; /* IFF_UP, ... */
	guint mtu;
	guint hardware; /* ARPHRD_... */
	char driver[32];
	bool wireless;
	bool virtual_function;
	enum probe_xdp xdp;
	bool xdp_fragments; /* native mode takes frames of several buffers */
	bool offloads_known;
	guint offloads; /* enum probe_offload */
	struct rss_config rss;
	GArray *programs; /* of struct probe_program */
};

/* ret_link is to be cleared. */
void probe_link(const char *ifname, struct probe_link *ret_link);
void probe_link_clear(struct probe_link *link);

/* The parts that probe_link() puts together: each fills what it can find out. */
void probe_ethtool(int fd, const char *ifname, struct probe_link *link);
void probe_hooks(struct probe_link *link);

/* What drivers are known to do, for kernels that do not tell. */
enum probe_xdp probe_xdp_of_driver(const char *driver);

#endif
