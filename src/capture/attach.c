/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching by BPF links (XDP; TCX where the kernel has it) or, on older kernels, by a clsact
 * filter of our own. */
#include "capture/attach.h"

#include <linux/if_link.h>
#include <linux/if_packet.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/attach_parts.h"

/* --- the interface --- */

static bool flags_call(unsigned long call, struct ifreq *request)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && ioctl(fd, call, request) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static bool flags_of(const char *interface, guint *ret_flags)
{
	struct ifreq request = { 0 };
	bool known;

	g_strlcpy(request.ifr_name, interface, sizeof(request.ifr_name));
	known = flags_call(SIOCGIFFLAGS, &request);
	*ret_flags = (guint16)request.ifr_flags;
	return known;
}

/* The programs read frames from their Ethernet header on. */
static bool is_ethernet(const struct attachment *at, GError **error)
{
	struct ifreq request = { 0 };

	g_strlcpy(request.ifr_name, at->interface, sizeof(request.ifr_name));
	if (!flags_call(SIOCGIFHWADDR, &request))
		return attach_fail(error, at->interface, errno, "its link type");
	if (request.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
	    request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: it is no Ethernet, which the hooks in the kernel meter alone; "
		    "--hook af_packet meters it",
		    at->interface);
	return false;
}

static bool set_promiscuous_flag(const char *interface, bool on)
{
	struct ifreq request = { 0 };

	g_strlcpy(request.ifr_name, interface, sizeof(request.ifr_name));
	if (!flags_call(SIOCGIFFLAGS, &request))
		return false;
	if (on)
		request.ifr_flags |= IFF_PROMISC;
	else
		request.ifr_flags &= ~IFF_PROMISC;
	return flags_call(SIOCSIFFLAGS, &request);
}

bool attach_is_ready(const char *interface)
{
	guint flags;

	return flags_of(interface, &flags) && (flags & IFF_UP);
}

/* A program can be attached to an interface that is down, and would wait there without a word. */
static bool is_up(const struct attachment *at, GError **error)
{
	guint flags;

	if (!flags_of(at->interface, &flags))
		return attach_fail(error, at->interface, errno, "its state");
	if (flags & IFF_UP)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: the interface is down; 'ip link set %s up' brings it up", at->interface,
		    at->interface);
	return false;
}

/* By the interface's flag, which stays until somebody takes it back; that it is ours is pinned.
 * Where somebody else has set it, it is his. */
static bool stay_promiscuous(struct attachment *at, int program, GError **error)
{
	int mark = attach_pin_get(at, PIN_PROMISCUOUS);
	guint flags;

	if (mark >= 0)
		close(mark);
	if (mark < 0 && flags_of(at->interface, &flags) && (flags & IFF_PROMISC))
		return true;
	if (!attach_pin_put(at, PIN_PROMISCUOUS, program, error))
		return false;
	if (set_promiscuous_flag(at->interface, true))
		return true;
	return attach_fail(error, at->interface, errno, "promiscuous mode");
}

static void take_promiscuous_back(const struct attachment *at)
{
	int mark = attach_pin_get(at, PIN_PROMISCUOUS);

	if (mark < 0)
		return;
	close(mark);
	if (if_nametoindex(at->interface) == at->index)
		set_promiscuous_flag(at->interface, false);
	attach_pin_remove(at, PIN_PROMISCUOUS);
}

/* The kernel takes the interface back when the socket goes. */
static bool hold_promiscuous(struct attachment *at, GError **error)
{
	const struct packet_mreq request = { .mr_ifindex = (int)at->index,
					     .mr_type = PACKET_MR_PROMISC };

	at->promiscuous = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (at->promiscuous >= 0 && setsockopt(at->promiscuous, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
					       &request, sizeof(request)) == 0)
		return true;
	return attach_fail(error, at->interface, errno, "promiscuous mode");
}

static bool make_promiscuous(struct attachment *at, const struct kernel_meter *meter,
			     const struct attach_options *options, GError **error)
{
	if (!options->promiscuous || !options->stay || !at->pin)
		take_promiscuous_back(at);
	if (!options->promiscuous)
		return true;
	if (options->stay && at->pin)
		return stay_promiscuous(at, kernel_meter_program(meter, KERNEL_HOOK_XDP), error);
	return hold_promiscuous(at, error);
}

/* --- what is attached --- */

