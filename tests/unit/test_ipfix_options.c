/* SPDX-License-Identifier: BSD-2-Clause */
/* What IPFIX tells beside flows, at its boundaries; tests/golden/options.py has the whole of it. */
#include <string.h>

#include "base/buffer.h"
#include "export/encoder.h"
#include "export/ipfix_message.h"
#include "export/statistics.h"
#include "flow_maker.h"
#include "unit.h"

#define METERING       259 /* ids of templates */
#define KEYS	       263
#define INTERFACES     264
#define EVERY_NTH      265
#define AT_RANDOM      266
#define SELECTED       267
#define INTERFACES_MAX 40

struct run {
	struct record_template *layout;
	struct encoder *encoder;
	GByteArray *octets;
	guint messages;
	guint64 records;
	guint64 options; /* of reports */
};

static bool keep(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct run *run = data;

	(void)error;
	run->messages++;
	g_byte_array_append(run->octets, octets, (guint)length);
	return true;
}

static void run_open(struct run *run, const char *template, struct encoder_options options)
{
	*run = (struct run){ .octets = g_byte_array_new() };
	run->layout = record_template_load(template, TEMPLATE_AS_WRITTEN, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->layout);
	options.record_template = run->layout;
	options.pen = FIELD_PEN_DEFAULT;
	run->encoder = ipfix_encoder.open(&options, keep, run, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->encoder);
}

static void run_close(struct run *run)
{
	ipfix_encoder.free(run->encoder);
	record_template_free(run->layout);
	g_byte_array_free(run->octets, TRUE);
}

/* The data set of this id that comes first, NULL if none does; its octets without the header. */
static const guint8 *find_set(const struct run *run, guint16 id, guint *ret_length)
{
	const guint8 *octets = run->octets->data;

	for (guint at = 0; at < run->octets->len; at += load_be16(octets + at + 2)) {
		guint end = at + load_be16(octets + at + 2);

		for (guint set = at + IPFIX_MESSAGE_HEADER; set < end;
		     set += load_be16(octets + set + 2)) {
			*ret_length = load_be16(octets + set + 2) - (guint)IPFIX_SET_HEADER;
			if (load_be16(octets + set) == id)
				return octets + set + IPFIX_SET_HEADER;
		}
	}
	return NULL;
}

static guint64 load_be64(const guint8 *from)
{
	return (guint64)load_be32(from) << 32 | load_be32(from + 4);
}

static bool report(struct run *run, const struct export_statistics *statistics)
{
	const struct export_counts counts = { .records = 3, .messages = 5, .message_octets = 7 };

	return ipfix_encoder.report(run->encoder, &(struct export_report){ statistics, &counts },
				    &run->options, NULL);
}

/* Many interfaces with names of this length. */
static void report_interfaces(struct run *run, size_t length, guint count)
{
	const struct flow_interface *interfaces[INTERFACES_MAX];
	g_autofree char *text = g_strnfill(length, 'n');
	const struct flow_interface one = {
		.index = 70000,
		.name = flow_text_of(text),
		.description = flow_text_of(text),
	};

	for (guint i = 0; i < count; i++)
		interfaces[i] = &one;
	CU_ASSERT_TRUE(report(run, &(struct export_statistics){ .interfaces = interfaces,
								.interfaces_count = count }));
}

static void test_sequence(void)
{
	struct run run;
	guint at;
	guint32 before;

	run_open(&run, "biflow", (struct encoder_options){ .message_max = IPFIX_MESSAGE_MIN });
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	at = run.octets->len;
	report_interfaces(&run, 20, INTERFACES_MAX);
	CU_ASSERT_EQUAL(run.options, INTERFACES_MAX + 4);
	before = load_be32(run.octets->data + at + 8);
	at = run.octets->len;
	report_interfaces(&run, 20, 1);
	/* The number before the second report counts every record of the first. */
	CU_ASSERT_EQUAL(load_be32(run.octets->data + at + 8) - before, INTERFACES_MAX + 4);
	run_close(&run);
}

