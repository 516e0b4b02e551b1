/* SPDX-License-Identifier: BSD-2-Clause */
/* ipfix_rate TEMPLATE [SECONDS]: records a second through the IPFIX encoder into a sink that drops
 * them, and the same for libfixbuf alone (fBufAppend of a record filled once), side by side. Time
 * is CPU time of this process; the best of five rounds counts. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "export/encoder.h"
#include "export/ipfix_fill.h"
#include "export/ipfix_message.h"
#include "export/ipfix_model.h"
#include "flow_maker.h"

#define BATCHES 64 /* of flows, made beforehand: 6 MiB, more than caches near the core hold */
#define ROUNDS	5

struct bench {
	struct record_template *layout;
	struct flow_batch *batches;
	guint64 octets;
};

static bool drop(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct bench *bench = data;

	(void)octets;
	(void)error;
	bench->octets += length;
	return true;
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double encoder_rate(struct bench *bench, double seconds)
{
	struct encoder *encoder =
		ipfix_encoder.open(&(struct encoder_options){ .record_template = bench->layout,
							      .pen = FIELD_PEN_DEFAULT },
				   drop, bench, NULL);
	double start = cpu_seconds();
	guint64 records = 0;
	double took;

	do {
		for (int i = 0; i < BATCHES; i++) {
			if (!ipfix_encoder.encode(encoder, &bench->batches[i], &records, NULL))
				abort();
		}
		took = cpu_seconds() - start;
	} while (took < seconds);
	ipfix_encoder.free(encoder);
	return (double)records / took;
}

/* Only the filling of records, into the same place again and again. */
static bool fill_one(void *data, const GArray *columns, const struct flow_view *forward,
		     GError **error)
{
	static guint8 record[65536];
	struct fill_plan **plans = data;
	int form = forward->record->flow.key.version == 6;

	(void)columns;
	(void)error;
	fill_plan_run(plans[form], forward, record);
	return true;
}

static double fill_rate(struct bench *bench, double seconds)
{
	struct fill_plan *plans[2] = { fill_plan_new(bench->layout->columns[0]),
				       fill_plan_new(bench->layout->columns[1]) };
	double start = cpu_seconds();
	guint64 records = 0;
	double took;

	do {
		for (int i = 0; i < BATCHES; i++) {
			for (size_t k = 0; k < bench->batches[i].count; k++) {
				const struct flow_record *flow = &bench->batches[i].records[k];

				struct flow_view view =
					flow_view_of(flow, &bench->batches[i].extras[k]);

				record_template_apply(bench->layout, &view, fill_one, plans, NULL);
				records +=
					bench->layout->biflow
						? 1
						: (flow->flow.side[0].packets > 0) +
							  (guint64)(flow->flow.side[1].packets > 0);
			}
		}
		took = cpu_seconds() - start;
	} while (took < seconds);
	fill_plan_free(plans[0]);
	fill_plan_free(plans[1]);
	return (double)records / took;
}

static double fixbuf_rate(struct bench *bench, double seconds)
{
	const GArray *columns = bench->layout->columns[0];
	fbInfoModel_t *model = ipfix_model_new(FIELD_PEN_DEFAULT);
	fbSession_t *session = fbSessionAlloc(model);
	fbTemplate_t *template = ipfix_model_template(model, columns, FIELD_PEN_DEFAULT, NULL);
	struct fill_plan *plan = fill_plan_new(columns);
	size_t size = fill_plan_size(plan);
	g_autofree guint8 *message = g_malloc(IPFIX_MESSAGE_MAX_FILE);
	g_autofree guint8 *record = g_malloc0(size);
	GError *error = NULL;
	guint64 records = 0;
	double start;
	double took;
	fBuf_t *buffer;

	fbSessionAddTemplate(session, TRUE, 256, template, &error);
	fbSessionAddTemplate(session, FALSE, 256, template, &error);
	buffer =
		fBufAllocForExport(session, fbExporterAllocBuffer(message, IPFIX_MESSAGE_MAX_FILE));
	fBufSetInternalTemplate(buffer, 256, &error);
	fBufSetExportTemplate(buffer, 256, &error);
	start = cpu_seconds();
	do {
		for (int i = 0; i < 10000; i++, records++) {
			if (!fBufAppend(buffer, record, size, &error))
				abort();
		}
		took = cpu_seconds() - start;
	} while (took < seconds);
	fill_plan_free(plan);
	fBufFree(buffer);
	fbInfoModelFree(model);
	return (double)records / took;
}

static double best(double (*rate)(struct bench *bench, double seconds), struct bench *bench,
		   double seconds)
{
	double most = 0;

	for (int i = 0; i < ROUNDS; i++)
		most = MAX(most, rate(bench, seconds));
	return most;
}

int main(int argc, char **argv)
{
	const char *template = argc > 1 ? argv[1] : "biflow";
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.3;
	g_autoptr(GError) error = NULL;
	struct bench bench = { 0 };
	double encoder;
	double fixbuf;
	double fill;

	bench.layout = record_template_load(template, TEMPLATE_AS_WRITTEN, &error);
	if (bench.layout == NULL) {
		fprintf(stderr, "ipfix_rate: %s\n", error->message);
		return 2;
	}
	bench.batches = g_new(struct flow_batch, BATCHES);
	for (guint64 i = 0; i < BATCHES; i++)
		flow_maker_fill(&bench.batches[i], i * FLOW_BATCH_MAX, FLOW_BATCH_MAX);
	encoder = best(encoder_rate, &bench, seconds);
	fixbuf = best(fixbuf_rate, &bench, seconds);
	fill = best(fill_rate, &bench, seconds);
	printf("%s: encoder %.2f M records/s (%.0f ns), filling alone %.0f ns, libfixbuf alone "
	       "%.2f M/s (%.0f ns); encoder at %.2f of libfixbuf alone\n",
	       template, encoder / 1e6, 1e9 / encoder, 1e9 / fill, fixbuf / 1e6, 1e9 / fixbuf,
	       encoder / fixbuf);
	g_free(bench.batches);
	record_template_free(bench.layout);
	return 0;
}