static struct attachment *attachment_new(const char *interface, unsigned int index,
					 const struct attach_options *options)
{
	struct attachment *at = g_new0(struct attachment, 1);

	at->interface = g_strdup(interface);
	at->index = index;
	at->pin = g_strdup(options->pin);
	at->force = options->force;
	at->claim = at->promiscuous = -1;
	for (int i = 0; i < POINTS; i++)
		at->points[i].link = at->points[i].before = -1;
	return at;
}

static void attachment_free(struct attachment *at)
{
	for (int i = 0; i < POINTS; i++) {
		if (at->points[i].link >= 0)
			close(at->points[i].link);
		if (at->points[i].before >= 0)
			close(at->points[i].before);
	}
	if (at->claim >= 0)
		close(at->claim);
	if (at->promiscuous >= 0)
		close(at->promiscuous);
	g_free(at->interface);
	g_free(at->hook);
	g_free(at->pin);
	g_free(at);
}

static void find_link(struct attachment *at, enum attach_point_id id)
{
	struct attach_point *point = &at->points[id];
	guint32 running;

	point->link = attach_pin_get(at, PIN_LINK + (int)id);
	point->found = point->link >= 0 && attach_link_alive(point->link, at->index, &running);
	if (point->found)
		return;
	/* Its interface is gone, and with it what it was attached to. */
	attach_pin_remove(at, PIN_LINK + (int)id);
	if (point->link >= 0)
		close(point->link);
	point->link = -1;
}

static void find_filter(struct attachment *at, enum attach_point_id id)
{
	struct attach_point *point = &at->points[id];
	int program = attach_pin_get(at, PIN_FILTER + (int)id);
	int mark;

	if (program < 0)
		return;
	point->found = point->filter = attach_filter_program(at, id) == attach_program_id(program);
	close(program);
	if (!point->filter) {
		attach_pin_remove(at, PIN_FILTER + (int)id);
		return;
	}
	mark = attach_pin_get(at, PIN_CLSACT);
	at->clsact |= mark >= 0;
	if (mark >= 0)
		close(mark);
}

static void find_before(struct attachment *at)
{
	struct attach_point *point = &at->points[POINT_XDP];

	point->before = attach_pin_get(at, PIN_BEFORE_DRIVER);
	point->before_mode = XDP_FLAGS_DRV_MODE;
	if (point->before >= 0)
		return;
	point->before = attach_pin_get(at, PIN_BEFORE_GENERIC);
	point->before_mode = XDP_FLAGS_SKB_MODE;
}

/* What an earlier process left pinned for this index; of an interface that is gone, nothing. */
static void find_pinned(struct attachment *at)
{
	if (!at->pin)
		return;
	for (int i = 0; i < POINTS; i++) {
		find_link(at, (enum attach_point_id)i);
		if (!at->points[i].found && i != POINT_XDP)
			find_filter(at, (enum attach_point_id)i);
	}
	if (at->points[POINT_XDP].found)
		find_before(at);
	else {
		attach_pin_remove(at, PIN_BEFORE_DRIVER);
		attach_pin_remove(at, PIN_BEFORE_GENERIC);
	}
}

/* A link is taken off by word, since the last descriptor's end may take it off only later. */
static bool take_off(struct attachment *at, enum attach_point_id id, GError **error)
{
	struct attach_point *point = &at->points[id];
	guint32 running;

	if (point->link >= 0) {
		attach_pin_remove(at, PIN_LINK + (int)id);
		if (attach_link_alive(point->link, at->index, &running))
			bpf_link_detach(point->link);
		close(point->link);
	}
	if (point->filter) {
		attach_pin_remove(at, PIN_FILTER + (int)id);
		attach_filter_remove(at, id);
	}
	point->link = -1;
	point->filter = point->found = false;
	return id == POINT_XDP ? attach_xdp_restore(at, error) : true;
}

/* What a start that failed has made goes again; what it found goes on. */
static void give_up(struct attachment *at)
{
	for (int i = 0; i < POINTS; i++) {
		if (!at->points[i].found)
			take_off(at, (enum attach_point_id)i, NULL);
	}
	if (!attachment_found(at)) {
		attach_pin_remove(at, PIN_CLSACT);
		attach_clsact_remove(at);
	}
	attachment_free(at);
}

static bool wants_xdp(const struct attach_options *options)
{
	return options->hook == ATTACH_AUTO ? options->direction == ATTACH_IN
					    : options->hook != ATTACH_TC;
}

static bool is_wanted(enum attach_point_id id, const struct attach_options *options)
{
	if (id == POINT_XDP || wants_xdp(options))
		return id == POINT_XDP && wants_xdp(options);
	return options->direction & (id == POINT_TC_OUT ? ATTACH_OUT : ATTACH_IN);
}

