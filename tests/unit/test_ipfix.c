/* SPDX-License-Identifier: BSD-2-Clause */
/* The octets of the IPFIX encoder, walked by hand. tests/lib/ipfix_check.py, ipfixDump and tshark
 * read whole files in tests/golden; here it is the boundaries that matter. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "export/encoder.h"
#include "export/ipfix_fill.h"
#include "export/ipfix_message.h"
#include "flow_maker.h"
#include "unit.h"

#define DOMAIN	  0xabcdef01U
#define TEMPLATES 13 /* ids 256 to 268 are looked at */
#define OPTIONS	  6  /* templates of options, with types one more */
#define KEYS	  2  /* records of flow keys at the start */
#define COLUMNS	  256
#define VARIABLE  65535

/* What a walk over all messages found. */
struct walk {
	guint messages;
	guint data_messages;
	guint faults; /* anything the protocol forbids */
	guint templates;
	guint type_records;
	guint64 records[TEMPLATES]; /* by template id - 256 */
	guint columns[TEMPLATES];   /* 0: not known */
	guint32 length[TEMPLATES];  /* the sum of widths */
	guint16 width[TEMPLATES][COLUMNS];
	guint32 next_sequence;
	guint32 last_time;
	guint longest;
	const guint8 *first_record[TEMPLATES];
};

struct run {
	struct record_template *layout;
	struct encoder *encoder;
	GByteArray *octets;
	guint64 records;
	struct walk walk;
};

static bool keep(void *data, const guint8 *octets, size_t length, GError **error)
{
	(void)error;
	g_byte_array_append(data, octets, (guint)length);
	return true;
}

static bool run_open(struct run *run, const char *template, guint16 message_max, GError **error)
{
	*run = (struct run){ .octets = g_byte_array_new() };
	run->layout = record_template_load(template, TEMPLATE_AS_WRITTEN, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(run->layout);
	run->encoder = ipfix_encoder.open(
		&(struct encoder_options){
			.record_template = run->layout,
			.pen = FIELD_PEN_DEFAULT,
			.domain = DOMAIN,
			.message_max = message_max,
		},
		keep, run->octets, error);
	return run->encoder != NULL;
}

static void run_close(struct run *run)
{
	if (run->encoder != NULL)
		ipfix_encoder.free(run->encoder);
	record_template_free(run->layout);
	g_byte_array_free(run->octets, TRUE);
}

/* Flows from first on, in batches of so many. */
static void run_flows(struct run *run, guint64 first, guint64 count, guint64 batch_size)
{
	g_autofree struct flow_batch *batch = g_new(struct flow_batch, 1);

	for (guint64 done = 0; done < count; done += batch->count) {
		flow_maker_fill(batch, first + done, MIN(batch_size, count - done));
		CU_ASSERT_TRUE(ipfix_encoder.encode(run->encoder, batch, &run->records, NULL));
	}
	CU_ASSERT_TRUE(ipfix_encoder.flush(run->encoder, NULL));
}

/* The templates of one set. */
static void walk_templates(struct walk *walk, const guint8 *at, const guint8 *end, bool options)
{
	while (at < end) {
		guint16 id = load_be16(at);
		guint16 columns = load_be16(at + 2);
		guint count = 0;

		at += options ? 6 : 4;
		if (id < 256 || id >= 256 + TEMPLATES || columns > COLUMNS) {
			walk->faults++;
			return;
		}
		for (; count < columns && at + 4 <= end; count++) {
			walk->width[id - 256][count] = load_be16(at + 2);
			walk->length[id - 256] += load_be16(at + 2);
			at += load_be16(at) & 0x8000 ? 8 : 4;
		}
		walk->faults += at > end || count < columns;
		walk->columns[id - 256] = columns;
		walk->templates++;
	}
}

/* Returns the end of the record, which may be beyond that of the set. */
static const guint8 *walk_record(const struct walk *walk, guint16 id, const guint8 *at,
				 const guint8 *end)
{
	for (guint i = 0; i < walk->columns[id - 256]; i++) {
		guint16 width = walk->width[id - 256][i];

		if (at >= end)
			return end + 1;
		if (width != VARIABLE)
			at += width;
		else
			at += at[0] == 255 ? 3 + load_be16(at + 1) : 1 + at[0];
	}
	return at;
}

static guint32 walk_data(struct walk *walk, guint16 id, const guint8 *at, const guint8 *end)
{
	guint32 count = 0;

	if (id >= 256 + TEMPLATES || walk->columns[id - 256] == 0) {
		walk->faults++;
		return 0;
	}
	if (walk->first_record[id - 256] == NULL)
		walk->first_record[id - 256] = at;
	for (; at < end; count++)
		at = walk_record(walk, id, at, end);
	walk->faults += at != end;
	if (id == 258)
		walk->type_records += count;
	walk->records[id - 256] += count;
	return count;
}

static void walk_message(struct walk *walk, const guint8 *message, guint length)
{
	guint32 records = 0;

	walk->faults += load_be16(message) != 10;
	walk->faults += load_be32(message + 8) != walk->next_sequence;
	walk->faults += load_be32(message + 12) != DOMAIN;
	walk->faults += length == IPFIX_MESSAGE_HEADER;
	walk->last_time = load_be32(message + 4);
	for (guint at = IPFIX_MESSAGE_HEADER; at < length;) {
		guint16 id = load_be16(message + at);
		guint16 size = load_be16(message + at + 2);
		const guint8 *body = message + at + IPFIX_SET_HEADER;

		if (size <= IPFIX_SET_HEADER || at + size > length) {
			walk->faults++; /* an empty set, or one beyond the message */
			return;
		}
		if (id == 2 || id == 3)
			walk_templates(walk, body, message + at + size, id == 3);
		else
			records += walk_data(walk, id, body, message + at + size);
		at += size;
	}
	walk->next_sequence += records;
	walk->data_messages += records > 0;
}

static void run_walk(struct run *run)
{
	const GByteArray *octets = run->octets;

	run->walk = (struct walk){ 0 };
	for (guint at = 0; at < octets->len;) {
		guint length = load_be16(octets->data + at + 2);

		if (length < IPFIX_MESSAGE_HEADER || at + length > octets->len) {
			run->walk.faults++;
			break;
		}
		walk_message(&run->walk, octets->data + at, length);
		run->walk.messages++;
		run->walk.longest = MAX(run->walk.longest, length);
		at += length;
	}
	CU_ASSERT_EQUAL(run->walk.faults, 0);
}

/* Where a column lies in a record of that form, and which form: 0 for IPv4. */
static guint offset_of(const struct run *run, int form, const char *name)
{
	const GArray *columns = run->layout->columns[form];
	guint offset = 0;

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		if (g_str_equal(column->name, name))
			return offset;
		offset += (guint)field_type_size(column->field->type);
	}
	CU_FAIL_FATAL("no such column");
	return 0;
}

