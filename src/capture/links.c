/* SPDX-License-Identifier: BSD-2-Clause */
/* An interface is known by its name; its index, which what is attached hangs on, may be another one
 * each time it is back. The kernel's messages only say that it is time to look. */
#include "capture/links.h"

#include <linux/rtnetlink.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/filter_front.h"
#include "capture/grace.h"

#define LOOK_US G_USEC_PER_SEC

struct watched {
	const char *interface;
	struct attachment *attachment; /* NULL: the interface is gone */
	bool away;		       /* down or gone, and told so */
	const char *told;	       /* of why it is away, last */
	char *hindrance;	       /* what was told of the last attempt */
};

struct links {
	const struct kernel_meter *meter;
	struct links_options options;
	int changes; /* a socket with the kernel's messages about interfaces; -1: none */
	gint64 look_us;
	guint count;
	struct watched watched[];
};

static void tell(const struct links *links, enum log_level level, const char *interface,
		 const char *news)
{
	if (links->options.tell)
		links->options.tell(links->options.data, level, interface, news);
}

/* --- when to look --- */

static int open_changes(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* What a message says matters less than that there was one, or too many of them. */
static bool has_changed(int fd)
{
	bool changed = false;
	char message[64];

	while (fd >= 0) {
		if (recv(fd, message, sizeof(message), MSG_TRUNC) < 0 && errno != ENOBUFS)
			return changed;
		changed = true;
	}
	return false;
}

static bool is_time(struct links *links)
{
	gint64 now = g_get_monotonic_time();

	if (!has_changed(links->changes) && now < links->look_us)
		return false;
	links->look_us = now + LOOK_US;
	return true;
}

/* --- one interface --- */

/* One that is taken away goes down first: whoever looks just then hears of both. */
static void went(struct links *links, struct watched *one, const char *news)
{
	if (!one->away || one->told != news)
		tell(links, LOG_LEVEL_WARNING, one->interface, news);
	one->away = true;
	one->told = news;
}

static void came(struct links *links, struct watched *one)
{
	if (one->away)
		tell(links, LOG_LEVEL_INFO, one->interface, "back, metering goes on");
	one->away = false;
	g_clear_pointer(&one->hindrance, g_free);
}

static void drop(struct watched *one)
{
	detach(one->attachment, NULL);
	one->attachment = NULL;
}

/* Until it works; a reason is told once. An interface that is not there or still down is what is
 * waited for. */
static void try_again(struct links *links, struct watched *one)
{
	const struct attach_options *options = &links->options.attach;
	/* What came while it was tried is no hindrance. */
	const bool was_ready = attach_is_ready(one->interface);
	GError *error = NULL;

	one->attachment = attach(links->meter, one->interface, options, &error);
	if (one->attachment) {
		came(links, one);
		return;
	}
	if (was_ready && attach_is_ready(one->interface) &&
	    g_strcmp0(one->hindrance, error->message) != 0) {
		g_free(one->hindrance);
		one->hindrance = g_strdup(error->message);
		tell(links, LOG_LEVEL_WARNING, NULL, error->message);
	}
	g_error_free(error);
}

static void look(struct links *links, struct watched *one)
{
	enum attachment_state state =
		one->attachment ? attachment_state(one->attachment) : ATTACHMENT_GONE;

	switch (state) {
	case ATTACHMENT_GOOD:
		came(links, one);
		return;
	case ATTACHMENT_DOWN:
		went(links, one, "the interface is down; waiting for it to come up");
		return;
	case ATTACHMENT_GONE:
		went(links, one, "the interface is gone; waiting for it to come back");
		break;
	case ATTACHMENT_OFF:
		went(links, one, "weir's program was taken off; putting it back");
		break;
	}
	drop(one);
	try_again(links, one);
}

/* --- all --- */

bool links_check(const struct links_options *options, GError **error)
{
	for (const char *const *name = options->interfaces; *name; name++) {
		if (!attach_check(*name, &options->attach, error))
			return false;
	}
	return true;
}

/* The filter before the meter outlives this process with what is attached. */
static bool name_front(const struct links *links, GError **error)
{
	struct filter_front *front = kernel_meter_front(links->meter);
	const char *folder = links->options.attach.pin;

	return !front || !folder || filter_front_pin(front, folder, error);
}

/* Nothing of an earlier process is attached any more; what of it still runs ends first. */
static void forget_fronts(const struct links *links)
{
	const char *folder = links->options.attach.pin;

	if (folder && filter_front_has_others(kernel_meter_front(links->meter), folder) &&
	    grace_wait(NULL))
		filter_front_unpin_others(kernel_meter_front(links->meter), folder);
}

static void forget_own_front(const struct links *links)
{
	const struct filter_front *front = kernel_meter_front(links->meter);

	if (front && links->options.attach.pin)
		filter_front_unpin(front, links->options.attach.pin);
}

/* A start that failed leaves what an earlier process had attached; that may have this one's filter
 * already. */
static struct links *give_up(struct links *links)
{
	bool found = false;

	for (guint i = 0; i < links->count; i++) {
		struct watched *one = &links->watched[i];

		found |= one->attachment && attachment_found(one->attachment);
		if (one->attachment && !attachment_found(one->attachment))
			drop(one);
	}
	if (!found)
		forget_own_front(links);
	links_leave(links);
	return NULL;
}

struct links *links_new(const struct kernel_meter *meter, const struct links_options *options,
			GError **error)
{
	guint count = g_strv_length((char **)options->interfaces);
	struct links *links = g_malloc0(sizeof(*links) + count * sizeof(links->watched[0]));

	links->meter = meter;
	links->options = *options;
	links->count = count;
	links->changes = open_changes();
	if (!links_check(options, error) || !name_front(links, error))
		return give_up(links);
	attach_clear(options->attach.pin, options->interfaces);
	for (guint i = 0; i < count; i++) {
		struct watched *one = &links->watched[i];
		g_autofree char *news = NULL;

		one->interface = options->interfaces[i];
		one->attachment = attach(meter, one->interface, &options->attach, error);
		if (!one->attachment)
			return give_up(links);
		news = g_strdup_printf("metering at %s%s", attachment_hook(one->attachment),
				       attachment_found(one->attachment) ? ", as it went on" : "");
		tell(links, LOG_LEVEL_INFO, one->interface, news);
	}
	forget_fronts(links);
	return links;
}

void links_watch(struct links *links)
{
	if (!is_time(links))
		return;
	for (guint i = 0; i < links->count; i++)
		look(links, &links->watched[i]);
}

bool links_renew(struct links *links, GError **error)
{
	if (!name_front(links, error))
		return false;
	for (guint i = 0; i < links->count; i++) {
		const struct watched *one = &links->watched[i];

		/* What is away is attached with them when it is back. */
		if (one->attachment && attachment_state(one->attachment) <= ATTACHMENT_DOWN &&
		    !attach_again(one->attachment, links->meter, &links->options.attach, error))
			return false;
	}
	forget_fronts(links);
	return true;
}

static bool is_metered(const struct watched *one)
{
	return one->attachment && !one->away;
}

guint64 links_away(const struct links *links)
{
	guint64 away = 0;

	for (guint i = 0; i < MIN(links->count, 64); i++)
		away |= (guint64)!is_metered(&links->watched[i]) << i;
	return away;
}

guint links_count(const struct links *links)
{
	guint count = 0;

	for (guint i = 0; i < links->count; i++)
		count += is_metered(&links->watched[i]);
	return count;
}

bool links_free(struct links *links, GError **error)
{
	bool good = true;

	if (!links)
		return true;
	for (guint i = 0; i < links->count; i++) {
		struct watched *one = &links->watched[i];

		good &= detach(g_steal_pointer(&one->attachment), good ? error : NULL);
	}
	links_leave(links);
	return good;
}

void links_leave(struct links *links)
{
	if (!links)
		return;
	for (guint i = 0; i < links->count; i++) {
		attachment_leave(links->watched[i].attachment);
		g_free(links->watched[i].hindrance);
	}
	if (links->changes >= 0)
		close(links->changes);
	g_free(links);
}
