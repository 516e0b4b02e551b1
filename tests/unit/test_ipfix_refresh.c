/* SPDX-License-Identifier: BSD-2-Clause */
/* A collector that came late, or forgot, is told everything again. */
#include <string.h>

#include "base/buffer.h"
#include "export/encoder.h"
#include "export/ipfix_message.h"
#include "flow_maker.h"
#include "unit.h"

struct run {
	struct record_template *layout;
	struct encoder *encoder;
	GPtrArray *messages; /* of GBytes */
	guint64 records;
};

static bool keep(void *data, const guint8 *octets, size_t length, GError **error)
{
	(void)error;
	g_ptr_array_add(data, g_bytes_new(octets, length));
	return true;
}

static void unref(gpointer bytes)
{
	g_bytes_unref(bytes);
}

static void run_open(struct run *run, const char *template)
{
	*run = (struct run){ .messages = g_ptr_array_new_with_free_func(unref) };
	run->layout = record_template_load(template, TEMPLATE_AS_WRITTEN, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->layout);
	run->encoder = ipfix_encoder.open(
		&(struct encoder_options){
			.record_template = run->layout,
			.pen = FIELD_PEN_DEFAULT,
			.message_max = IPFIX_MESSAGE_MAX_UDP,
			.message_grows = true,
		},
		keep, run->messages, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->encoder);
}

static void run_close(struct run *run)
{
	ipfix_encoder.free(run->encoder);
	record_template_free(run->layout);
	g_ptr_array_unref(run->messages);
}

static void encode(struct run *run, guint64 count)
{
	g_autofree struct flow_batch *batch = g_new0(struct flow_batch, 1);

	flow_maker_fill(batch, 0, count);
	CU_ASSERT_TRUE(ipfix_encoder.encode(run->encoder, batch, &run->records, NULL));
}

static const guint8 *message(const struct run *run, guint index)
{
	CU_ASSERT_TRUE_FATAL(index < run->messages->len);
	return g_bytes_get_data(g_ptr_array_index(run->messages, index), NULL);
}

/* But for the time and the sequence number. */
static bool same(const guint8 *a, const guint8 *b)
{
	guint16 length = load_be16(a + 2);

	return load_be16(b + 2) == length &&
	       memcmp(a + IPFIX_MESSAGE_HEADER, b + IPFIX_MESSAGE_HEADER,
		      length - IPFIX_MESSAGE_HEADER) == 0;
}

/* What a session begins with comes again between data, and then once more without any. */
static void check_refresh(const char *template)
{
	struct run fresh;
	struct run run;
	guint begin;
	guint32 types;

	run_open(&fresh, template);
	CU_ASSERT_TRUE(ipfix_encoder.flush(fresh.encoder, NULL));
	begin = fresh.messages->len;
	run_open(&run, template);
	encode(&run, 1); /* a record of IPv4, whatever the template */
	ipfix_encoder.refresh(run.encoder);
	encode(&run, 1);
	ipfix_encoder.refresh(run.encoder);
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	CU_ASSERT_EQUAL_FATAL(run.messages->len, 3 * begin + 2);
	for (guint i = 0; i < begin; i++) {
		CU_ASSERT_TRUE(same(message(&fresh, i), message(&run, i)));
		CU_ASSERT_TRUE(same(message(&fresh, i), message(&run, begin + 1 + i)));
		CU_ASSERT_TRUE(same(message(&fresh, i), message(&run, 2 * begin + 2 + i)));
	}
	CU_ASSERT_EQUAL(load_be16(message(&run, begin) + IPFIX_MESSAGE_HEADER), 256);
	CU_ASSERT_TRUE(same(message(&run, begin), message(&run, 2 * begin + 1)));
	/* Type records count in the sequence as every data record does, each time. */
	types = load_be32(message(&run, begin) + 8);
	CU_ASSERT_EQUAL(load_be32(message(&run, 2 * begin + 1) + 8), 2 * types + run.records / 2);
	run_close(&fresh);
	run_close(&run);
}

static void test_templates(void)
{
	check_refresh("standard");
	check_refresh("biflow");
}

static void test_types(void)
{
	check_refresh("full");
}

static CU_TestInfo tests[] = {
	{ "templates are told again on request", test_templates },
	{ "and the types of own elements", test_types },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "ipfix_refresh", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