static bool check_hook(const struct attachment *at, const struct attach_options *options,
		       GError **error)
{
	if (!wants_xdp(options))
		return true;
	if (options->direction == ATTACH_IN)
		return attach_xdp_check(at, error);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s: XDP sees only packets that come in; use --hook tc for those that leave",
		    at->interface);
	return false;
}

static bool check(const struct attachment *at, const struct attach_options *options, GError **error)
{
	if (!at->index)
		return attach_fail(error, at->interface, ENODEV,
				   "no such interface (ip link shows them)");
	return is_up(at, error) && is_ethernet(at, error) && check_hook(at, options, error);
}

bool attach_check(const char *interface, const struct attach_options *options, GError **error)
{
	struct attachment *at = attachment_new(interface, if_nametoindex(interface), options);
	bool good = check(at, options, error);

	attachment_free(at);
	return good;
}

static bool attach_hook(struct attachment *at, const struct kernel_meter *meter,
			const struct attach_options *options, GError **error)
{
	for (int i = 0; i < POINTS; i++) {
		if (at->points[i].found && !is_wanted((enum attach_point_id)i, options))
			take_off(at, (enum attach_point_id)i, NULL);
	}
	if (wants_xdp(options)) {
		attach_pin_remove(at, PIN_CLSACT);
		attach_clsact_remove(at);
		return attach_xdp(at, kernel_meter_program(meter, KERNEL_HOOK_XDP), options->hook,
				  error);
	}
	return attach_tc(at, meter, options->direction, error);
}

struct attachment *attach(const struct kernel_meter *meter, const char *interface,
			  const struct attach_options *options, GError **error)
{
	struct attachment *at = attachment_new(interface, if_nametoindex(interface), options);

	if (check(at, options, error)) {
		find_pinned(at);
		if (attach_hook(at, meter, options, error) &&
		    make_promiscuous(at, meter, options, error))
			return at;
	}
	give_up(at);
	return NULL;
}

bool attach_again(struct attachment *at, const struct kernel_meter *meter,
		  const struct attach_options *options, GError **error)
{
	g_clear_pointer(&at->hook, g_free);
	if (wants_xdp(options))
		return attach_xdp(at, kernel_meter_program(meter, KERNEL_HOOK_XDP), options->hook,
				  error);
	return attach_tc(at, meter, options->direction, error);
}

bool detach(struct attachment *at, GError **error)
{
	bool good = true;

	if (!at)
		return true;
	for (int i = 0; i < POINTS; i++)
		good &= take_off(at, (enum attach_point_id)i, good ? error : NULL);
	attach_pin_remove(at, PIN_CLSACT);
	attach_clsact_remove(at);
	take_promiscuous_back(at);
	attachment_free(at);
	return good;
}

void attachment_leave(struct attachment *at)
{
	if (at)
		attachment_free(at);
}

void attach_clear(const char *pin, const char *const *interfaces)
{
	const struct attach_options options = { .pin = pin };
	GArray *indexes = attach_pin_indexes(pin);

	for (guint i = 0; i < indexes->len; i++) {
		unsigned int index = g_array_index(indexes, unsigned int, i);
		char name[IF_NAMESIZE] = "";
		struct attachment *at;

		if (if_indextoname(index, name) && interfaces && g_strv_contains(interfaces, name))
			continue;
		at = attachment_new(name, index, &options);
		find_pinned(at);
		detach(at, NULL);
	}
	g_array_free(indexes, TRUE);
}

/* --- how it is --- */

static bool is_attached(const struct attachment *at, enum attach_point_id id)
{
	const struct attach_point *point = &at->points[id];
	guint32 running;

	if (point->link >= 0)
		return attach_link_alive(point->link, at->index, &running);
	return !point->filter || attach_filter_program(at, id) != 0;
}

enum attachment_state attachment_state(const struct attachment *at)
{
	guint flags;

	if (if_nametoindex(at->interface) != at->index || !flags_of(at->interface, &flags))
		return ATTACHMENT_GONE;
	for (int i = 0; i < POINTS; i++) {
		if (!is_attached(at, (enum attach_point_id)i))
			return ATTACHMENT_OFF;
	}
	return flags & IFF_UP ? ATTACHMENT_GOOD : ATTACHMENT_DOWN;
}

const char *attachment_interface(const struct attachment *at)
{
	return at->interface;
}

const char *attachment_hook(const struct attachment *at)
{
	return at->hook;
}

bool attachment_found(const struct attachment *at)
{
	bool found = false;

	for (int i = 0; i < POINTS; i++)
		found |= at->points[i].found;
	return found;
}
