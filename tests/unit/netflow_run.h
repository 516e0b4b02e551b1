/* SPDX-License-Identifier: BSD-2-Clause */
/* An encoder of NetFlow and its layout, for the tests of both versions. */
#ifndef WEIR_TESTS_NETFLOW_RUN_H
#define WEIR_TESTS_NETFLOW_RUN_H

#include <string.h>

#include "export/encoder.h"
#include "unit.h"

struct netflow_run {
	const struct encoder_ops *ops;
	struct record_template *layout;
	struct encoder *encoder;
	guint64 records;
};

/* layout: the name of one, or its text. */
static inline bool netflow_run_open(struct netflow_run *run, const char *layout,
				    struct encoder_options options, encoder_sink *sink,
				    GError **error)
{
	const size_t length = strlen(layout);

	run->layout =
		strchr(layout, '\n') != NULL
			? record_template_parse("text", layout, length, TEMPLATE_AS_WRITTEN, NULL)
			: record_template_load(layout, TEMPLATE_AS_WRITTEN, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->layout);
	options.record_template = run->layout;
	run->encoder = run->ops->open(&options, sink, run, error);
	return run->encoder != NULL;
}

static inline void netflow_run_close(struct netflow_run *run)
{
	run->ops->free(run->encoder);
	record_template_free(run->layout);
}

static inline bool netflow_run_encode(struct netflow_run *run, const struct flow_record *record,
				      GError **error)
{
	g_autofree struct flow_batch *batch = g_new0(struct flow_batch, 1);

	batch->count = 1;
	batch->records[0] = *record;
	return run->ops->encode(run->encoder, batch, &run->records, error);
}

#endif
