/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching by BPF links (XDP; TCX where the kernel has it) or, on older kernels, by a clsact
 * filter of our own. */
#include "capture/attach.h"

#include <linux/if_link.h>
#include <linux/if_packet.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* Attach types of 6.6, newer than the headers may be. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

/* Where our filter sits on a clsact qdisc, so that it is found again among others. */
#define TC_HANDLE   0x77656972 /* "weir" */
#define TC_PRIORITY 0xc001

#define LINKS_MAX 2

struct attachment {
	char *interface;
	char *hook;
	unsigned int index;
	int links[LINKS_MAX]; /* -1: none */
	int filters;	      /* enum bpf_tc_attach_point bits of clsact filters that are ours */
	int promiscuous;      /* a socket that keeps the interface so; -1: none */
};

static bool fail(GError **error, const char *interface, int code, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s: %s%s", interface, what,
		    g_strerror(code),
		    code == EPERM ? " (run as root, or with CAP_BPF and CAP_NET_ADMIN)" : "");
	return false;
}

/* A program can be attached to an interface that is down, and would wait there without a word. */
static bool is_up(const struct attachment *at, GError **error)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known;

	g_strlcpy(request.ifr_name, at->interface, sizeof(request.ifr_name));
	known = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	if (fd >= 0)
		close(fd);
	if (!known)
		return fail(error, at->interface, errno, "its state");
	if (request.ifr_flags & IFF_UP)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: the interface is down; 'ip link set %s up' brings it up", at->interface,
		    at->interface);
	return false;
}

/* --- XDP --- */

static bool is_occupied(struct attachment *at, GError **error)
{
	guint32 id = 0;

	if (bpf_xdp_query_id((int)at->index, 0, &id) || !id)
		return false;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: XDP program %u is attached already and stays (bpftool prog show id %u); "
		    "take it off, or use --hook tc",
		    at->interface, id, id);
	return true;
}

static bool attach_xdp(struct attachment *at, int program, guint32 mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);

	at->links[0] = bpf_link_create(program, (int)at->index, BPF_XDP, &opts);
	return at->links[0] >= 0;
}

static bool attach_any_xdp(struct attachment *at, int program, enum attach_hook hook,
			   GError **error)
{
	int why;

	if (is_occupied(at, error))
		return false;
	if (hook != ATTACH_XDP_GENERIC && attach_xdp(at, program, XDP_FLAGS_DRV_MODE)) {
		at->hook = g_strdup("XDP in the driver");
		return true;
	}
	why = errno;
	if (hook == ATTACH_XDP)
		return fail(error, at->interface, why,
			    "its driver does not take XDP; --hook xdp-generic or tc would do");
	if (attach_xdp(at, program, XDP_FLAGS_SKB_MODE)) {
		at->hook = hook == ATTACH_AUTO ? g_strdup_printf("generic XDP (in the driver: %s)",
								 g_strerror(why))
					       : g_strdup("generic XDP");
		return true;
	}
	return fail(error, at->interface, errno, "XDP");
}

/* --- tc --- */

static bool attach_filter(struct attachment *at, int program, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->index, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);
	int code = bpf_tc_hook_create(&hook);

	if (code && code != -EEXIST) {
		errno = -code;
		return false;
	}
	code = bpf_tc_attach(&hook, &opts);
	errno = -code;
	if (!code)
		at->filters |= (int)point;
	return !code;
}

static void detach_filter(const struct attachment *at, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->index, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	if (at->filters & (int)point)
		bpf_tc_detach(&hook, &opts);
}

static bool attach_tc_at(struct attachment *at, int program, bool out)
{
	at->links[out] =
		bpf_link_create(program, (int)at->index,
				(enum bpf_attach_type)(out ? TCX_EGRESS : TCX_INGRESS), NULL);
	if (at->links[out] >= 0)
		return true;
	return attach_filter(at, program, out ? BPF_TC_EGRESS : BPF_TC_INGRESS);
}

static bool attach_tc(struct attachment *at, int program, enum attach_direction direction,
		      GError **error)
{
	for (int out = 0; out < 2; out++) {
		if (!(direction & (out ? ATTACH_OUT : ATTACH_IN)))
			continue;
		if (!attach_tc_at(at, program, out))
			return fail(error, at->interface, errno, "tc");
	}
	at->hook = g_strdup(at->filters ? "tc (clsact)" : "tc (TCX)");
	return true;
}

/* --- both --- */

/* The kernel takes the interface back when the socket goes. */
static bool make_promiscuous(struct attachment *at, GError **error)
{
	const struct packet_mreq request = { .mr_ifindex = (int)at->index,
					     .mr_type = PACKET_MR_PROMISC };

	at->promiscuous = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (at->promiscuous >= 0 && setsockopt(at->promiscuous, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
					       &request, sizeof(request)) == 0)
		return true;
	return fail(error, at->interface, errno, "promiscuous mode");
}

static bool attach_hook(struct attachment *at, const struct kernel_meter *meter,
			const struct attach_options *options, GError **error)
{
	bool xdp = options->hook == ATTACH_AUTO ? options->direction == ATTACH_IN
						: options->hook != ATTACH_TC;

	if (!xdp)
		return attach_tc(at, kernel_meter_program(meter, KERNEL_HOOK_TC),
				 options->direction, error);
	if (options->direction != ATTACH_IN) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%s: XDP sees only packets that come in; use --hook tc for those that "
			    "leave",
			    at->interface);
		return false;
	}
	return attach_any_xdp(at, kernel_meter_program(meter, KERNEL_HOOK_XDP), options->hook,
			      error);
}

struct attachment *attach(const struct kernel_meter *meter, const char *interface,
			  const struct attach_options *options, GError **error)
{
	struct attachment *at = g_new0(struct attachment, 1);

	at->interface = g_strdup(interface);
	at->links[0] = at->links[1] = at->promiscuous = -1;
	at->index = if_nametoindex(interface);
	if (!at->index)
		fail(error, interface, errno, "no such interface (ip link shows them)");
	else if (is_up(at, error) && attach_hook(at, meter, options, error) &&
		 (!options->promiscuous || make_promiscuous(at, error)))
		return at;
	detach(at);
	return NULL;
}

void detach(struct attachment *at)
{
	if (!at)
		return;
	for (int i = 0; i < LINKS_MAX; i++) {
		if (at->links[i] >= 0)
			close(at->links[i]);
	}
	detach_filter(at, BPF_TC_INGRESS);
	detach_filter(at, BPF_TC_EGRESS);
	if (at->promiscuous >= 0)
		close(at->promiscuous);
	g_free(at->interface);
	g_free(at->hook);
	g_free(at);
}

const char *attachment_interface(const struct attachment *at)
{
	return at->interface;
}

const char *attachment_hook(const struct attachment *at)
{
	return at->hook;
}
