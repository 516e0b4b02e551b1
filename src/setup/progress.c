/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a run is. What the line says is a function of the state; only the shell below knows of
 * terminals and of the clock it was given. */
#include "setup/progress.h"

#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/quantity.h"

#define DRAW_EVERY_US (G_USEC_PER_SEC / 5)
#define SILENT_US     (G_USEC_PER_SEC / 2)
#define WIDTH_DEFAULT 80

struct progress {
	FILE *to;
	progress_clock *clock;
	char *file;
	gint64 run_began;
	gint64 file_began;
	gint64 drawn;
	bool visible;
};

/* " 1:05 left", or nothing while it cannot be told. */
static char *format_left(const struct progress_state *state)
{
	double left;
	guint64 seconds;

	if (state->size == 0 || state->offset == 0 || state->offset > state->size)
		return g_strdup("");
	left = (double)state->file_us *
	       ((double)(state->size - state->offset) / (double)state->offset);
	seconds = (guint64)(left / G_USEC_PER_SEC + 0.5);
	return g_strdup_printf("  %" G_GUINT64_FORMAT ":%02u left", seconds / 60,
			       (guint)(seconds % 60));
}

static char *format_share(const struct progress_state *state)
{
	guint64 offset = MIN(state->offset, state->size);

	if (state->size == 0)
		return g_strdup("");
	return g_strdup_printf("%3.0f%%  ", 100 * ((double)offset / (double)state->size));
}

static void cut(char *text, size_t width)
{
	if ((size_t)g_utf8_strlen(text, -1) > width)
		*g_utf8_offset_to_pointer(text, (glong)width) = '\0';
	for (; *text; text++) {
		if (g_ascii_iscntrl(*text))
			*text = '?';
	}
}

char *progress_line(const struct progress_state *state, size_t width)
{
	double seconds = (double)MAX(state->run_us, 1) / G_USEC_PER_SEC;
	g_autofree char *share = format_share(state);
	g_autofree char *left = format_left(state);
	g_autofree char *packets = quantity_short((double)state->packets);
	g_autofree char *rate = quantity_short((double)state->packets / seconds);
	g_autofree char *file = g_filename_display_basename(state->file);
	char *line = g_strdup_printf("%s%s packets  %s/s%s  %s", share, packets, rate, left, file);

	cut(line, width);
	return line;
}

struct progress *progress_new(FILE *to, progress_clock *clock)
{
	struct progress *progress = g_new0(struct progress, 1);

	progress->to = to;
	progress->clock = clock;
	progress->run_began = clock();
	progress->drawn = progress->run_began + SILENT_US - DRAW_EVERY_US;
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	if (progress->visible) {
		fputs("\r\033[K", progress->to);
		fflush(progress->to);
	}
	g_free(progress->file);
	g_free(progress);
}

/* One column is left free: some terminals wrap when the last is written. */
static size_t width_of(FILE *to)
{
	struct winsize size = { 0 };

	if (fileno(to) < 0 || ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
		return WIDTH_DEFAULT - 1;
	return size.ws_col - 1U;
}

void progress_report(void *data, const char *file, guint64 offset, guint64 size, guint64 packets)
{
	struct progress *progress = data;
	gint64 now = progress->clock();
	struct progress_state state = {
		.file = file, .offset = offset, .size = size, .packets = packets
	};
	g_autofree char *line = NULL;

	if (g_strcmp0(progress->file, file) != 0) {
		g_free(progress->file);
		progress->file = g_strdup(file);
		progress->file_began = now;
	}
	if (now - progress->drawn < DRAW_EVERY_US)
		return;
	state.file_us = now - progress->file_began;
	state.run_us = now - progress->run_began;
	line = progress_line(&state, width_of(progress->to));
	fprintf(progress->to, "\r%s\033[K", line);
	fflush(progress->to);
	progress->drawn = now;
	progress->visible = true;
}
