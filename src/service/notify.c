/* SPDX-License-Identifier: BSD-2-Clause */
#include "service/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

#define STATUS_US (10 * G_USEC_PER_SEC)
#define OFTEN	  4 /* so many times in the watchdog's interval: one may be late */

struct notify {
	int socket;
	struct sockaddr_un address;
	socklen_t length;
	gint64 watchdog_us; /* its interval; 0: there is none */
	gint64 alive_us;    /* when it was told last */
	gint64 status_us;
};

/* A name that begins with @ is none of the file system. */
static bool address_of(const char *name, struct notify *notify)
{
	const size_t length = strlen(name);

	if ((*name != '/' && *name != '@') || length < 2 ||
	    length >= sizeof(notify->address.sun_path))
		return false;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, length);
	if (*name == '@')
		notify->address.sun_path[0] = '\0';
	notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
				     (*name == '/' ? 1 : 0));
	return true;
}

/* It may be meant for another process, whose children we are. */
static gint64 watchdog_interval(void)
{
	const char *interval = g_getenv("WATCHDOG_USEC");
	const char *process = g_getenv("WATCHDOG_PID");

	if (!interval || (process && g_ascii_strtoull(process, NULL, 10) != (guint64)getpid()))
		return 0;
	return (gint64)MIN(g_ascii_strtoull(interval, NULL, 10), (guint64)G_MAXINT64);
}

struct notify *notify_new(void)
{
	const char *name = g_getenv("NOTIFY_SOCKET");
	struct notify *notify;

	if (!name)
		return NULL;
	notify = g_new0(struct notify, 1);
	notify->watchdog_us = watchdog_interval();
	notify->socket = -1;
	if (address_of(name, notify))
		notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->socket < 0)
		log_warning("NOTIFY_SOCKET %s: nobody can be told there", name);
	g_unsetenv("NOTIFY_SOCKET");
	g_unsetenv("WATCHDOG_USEC");
	g_unsetenv("WATCHDOG_PID");
	return notify;
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	if (notify->socket >= 0)
		close(notify->socket);
	g_free(notify);
}

/* What it does not take now is lost: waiting for it would keep packets waiting. */
static void tell(const struct notify *notify, const char *text)
{
	if (!notify || notify->socket < 0)
		return;
	if (sendto(notify->socket, text, strlen(text), MSG_NOSIGNAL,
		   (const struct sockaddr *)&notify->address, notify->length) < 0)
		log_debug("service manager: %s", g_strerror(errno));
}

void notify_ready(struct notify *notify)
{
	tell(notify, "READY=1");
}

void notify_reloading(struct notify *notify)
{
	g_autofree char *text = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
						g_get_monotonic_time());

	tell(notify, text);
}

void notify_stopping(struct notify *notify)
{
	tell(notify, "STOPPING=1");
}

void notify_status(struct notify *notify, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	va_list values;

	if (!notify)
		return;
	va_start(values, format);
	text = g_strdup_vprintf(format, values);
	va_end(values);
	/* Another line would be another message. */
	line = g_strconcat("STATUS=", g_strdelimit(text, "\n", ' '), NULL);
	tell(notify, line);
	notify->status_us = g_get_monotonic_time() + STATUS_US;
}

bool notify_status_due(struct notify *notify)
{
	return notify && g_get_monotonic_time() >= notify->status_us;
}

void notify_alive(struct notify *notify)
{
	gint64 now;

	if (!notify || !notify->watchdog_us)
		return;
	now = g_get_monotonic_time();
	if (notify->alive_us && now - notify->alive_us < notify->watchdog_us / OFTEN)
		return;
	notify->alive_us = now;
	tell(notify, "WATCHDOG=1");
}
