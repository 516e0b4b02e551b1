/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter of our own on a clsact qdisc. It stays when its process dies: what an earlier one left
 * is known by its place and its program's name, and replaced where it is. Whether that process is
 * dead indeed is told by a socket's name, which goes with its owner; names of this kind belong to
 * the network namespace, as do indexes of interfaces. */
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/attach_parts.h"
#include "capture/probe_netlink.h"

#define OUR_PROGRAM "weir_tc" /* or weir_tc_out */

static enum bpf_tc_attach_point side_of(enum attach_point_id id)
{
	return id == POINT_TC_OUT ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

guint32 attach_filter_program(const struct attachment *at, enum attach_point_id id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->index, .attach_point = side_of(id));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE, .priority = ATTACH_TC_PRIORITY);

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

/* One process an interface has the filters. */
static bool claim(struct attachment *at, GError **error)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int length;

	if (at->claim >= 0)
		return true;
	length =
		snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "weir-clsact-%u", at->index);
	at->claim = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (at->claim >= 0 &&
	    bind(at->claim, (const struct sockaddr *)&name,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
		return true;
	if (errno != EADDRINUSE)
		return attach_fail(error, at->interface, errno, "tc");
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: another weir meters at tc already and stays; this kernel has room for one "
		    "(two need 6.6); stop it, or use --hook xdp",
		    at->interface);
	return false;
}

/* --- what the kernel has --- */

struct filter_name {
	guint32 handle;
	char text[BPF_OBJ_NAME_LEN];
};

/* As who put it there called it: libbpf says the program's name. The program itself would tell only
 * the administrator. */
static void take_name(void *data, const struct nlmsghdr *answer)
{
	const struct tcmsg *message = NLMSG_DATA(answer);
	struct filter_name *name = data;
	const guint8 *options = probe_answer_attribute(answer, sizeof(*message), TCA_OPTIONS, 0);
	const char *text = NULL;

	if (answer->nlmsg_type != RTM_NEWTFILTER || message->tcm_handle != name->handle)
		return;
	if (options) {
		const struct nlattr *header = (const void *)(options - NLA_HDRLEN);

		text = probe_attribute(options, (gsize)header->nla_len - (gsize)NLA_HDRLEN,
				       TCA_BPF_NAME, 1);
	}
	if (text)
		g_strlcpy(name->text, text, sizeof(name->text));
}

/* Every filter of one side of an interface. */
static bool ask_filters(const struct attachment *at, guint32 minor, probe_answer *answer,
			void *data)
{
	const struct tcmsg about = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)at->index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor),
	};
	struct probe_message message;

	probe_message_begin(&message, RTM_GETTFILTER, NLM_F_DUMP);
	probe_message_put(&message, &about, sizeof(about));
	return probe_netlink(NETLINK_ROUTE, &message, answer, data);
}

static guint32 minor_of(enum attach_point_id id)
{
	return id == POINT_TC_OUT ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS;
}

/* True where our place is free, has a filter of ours, or is to be taken by force. */
static bool may_take(const struct attachment *at, enum attach_point_id id, guint32 there,
		     GError **error)
{
	struct filter_name name = { .handle = ATTACH_TC_HANDLE };

	if (!there || at->force)
		return true;
	if (ask_filters(at, minor_of(id), take_name, &name) &&
	    g_str_has_prefix(name.text, OUR_PROGRAM))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: a tc filter with program %u (%s) sits on handle 0x%x, which is weir's, "
		    "and stays; take it off, or replace it by --force",
		    at->interface, there, name.text[0] ? name.text : "?", ATTACH_TC_HANDLE);
	return false;
}

static int put_filter(struct attachment *at, enum attach_point_id id, int program, bool replace)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->index, .attach_point = side_of(id));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .handle = ATTACH_TC_HANDLE,
		    .priority = ATTACH_TC_PRIORITY, .flags = replace ? BPF_TC_F_REPLACE : 0);
	int code = bpf_tc_hook_create(&hook);

	if (!code)
		at->clsact = true;
	else if (code != -EEXIST)
		return code;
	return bpf_tc_attach(&hook, &opts);
}

bool attach_filter(struct attachment *at, enum attach_point_id id, int program, GError **error)
{
	guint32 there;
	int code;

	if (!claim(at, error))
		return false;
	there = attach_filter_program(at, id);
	if (!may_take(at, id, there, error))
		return false;
	code = there && there == attach_program_id(program)
		       ? 0
		       : put_filter(at, id, program, there != 0);
	if (code)
		return attach_fail(error, at->interface, -code, "tc");
	at->points[id].filter = true;
	return attach_pin_put(at, PIN_FILTER + (int)id, program, error) &&
	       (!at->clsact || attach_pin_put(at, PIN_CLSACT, program, error));
}

bool attach_filter_remove(struct attachment *at, enum attach_point_id id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->index, .attach_point = side_of(id));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE, .priority = ATTACH_TC_PRIORITY);

	return bpf_tc_detach(&hook, &opts) == 0;
}

static void count_filter(void *data, const struct nlmsghdr *answer)
{
	const struct tcmsg *message = NLMSG_DATA(answer);

	/* A handle of 0 is the chain, not one of its filters. */
	if (answer->nlmsg_type == RTM_NEWTFILTER && message->tcm_handle != 0)
		++*(guint *)data;
}

static bool is_empty(const struct attachment *at, guint32 minor)
{
	guint filters = 0;

	return ask_filters(at, minor, count_filter, &filters) && filters == 0;
}

void attach_clsact_remove(struct attachment *at)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)at->index,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (at->clsact && is_empty(at, TC_H_MIN_INGRESS) && is_empty(at, TC_H_MIN_EGRESS))
		bpf_tc_hook_destroy(&hook);
	at->clsact = false;
}