static guint64 load_be64(const guint8 *from)
{
	return (guint64)load_be32(from) << 32 | load_be32(from + 4);
}

static void test_no_flow(void)
{
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "standard", 0, NULL));
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL));
	CU_ASSERT_TRUE(ipfix_encoder.flush(run.encoder, NULL)); /* nothing to add */
	run_walk(&run);
	CU_ASSERT_EQUAL(run.walk.messages, 2); /* templates, flow keys */
	CU_ASSERT_EQUAL(run.walk.templates, 2 + OPTIONS);
	CU_ASSERT_EQUAL(run.walk.next_sequence, KEYS);
	CU_ASSERT_EQUAL(run.walk.last_time, 0);
	run_close(&run);
}

static void test_one_flow(void)
{
	struct flow_record record;
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "biflow", 0, NULL));
	run_flows(&run, 1, 1, 1);
	run_walk(&run);
	flow_maker_make(&record, 1);
	CU_ASSERT_EQUAL(run.records, 1);
	CU_ASSERT_EQUAL(run.walk.messages, 3);
	CU_ASSERT_EQUAL(run.walk.records[0], 1);
	CU_ASSERT_EQUAL(run.walk.records[1], 0);
	CU_ASSERT_EQUAL(run.walk.last_time, flow_last_ns(&record.flow) / FLOW_SECOND_NS);
	run_close(&run);
}

/* Flows 0, 3, 6... are IPv4; batches of one number only keep to one form. */
static void encode_ipv4(struct run *run, guint64 count)
{
	g_autofree struct flow_batch *batch = g_new0(struct flow_batch, 1);

	for (guint64 i = 0; i < count; i++) {
		batch->count = 1;
		flow_maker_make(&batch->records[0], 3 * i);
		CU_ASSERT_TRUE(ipfix_encoder.encode(run->encoder, batch, &run->records, NULL));
	}
	CU_ASSERT_TRUE(ipfix_encoder.flush(run->encoder, NULL));
}

static void check_full_message(guint16 message_max, guint64 flows, guint data_messages)
{
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "biflow", message_max, NULL));
	encode_ipv4(&run, flows);
	run_walk(&run);
	CU_ASSERT_EQUAL(run.walk.records[0], flows);
	CU_ASSERT_EQUAL(run.walk.data_messages, 1 + data_messages); /* one of keys */
	CU_ASSERT_TRUE(run.walk.longest <= message_max);
	if (flows >= 10)
		CU_ASSERT_EQUAL(run.walk.longest, message_max);
	run_close(&run);
}

