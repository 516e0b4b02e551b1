/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/desk.h"

#include <sys/eventfd.h>
#include <unistd.h>

struct desk {
	struct top_desk desk; /* first: what others see */
	GMutex lock;
	GCond moved; /* the view wants something else */
	bool paused;
	bool stopped;
	bool ended;
	int fd;
};

static struct desk *whole(struct top_desk *desk)
{
	return (struct desk *)(gpointer)desk;
}

struct top_desk *top_desk_new(const char *source, bool rates, guint room)
{
	struct desk *desk = g_new0(struct desk, 1);

	g_mutex_init(&desk->lock);
	g_cond_init(&desk->moved);
	desk->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	desk->desk.model = top_model_new(room);
	desk->desk.history = top_history_capture();
	desk->desk.source = g_strdup(source);
	desk->desk.state = g_strdup("");
	desk->desk.rates = rates;
	return &desk->desk;
}

void top_desk_free(struct top_desk *desk)
{
	if (!desk)
		return;
	top_model_free(desk->model);
	g_free(desk->source);
	g_free(desk->state);
	g_mutex_clear(&whole(desk)->lock);
	g_cond_clear(&whole(desk)->moved);
	close(whole(desk)->fd);
	g_free(desk);
}

void top_desk_lock(struct top_desk *desk)
{
	g_mutex_lock(&whole(desk)->lock);
}

void top_desk_unlock(struct top_desk *desk, bool changed)
{
	g_mutex_unlock(&whole(desk)->lock);
	if (changed)
		eventfd_write(whole(desk)->fd, 1);
}

void top_desk_say(struct top_desk *desk, bool trouble, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_free(desk->state);
	desk->state = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	desk->trouble = trouble;
}

bool top_desk_wait(struct top_desk *desk, gint64 until_us)
{
	struct desk *ours = whole(desk);
	bool wanted;

	g_mutex_lock(&ours->lock);
	while (!ours->stopped) {
		if (ours->paused)
			g_cond_wait(&ours->moved, &ours->lock);
		else if (g_get_monotonic_time() >= until_us ||
			 !g_cond_wait_until(&ours->moved, &ours->lock, until_us))
			break;
	}
	wanted = !ours->stopped;
	g_mutex_unlock(&ours->lock);
	return wanted;
}

int top_desk_fd(const struct top_desk *desk)
{
	return ((const struct desk *)(gconstpointer)desk)->fd;
}

bool top_desk_is_new(struct top_desk *desk)
{
	eventfd_t count;

	return eventfd_read(whole(desk)->fd, &count) == 0;
}

static void move(struct top_desk *desk, bool *what, bool value)
{
	g_mutex_lock(&whole(desk)->lock);
	*what = value;
	g_cond_broadcast(&whole(desk)->moved);
	g_mutex_unlock(&whole(desk)->lock);
}

void top_desk_pause(struct top_desk *desk, bool paused)
{
	move(desk, &whole(desk)->paused, paused);
}

void top_desk_end(struct top_desk *desk)
{
	move(desk, &whole(desk)->ended, true);
}

bool top_desk_stop(struct top_desk *desk, gint64 until_us)
{
	struct desk *ours = whole(desk);
	bool ended;

	move(desk, &ours->stopped, true);
	g_mutex_lock(&ours->lock);
	while (!ours->ended && g_cond_wait_until(&ours->moved, &ours->lock, until_us))
		;
	ended = ours->ended;
	g_mutex_unlock(&ours->lock);
	return ended;
}
