/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_rate DATABASE...: what looking up both ends of a record costs, in nanoseconds, and beside it
 * what the record costs to encode, in turns. Two kinds of ends: as on a provider's link, one end in
 * a few networks and the other popular to very different degrees; and all at random, where no
 * memory helps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enrich/geo.h"
#include "export/fanout.h"
#include "flow_maker.h"

#define FLOWS  300000
#define ROUNDS 5

struct run {
	struct geo *geo;       /* or NULL */
	struct fanout *fanout; /* or NULL */
	bool popular;
};

static guint64 cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (guint64)now.tv_sec * G_GUINT64_CONSTANT(1000000000) + (guint64)now.tv_nsec;
}

static guint64 mix(guint64 z)
{
	z = (z ^ z >> 30) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Of everything that is routed, or nearly. */
static void write_end(guint8 octets[16], guint8 version, guint64 host)
{
	memset(octets, 0, 16);
	if (version == 4) {
		memset(octets + 10, 0xff, 2);
		octets[12] = (guint8)(11 + host % 200);
		memcpy(octets + 13, &host, 3);
		return;
	}
	octets[0] = 0x2a;
	memcpy(octets + 2, &host, 6);
}

static void make_ends(struct flow_key *key, guint64 number, bool popular)
{
	guint64 random = mix(number + 1);
	guint64 servers = G_GUINT64_CONSTANT(1) << (4 + random % 12);
	guint64 low = popular ? mix(random >> 8 & 255) : mix(random + 1);
	guint64 high = popular ? mix((random >> 20) % servers + 999) : mix(random + 2);

	key->version = random >> 60 == 0 ? 6 : 4;
	write_end((guint8 *)key->low, key->version, low);
	write_end((guint8 *)key->high, key->version, high);
}

/* Nanoseconds a record of everything but making it. */
static double measure(const struct run *run, struct flow_batch *batch)
{
	guint64 spent = 0;

	for (guint64 i = 0; i < FLOWS; i += batch->count) {
		guint64 begun;

		flow_maker_fill(batch, i, FLOWS - i);
		memset(batch->extras, 0, sizeof(batch->extras));
		for (size_t j = 0; j < batch->count; j++)
			make_ends(&batch->records[j].flow.key, i + j, run->popular);
		begun = cpu_ns();
		if (run->geo)
			geo_enrich(run->geo, batch);
		if (run->fanout && !fanout_write(run->fanout, batch, NULL))
			exit(1);
		spent += cpu_ns() - begun;
	}
	return (double)spent / FLOWS;
}

static struct fanout *open_file(const char *template)
{
	static const char *const to[] = { "ipfix+file:/dev/null", NULL };
	g_autoptr(GError) error = NULL;
	struct fanout *fanout = fanout_new(&(struct export_options){ .to = to,
								     .template_name = template,
								     .pen = FIELD_PEN_DEFAULT,
								     .domain = 1 },
					   &error);

	if (!fanout) {
		fprintf(stderr, "geo_rate: %s\n", error->message);
		exit(1);
	}
	return fanout;
}

static void compare(struct geo *geo, bool popular, struct flow_batch *batch)
{
	double best[4] = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		struct fanout *standard = open_file("standard");
		struct fanout *with = open_file("geo");
		const struct run runs[4] = { { geo, NULL, popular },
					     { NULL, standard, popular },
					     { NULL, with, popular },
					     { geo, with, popular } };

		for (int i = 0; i < 4; i++) {
			double ns = measure(&runs[i], batch);

			best[i] = round == 0 ? ns : MIN(best[i], ns);
		}
		fanout_free(standard);
		fanout_free(with);
	}
	printf("%-8s looking up %.0f, encoding standard %.0f, geo without places %.0f, geo with %.0f; "
	       "answered from memory %.2f %%\n",
	       popular ? "popular" : "random", best[0], best[1], best[2], best[3],
	       100.0 * (double)geo_counts(geo)->hits / (double)geo_counts(geo)->lookups);
}

int main(int argc, char **argv)
{
	struct flow_batch *batch = g_new0(struct flow_batch, 1);
	g_autoptr(GError) error = NULL;

	(void)argc;
	for (int popular = 1; popular >= 0; popular--) {
		guint64 begun = cpu_ns();
		struct geo *geo = geo_new((const char *const *)argv + 1, &error);

		if (!geo) {
			fprintf(stderr, "geo_rate: %s\n", error->message);
			return 1;
		}
		if (popular)
			printf("opened in %.0f ms\n", (double)(cpu_ns() - begun) / 1e6);
		compare(geo, popular, batch);
		geo_free(geo);
	}
	g_free(batch);
	return 0;
}