static void test_full_message(void)
{
	guint16 length;
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "biflow", 0, NULL));
	run_flows(&run, 0, 1, 1);
	run_walk(&run);
	length = (guint16)run.walk.length[0];
	run_close(&run);

	length = (guint16)(IPFIX_MESSAGE_HEADER + IPFIX_SET_HEADER + 10 * length);
	check_full_message(length, 9, 1);
	check_full_message(length, 10, 1);
	check_full_message(length, 11, 2);
	check_full_message(length, 20, 2);
	check_full_message(length, 21, 3);
}

/* Whatever the limit, sets and messages end where records do. */
static void test_every_limit(void)
{
	for (guint limit = IPFIX_MESSAGE_MIN; limit < IPFIX_MESSAGE_MIN + 400; limit++) {
		struct run run;

		CU_ASSERT_TRUE_FATAL(run_open(&run, "standard", (guint16)limit, NULL));
		run_flows(&run, 0, 40, 7);
		run_walk(&run);
		CU_ASSERT_EQUAL(run.walk.records[0] + run.walk.records[1], run.records);
		CU_ASSERT_TRUE(run.walk.longest <= limit);
		run_close(&run);
	}
}

static void test_mixed(void)
{
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "standard", 0, NULL));
	run_flows(&run, 0, 30000, FLOW_BATCH_MAX);
	run_walk(&run);
	CU_ASSERT_TRUE(run.walk.data_messages > 50);
	CU_ASSERT_TRUE(run.walk.longest <= IPFIX_MESSAGE_MAX_FILE);
	/* Two records a flow, but one for every fifth; every third is IPv6. */
	CU_ASSERT_EQUAL(run.walk.records[0], 20000 * 9 / 5);
	CU_ASSERT_EQUAL(run.walk.records[1], 10000 * 9 / 5);
	CU_ASSERT_EQUAL(run.walk.next_sequence, KEYS + run.records);
	run_close(&run);
}

static void test_batches(void)
{
	struct run one;
	struct run many;

	CU_ASSERT_TRUE_FATAL(run_open(&one, "full", 0, NULL));
	CU_ASSERT_TRUE_FATAL(run_open(&many, "full", 0, NULL));
	run_flows(&one, 0, 2000, 1);
	run_flows(&many, 0, 2000, FLOW_BATCH_MAX);
	CU_ASSERT_EQUAL_FATAL(one.octets->len, many.octets->len);
	CU_ASSERT_EQUAL(memcmp(one.octets->data, many.octets->data, one.octets->len), 0);
	run_close(&one);
	run_close(&many);
}

static void test_counters(void)
{
	struct flow_record record;
	const guint8 *octets;
	struct run run;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "biflow", 0, NULL));
	flow_maker_make(&record, 7);
	run_flows(&run, 7, 1, 1);
	run_walk(&run);
	octets = run.walk.first_record[0] + offset_of(&run, 0, "octetDeltaCount");
	CU_ASSERT_EQUAL(load_be64(octets), record.flow.side[FLOW_FROM_HIGH].octets);
	CU_ASSERT_TRUE(load_be64(octets) > (guint64)1 << 32);
	run_close(&run);
}

/* Seconds and nanoseconds, as readers compute them: cut, and rounded. */
static void check_nano(const guint8 *at, guint64 ns)
{
	guint64 fraction = load_be32(at + 4);

	CU_ASSERT_EQUAL(load_be32(at), (guint32)(ns / FLOW_SECOND_NS + 2208988800U));
	CU_ASSERT_EQUAL(fraction * FLOW_SECOND_NS >> 32, ns % FLOW_SECOND_NS);
	CU_ASSERT_EQUAL((fraction * FLOW_SECOND_NS + (1U << 31)) >> 32, ns % FLOW_SECOND_NS);
}

static void check_micro(const guint8 *at, guint64 ns)
{
	guint64 fraction = load_be32(at + 4);
	guint64 us = ns % FLOW_SECOND_NS / 1000;

	CU_ASSERT_EQUAL(load_be32(at), (guint32)(ns / FLOW_SECOND_NS + 2208988800U));
	CU_ASSERT_EQUAL(fraction % 2048, 0);
	CU_ASSERT_EQUAL(fraction * 1000000 >> 32, us);
	CU_ASSERT_EQUAL((fraction * 1000000 + (1U << 31)) >> 32, us);
}

