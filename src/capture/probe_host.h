/* SPDX-License-Identifier: BSD-2-Clause */
/* What this host's kernel is, and what it lets this process do; asked, never changed. */
#ifndef WEIR_CAPTURE_PROBE_HOST_H
#define WEIR_CAPTURE_PROBE_HOST_H

#include <glib.h>
#include <stdbool.h>

#include "capture/kernel_tables.h"

struct probe_host {
	char release[65]; /* as uname(1) says */
	guint kernel_major;
	guint kernel_minor;
	bool btf;
	int load_xdp; /* 0: an empty program can be loaded; else errno */
	int load_tc;
	int packet_socket; /* the same of a packet socket */
	bool bpf_mounted;
	int jit; /* net.core.bpf_jit_enable; -1: not known */
	char clock[64];
	char clocks[128]; /* the others there are */
	guint cpus;	  /* possible ones, each of which has a table */
	guint64 memory_free;
};

void probe_host(struct probe_host *ret_host);

/* What the flow tables take, in octets: the kernel's, over all CPUs, and the native one. */
guint64 probe_kernel_table(enum kernel_cache cache, guint64 max_flows, int detail, guint cpus);
guint64 probe_native_table(guint64 max_flows, int detail);

#endif
