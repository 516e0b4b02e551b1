/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends UDP frames of its own making by sendmmsg(2) from one CPU as fast as the wire takes them,
 * and tells as JSON how many it took. The wire refuses a frame by an error; the same frame is then
 * sent again, so that each flow has all its packets. */
#include <linux/if_packet.h>

#include <errno.h>
#include <glib.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH	  64
#define FRAME_MAX 1514
#define HEADERS	  42

struct blast {
	char *interface;
	int cpu;
	int size;	/* of a frame */
	gint64 frames;	/* 0: no end */
	double seconds; /* 0: no end */
	gint64 least;	/* frames, however long they take */
	gint64 flows;	/* the same ones in turns; 0: a new one a frame */
	int base;	/* second octet of the addresses: other flows than another sender's */
	gint64 rate;	/* frames a second; 0: as fast as it goes */
	int back;	/* the flows' other direction */
};

struct tally {
	gint64 frames;
	gint64 refused;
};

struct sender {
	int fd;
	guint8 frame[BATCH][FRAME_MAX];
	struct iovec vector[BATCH];
	struct mmsghdr message[BATCH];
};

/* Set by a signal: enough. */
static volatile sig_atomic_t enough;

static void on_signal(int number)
{
	enough = number;
}

static void put16(guint8 *at, guint value)
{
	at[0] = (guint8)(value >> 8);
	at[1] = (guint8)value;
}

static void make_frame(guint8 *frame, const struct blast *blast)
{
	static const guint8 macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	memset(frame, 0, FRAME_MAX);
	memcpy(frame, macs, sizeof(macs));
	put16(frame + 12, 0x0800);
	frame[14] = 0x45;
	put16(frame + 16, (guint)blast->size - 14);
	frame[22] = 64;
	frame[23] = 17;
	frame[26] = 10;
	frame[27] = (guint8)blast->base;
	frame[30] = 192;
	frame[32] = 2;
	frame[33] = 1;
	put16(frame + 36, 53);
	put16(frame + 38, (guint)blast->size - 34);
}

static void swap(guint8 *one, guint8 *other, size_t octets)
{
	for (size_t i = 0; i < octets; i++) {
		guint8 kept = one[i];

		one[i] = other[i];
		other[i] = kept;
	}
}

static void turn_round(guint8 *frame)
{
	swap(frame, frame + 6, 6);
	swap(frame + 26, frame + 30, 4);
	swap(frame + 34, frame + 36, 2);
}

/* The flow's number is at the end that began it: 16 bits of the address, 16 of the port. */
static void set_flow(guint8 *frame, guint64 flow, int back)
{
	put16(frame + (back ? 32 : 28), (guint)(flow >> 16) & 0xffff);
	put16(frame + (back ? 36 : 34), (guint)flow & 0xffff);
}

static gboolean open_sender(struct sender *sender, const struct blast *blast)
{
	const struct sockaddr_ll address = { .sll_family = AF_PACKET,
					     .sll_ifindex = (int)if_nametoindex(blast->interface) };

	sender->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sender->fd < 0 || bind(sender->fd, (const void *)&address, sizeof(address)) != 0)
		return FALSE;
	for (int i = 0; i < BATCH; i++) {
		make_frame(sender->frame[i], blast);
		if (blast->back)
			turn_round(sender->frame[i]);
		sender->vector[i] = (struct iovec){ sender->frame[i], (size_t)blast->size };
		sender->message[i].msg_hdr.msg_iov = &sender->vector[i];
		sender->message[i].msg_hdr.msg_iovlen = 1;
	}
	return TRUE;
}

/* All of the batch. A call that ends early has met a refusal, which it does not tell. */
static gboolean send_batch(struct sender *sender, int count, struct tally *tally)
{
	for (int done = 0; done < count;) {
		int sent = sendmmsg(sender->fd, sender->message + done, (guint)(count - done), 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != ENOBUFS)
			return FALSE;
		if (sent > 0) {
			done += sent;
			tally->frames += sent;
		}
		if (done < count) {
			tally->refused++;
			sched_yield();
		}
	}
	return TRUE;
}

static double seconds_since(gint64 start_us)
{
	return (double)(g_get_monotonic_time() - start_us) / 1e6;
}

static gboolean run(struct sender *sender, const struct blast *blast, struct tally *tally)
{
	const gint64 start_us = g_get_monotonic_time();
	guint64 flow = 0;
	double elapsed = 0;

	while (!enough && (!blast->frames || tally->frames < blast->frames) &&
	       (blast->seconds <= 0 || elapsed < blast->seconds || tally->frames < blast->least)) {
		gint64 left = blast->frames ? blast->frames - tally->frames : BATCH;
		int count = (int)MIN(left, BATCH);

		for (int i = 0; i < count; i++, flow++)
			set_flow(sender->frame[i],
				 blast->flows ? flow % (guint64)blast->flows : flow, blast->back);
		if (!send_batch(sender, count, tally))
			return FALSE;
		elapsed = seconds_since(start_us);
		if (blast->rate && (double)tally->frames > elapsed * (double)blast->rate)
			g_usleep(1000);
	}
	printf("{\"frames\": %" G_GINT64_FORMAT ", \"octets\": %" G_GINT64_FORMAT
	       ", \"refused\": %" G_GINT64_FORMAT ", \"seconds\": %.6f}\n",
	       tally->frames, tally->frames * blast->size, tally->refused, elapsed);
	return TRUE;
}

static gboolean read_options(struct blast *blast, int argc, char **argv)
{
	const GOptionEntry entries[] = {
		{ "interface", 0, 0, G_OPTION_ARG_STRING, &blast->interface, "to send from", "IF" },
		{ "cpu", 0, 0, G_OPTION_ARG_INT, &blast->cpu, "to run on", "N" },
		{ "size", 0, 0, G_OPTION_ARG_INT, &blast->size, "of a frame", "OCTETS" },
		{ "frames", 0, 0, G_OPTION_ARG_INT64, &blast->frames, "to send", "N" },
		{ "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &blast->seconds, "to send for", "S" },
		{ "least", 0, 0, G_OPTION_ARG_INT64, &blast->least, "frames, with --seconds", "N" },
		{ "flows", 0, 0, G_OPTION_ARG_INT64, &blast->flows, "0: one a frame", "N" },
		{ "base", 0, 0, G_OPTION_ARG_INT, &blast->base, "of the addresses", "N" },
		{ "rate", 0, 0, G_OPTION_ARG_INT64, &blast->rate, "frames a second", "N" },
		{ "back", 0, 0, G_OPTION_ARG_INT, &blast->back, "1: the other direction", "N" },
		{ 0 },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_add_main_entries(context, entries, NULL);
	return g_option_context_parse(context, &argc, &argv, NULL) && blast->interface &&
	       blast->size >= HEADERS && blast->size <= FRAME_MAX;
}

int main(int argc, char **argv)
{
	struct blast blast = { .size = 100, .base = 1 };
	g_autofree struct sender *sender = g_new0(struct sender, 1);
	struct tally tally = { 0 };
	cpu_set_t cpus;

	if (!read_options(&blast, argc, argv)) {
		fputs("blast: --interface IF and a --size of 42 to 1514 octets\n", stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	CPU_ZERO(&cpus);
	CPU_SET(blast.cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0 || !open_sender(sender, &blast) ||
	    !run(sender, &blast, &tally)) {
		fprintf(stderr, "blast: %s: %s\n", blast.interface, g_strerror(errno));
		return 1;
	}
	close(sender->fd);
	g_free(blast.interface);
	return 0;
}