static void test_times(void)
{
	struct flow_record record;
	const guint8 *at;
	struct run run;
	guint64 first;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "full", 0, NULL));
	flow_maker_make(&record, 1);
	first = flow_first_ns(&record.flow);
	run_flows(&run, 1, 1, 1);
	run_walk(&run);
	at = run.walk.first_record[0];
	CU_ASSERT_EQUAL(load_be64(at + offset_of(&run, 0, "flowStartMilliseconds")),
			first / 1000000);
	check_micro(at + offset_of(&run, 0, "flowStartMicroseconds"), first);
	check_nano(at + offset_of(&run, 0, "flowStartNanoseconds"), first);
	check_nano(at + offset_of(&run, 0, "flowEndNanoseconds"), flow_last_ns(&record.flow));
	run_close(&run);
}

/* Where rounding is hardest: the ends of a second, and every sort of fraction between. */
static void test_fractions(void)
{
	for (guint64 step = 0; step < 1000000; step++) {
		guint64 ns = step * 999999 % FLOW_SECOND_NS + step % 5 * FLOW_SECOND_NS;
		guint64 nano = GUINT64_TO_BE(ipfix_time_nano(ns));
		guint64 micro = GUINT64_TO_BE(ipfix_time_micro(ns));

		check_nano((const guint8 *)&nano, ns);
		check_micro((const guint8 *)&micro, ns);
	}
	CU_ASSERT_EQUAL(ipfix_time_nano(999999999) >> 32, 2208988800U);
	CU_ASSERT_EQUAL(ipfix_time_micro(999999999) >> 32, 2208988800U);
}

static void test_types(void)
{
	struct run run;
	guint own = 0;

	CU_ASSERT_TRUE_FATAL(run_open(&run, "full", 2000, NULL));
	for (guint i = 0; i < run.layout->columns[0]->len; i++)
		own += g_array_index(run.layout->columns[0], struct template_column, i).field->own;
	run_flows(&run, 0, 2, 2);
	run_walk(&run);
	CU_ASSERT_TRUE(own > 20);
	CU_ASSERT_EQUAL(run.walk.templates, 3 + OPTIONS + 1); /* and of databases */
	CU_ASSERT_EQUAL(run.walk.type_records, own);
	CU_ASSERT_EQUAL(run.walk.next_sequence, own + KEYS + 2);
	run_close(&run);
}

static void test_short_message(void)
{
	GError *error = NULL;
	struct run run;

	CU_ASSERT_FALSE(run_open(&run, "full", IPFIX_MESSAGE_MIN, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	g_clear_error(&error);
	run_close(&run);
	CU_ASSERT_FALSE(run_open(&run, "standard", 100, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	g_clear_error(&error);
	run_close(&run);
}

/* A field table that says of an IANA element what the registry does not. */
static void check_disagreement(const struct field *wrong, const char *text)
{
	struct record_template *layout = record_template_load("biflow", TEMPLATE_AS_WRITTEN, NULL);
	GError *error = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(layout);
	g_array_index(layout->columns[0], struct template_column, 0).field = wrong;
	CU_ASSERT_PTR_NULL(ipfix_encoder.open(
		&(struct encoder_options){ .record_template = layout, .pen = FIELD_PEN_DEFAULT },
		keep, NULL, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, text));
	g_clear_error(&error);
	record_template_free(layout);
}

static void test_disagreement(void)
{
	struct field wrong = *field_by_name("flowStartMilliseconds");

	wrong.type = FIELD_UNSIGNED64;
	check_disagreement(&wrong, "type");
	wrong.type = FIELD_DATE_TIME_MILLISECONDS;
	wrong.semantics = FIELD_DELTA_COUNTER;
	check_disagreement(&wrong, "semantics");
	wrong.semantics = FIELD_SEMANTICS_DEFAULT;
	wrong.id = 1;
	check_disagreement(&wrong, "otherwise");
}

static CU_TestInfo tests[] = {
	{ "a session without flows is one message of templates", test_no_flow },
	{ "a flow comes after its template, at its time", test_one_flow },
	{ "a message that is exactly full is followed by no empty set", test_full_message },
	{ "no limit makes an empty set or cuts a record [2]", test_every_limit },
	{ "IPv4 and IPv6 flows take turns in sequence", test_mixed },
	{ "the size of batches does not show in the octets", test_batches },
	{ "octets above 4 GiB are whole [23]", test_counters },
	{ "times are exact to the nanosecond [24]", test_times },
	{ "fractions of a second survive cutting and rounding", test_fractions },
	{ "own elements are described before they are used [36]", test_types },
	{ "a template longer than a message is refused [18]", test_short_message },
	{ "a field the registry knows otherwise is refused", test_disagreement },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "ipfix", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
