/* SPDX-License-Identifier: BSD-2-Clause */
/* Which XDP mode an interface offers, and which programs are on its hooks already. */
#include <linux/genetlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/probe_link.h"
#include "capture/probe_netlink.h"

/* The generic netlink family "netdev" of kernel 6.3, which Debian 12's headers do not have. */
#define NETDEV_DEV_GET	    1
#define NETDEV_IFINDEX	    1
#define NETDEV_XDP_FEATURES 3
#define NETDEV_XDP_BASIC    (1 << 0)
#define NETDEV_XDP_RX_SG    (1 << 5)

/* Attach types of kernel 6.6, likewise. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define PROGRAMS_MAX 64

struct driver {
	const char *name;
	enum probe_xdp xdp;
};

static const struct driver drivers[] = {
#define DRIVER(name, xdp) { name, PROBE_XDP_##xdp },
#include "capture/probe_drivers.def"
#undef DRIVER
};

enum probe_xdp probe_xdp_of_driver(const char *driver)
{
	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
		if (strcmp(driver, drivers[i].name) == 0)
			return drivers[i].xdp;
	}
	return PROBE_XDP_UNKNOWN;
}

static void take_family(void *data, const struct nlmsghdr *answer)
{
	const void *id = probe_answer_attribute(answer, GENL_HDRLEN, CTRL_ATTR_FAMILY_ID, 2);

	if (id)
		memcpy(data, id, sizeof(guint16));
}

static void take_features(void *data, const struct nlmsghdr *answer)
{
	const void *features = probe_answer_attribute(answer, GENL_HDRLEN, NETDEV_XDP_FEATURES, 8);

	if (features)
		memcpy(data, features, sizeof(guint64));
}

static bool ask_features(const struct probe_link *link, guint64 *ret_features)
{
	const struct genlmsghdr get_family = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	const struct genlmsghdr get_device = { .cmd = NETDEV_DEV_GET, .version = 1 };
	struct probe_message message;
	guint16 family = 0;

	probe_message_begin(&message, GENL_ID_CTRL, 0);
	probe_message_put(&message, &get_family, sizeof(get_family));
	probe_message_attribute(&message, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
	if (!probe_netlink(NETLINK_GENERIC, &message, take_family, &family) || family == 0)
		return false;
	*ret_features = 0;
	probe_message_begin(&message, family, 0);
	probe_message_put(&message, &get_device, sizeof(get_device));
	probe_message_attribute(&message, NETDEV_IFINDEX, &link->ifindex, sizeof(link->ifindex));
	return probe_netlink(NETLINK_GENERIC, &message, take_features, ret_features);
}

static void ask_mode(struct probe_link *link)
{
	guint64 features;

	if (!ask_features(link, &features)) {
		link->xdp = probe_xdp_of_driver(link->driver);
		return;
	}
	link->xdp = features & NETDEV_XDP_BASIC ? PROBE_XDP_NATIVE : PROBE_XDP_GENERIC;
	link->xdp_fragments = features & NETDEV_XDP_RX_SG;
}

/* The kernel's name of a program; reading it takes more rights than attaching it. */
static void name_program(struct probe_program *program)
{
	struct bpf_prog_info info = { 0 };
	guint32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(program->id);

	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && !program->name[0])
		g_strlcpy(program->name, info.name, sizeof(program->name));
	close(fd);
}

static void add_program(struct probe_link *link, const char *where, bool xdp, guint32 id)
{
	struct probe_program program = { .where = where, .xdp = xdp, .id = id };

	name_program(&program);
	g_array_append_val(link->programs, program);
}

static void ask_xdp(struct probe_link *link)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);

	if (bpf_xdp_query(link->ifindex, 0, &found) != 0)
		return;
	if (found.attach_mode == XDP_ATTACHED_DRV && !found.drv_prog_id)
		found.drv_prog_id = found.prog_id;
	if (found.drv_prog_id)
		add_program(link, "native XDP", true, found.drv_prog_id);
	if (found.skb_prog_id)
		add_program(link, "generic XDP", true, found.skb_prog_id);
	if (found.hw_prog_id)
		add_program(link, "XDP in the card", true, found.hw_prog_id);
}

static void ask_tcx(struct probe_link *link, int type, const char *where)
{
	guint32 ids[PROGRAMS_MAX];
	guint32 count = PROGRAMS_MAX;
	guint32 flags;

	if (bpf_prog_query(link->ifindex, (enum bpf_attach_type)type, 0, &flags, ids, &count) != 0)
		return;
	for (guint32 i = 0; i < MIN(count, (guint32)PROGRAMS_MAX); i++)
		add_program(link, where, false, ids[i]);
}

struct filters {
	struct probe_link *link;
	const char *where;
};

static void take_filter(void *data, const struct nlmsghdr *answer)
{
	const struct filters *filters = data;
	const gsize header = sizeof(struct tcmsg);
	struct probe_program program = { .where = filters->where };
	const struct tcmsg *message = NLMSG_DATA(answer);
	const char *kind = probe_answer_attribute(answer, header, TCA_KIND, 1);
	const guint8 *options = probe_answer_attribute(answer, header, TCA_OPTIONS, 0);
	const void *id = NULL;
	gsize size;

	/* A handle of 0 is the chain, not one of its filters. */
	if (answer->nlmsg_type != RTM_NEWTFILTER || message->tcm_handle == 0 || !kind)
		return;
	if (options && strcmp(kind, "bpf") == 0) {
		size = ((const struct nlattr *)(const void *)(options - NLA_HDRLEN))->nla_len -
		       (gsize)NLA_HDRLEN;
		id = probe_attribute(options, size, TCA_BPF_ID, 4);
	}
	if (id)
		memcpy(&program.id, id, sizeof(program.id));
	else
		g_snprintf(program.name, sizeof(program.name), "a filter of kind %s", kind);
	if (program.id)
		name_program(&program);
	g_array_append_val(filters->link->programs, program);
}

static void ask_filters(struct probe_link *link, guint32 minor, const char *where)
{
	struct filters filters = { link, where };
	const struct tcmsg about = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = link->ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor),
	};
	struct probe_message message;

	probe_message_begin(&message, RTM_GETTFILTER, NLM_F_DUMP);
	probe_message_put(&message, &about, sizeof(about));
	probe_netlink(NETLINK_ROUTE, &message, take_filter, &filters);
}

/* libbpf says on standard error what a kernel does not know; here that is an answer. */
static int silence(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

void probe_hooks(struct probe_link *link)
{
	libbpf_print_fn_t before = libbpf_set_print(silence);

	ask_mode(link);
	ask_xdp(link);
	ask_tcx(link, TCX_INGRESS, "TCX ingress");
	ask_tcx(link, TCX_EGRESS, "TCX egress");
	ask_filters(link, TC_H_MIN_INGRESS, "tc ingress");
	ask_filters(link, TC_H_MIN_EGRESS, "tc egress");
	libbpf_set_print(before);
}