static void test_long_names(void)
{
	struct run run;
	const guint8 *set;
	guint length;

	run_open(&run, "biflow", (struct encoder_options){ .message_max = IPFIX_MESSAGE_MIN });
	report_interfaces(&run, FLOW_TEXT_MAX, 3);
	CU_ASSERT_EQUAL(run.options, 3 + 4);
	set = find_set(&run, INTERFACES, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(load_be32(set), 70000);
	CU_ASSERT_EQUAL(set[4], 230);
	CU_ASSERT_EQUAL(set[4 + 1 + 230], 254);
	CU_ASSERT_EQUAL(length, 4 + 1 + 230 + 1 + 254);
	run_close(&run);
}

static void test_statistics(void)
{
	const struct export_statistics run_statistics = { .end_ns = 8 * FLOW_SECOND_NS };
	struct run run;
	const guint8 *set;
	guint length;

	run_open(&run, "biflow", (struct encoder_options){ .domain = 9 });
	CU_ASSERT_TRUE(report(&run, &run_statistics));
	set = find_set(&run, METERING, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(length, 4 + 3 * 8);
	CU_ASSERT_EQUAL(load_be32(set), 9);
	CU_ASSERT_EQUAL(load_be64(set + 4), 5);
	CU_ASSERT_EQUAL(load_be64(set + 12), 3);
	CU_ASSERT_EQUAL(load_be64(set + 20), 7);
	/* Without a flow the session begins at the time of the report. */
	CU_ASSERT_EQUAL(load_be32(run.octets->data + 4), 8);
	CU_ASSERT_PTR_NULL(find_set(&run, INTERFACES, &length));
	run_close(&run);
}

static void test_no_sampling(void)
{
	struct run run;
	guint length;

	run_open(&run, "biflow", (struct encoder_options){ .sampling = 1 });
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	CU_ASSERT_PTR_NULL(find_set(&run, EVERY_NTH, &length));
	CU_ASSERT_PTR_NULL(find_set(&run, AT_RANDOM, &length));
	CU_ASSERT_TRUE(report(&run, &(struct export_statistics){ .observed_packets = 9 }));
	CU_ASSERT_PTR_NULL(find_set(&run, SELECTED, &length));
	run_close(&run);
}

static void test_selected(void)
{
	struct run run;
	const guint8 *set;
	guint length;

	run_open(&run, "biflow", (struct encoder_options){ .sampling = 100 });
	CU_ASSERT_TRUE(report(&run, &(struct export_statistics){ .observed_packets = 901,
								 .selected_packets = 10 }));
	CU_ASSERT_EQUAL(run.options, 5);
	set = find_set(&run, SELECTED, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(length, 24);
	CU_ASSERT_EQUAL(load_be64(set), 1);
	CU_ASSERT_EQUAL(load_be64(set + 8), 901);
	CU_ASSERT_EQUAL(load_be64(set + 16), 10);
	run_close(&run);
}

static void test_every_nth(void)
{
	static const guint8 expected[] = { 0, 0, 0, 0, 0, 0,  0, 1, 0, 1,   0, 0,
					   0, 1, 0, 0, 0, 99, 0, 0, 0, 100, 1 };
	struct run run;
	const guint8 *set;
	guint length;

	run_open(&run, "biflow", (struct encoder_options){ .sampling = 100 });
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	set = find_set(&run, EVERY_NTH, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(length, sizeof(expected));
	CU_ASSERT_EQUAL(memcmp(set, expected, length), 0);
	run_close(&run);
}

static void test_at_random(void)
{
	/* A quarter as a double. */
	static const guint8 expected[] = { 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0x3f, 0xd0,
					   0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2 };
	struct run run;
	const guint8 *set;
	guint length;

	run_open(&run, "biflow",
		 (struct encoder_options){ .sampling = 4, .random_sampling = true });
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	set = find_set(&run, AT_RANDOM, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(length, sizeof(expected));
	CU_ASSERT_EQUAL(memcmp(set, expected, length), 0);
	run_close(&run);
}

static void test_keys(void)
{
	struct run run;
	const guint8 *set;
	guint length;

	run_open(&run, "ntop", (struct encoder_options){ 0 });
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	set = find_set(&run, KEYS, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(length, 20);
	for (guint form = 0; form < 2; form++) {
		const GArray *columns = run.layout->columns[form];
		guint64 told = load_be64(set + form * 10 + 2);

		CU_ASSERT_EQUAL(load_be16(set + form * 10), 256 + form);
		CU_ASSERT_EQUAL(told >> columns->len, 0);
		for (guint i = 0; i < columns->len; i++) {
			const struct template_column *column =
				&g_array_index(columns, struct template_column, i);
			bool key = told >> i & 1;

			if (strstr(column->name, "Address") && !column->field->own)
				CU_ASSERT_TRUE(key);
			if (strstr(column->name, "Count") || strstr(column->name, "flow"))
				CU_ASSERT_FALSE(key);
		}
	}
	run_close(&run);
}

static CU_TestInfo tests[] = {
	{ "records of a report count in the sequence, in however many messages [6]",
	  test_sequence },
	{ "long names are cut to what the shortest message holds", test_long_names },
	{ "statistics say what they are given, at the time of the report", test_statistics },
	{ "without sampling nothing is said of it", test_no_sampling },
	{ "every Nth packet [35]", test_every_nth },
	{ "packets at random [35]", test_at_random },
	{ "how many packets came to the sampling, and how many passed [35]", test_selected },
	{ "flow keys name the columns that tell flows apart [34]", test_keys },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "ipfix_options", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
