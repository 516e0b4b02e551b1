/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/error.h"
#include "export/ipfix_message.h"
#include "unit.h"

#define ID    256
#define LIMIT 512

struct bed {
	fbInfoModel_t *model;
	struct ipfix_message *message;
	fbSession_t *session;
	bool refuse; /* the sink takes nothing */
	guint sent;
	guint32 sequence; /* of the last message sent */
};

/* Of the library, though not in its header. */
void fbSessionSetSequence(fbSession_t *session, guint32 sequence); /* NOLINT */

static bool sink(void *data, const guint8 *octets, size_t length, GError **error)
{
	struct bed *bed = data;

	CU_ASSERT_EQUAL(octets[0] << 8 | octets[1], 10);
	CU_ASSERT_EQUAL((size_t)(octets[2] << 8 | octets[3]), length);
	if (bed->refuse) {
		g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, "full");
		return false;
	}
	bed->sent++;
	bed->sequence = (guint32)octets[8] << 24 | octets[9] << 16 | octets[10] << 8 | octets[11];
	return true;
}

/* A session with one template of one 8-octet field. */
static void bed_open(struct bed *bed)
{
	static fbInfoElementSpec_t spec[] = { { (char *)"octetDeltaCount", 8, 0 }, FB_IESPEC_NULL };
	fbTemplate_t *template;
	fbSession_t *session;
	GError *error = NULL;

	memset(bed, 0, sizeof(*bed));
	bed->model = fbInfoModelAlloc();
	bed->session = session = fbSessionAlloc(bed->model);
	template = fbTemplateAlloc(bed->model);
	CU_ASSERT_TRUE_FATAL(fbTemplateAppendSpecArray(template, spec, 0, &error));
	CU_ASSERT_EQUAL_FATAL(fbSessionAddTemplate(session, TRUE, ID, template, &error), ID);
	CU_ASSERT_EQUAL_FATAL(fbSessionAddTemplate(session, FALSE, ID, template, &error), ID);
	bed->message = ipfix_message_new(session, LIMIT, sink, bed);
}

static void bed_close(struct bed *bed)
{
	ipfix_message_free(bed->message);
	fbInfoModelFree(bed->model);
}

static bool add(struct bed *bed, guint16 id, size_t length, GError **error)
{
	guint8 octets[8] = { 1 };
	const struct ipfix_record record = { id, length, octets, sizeof(octets) };

	return ipfix_message_add_record(bed->message, &record, error);
}

static void test_too_long(void)
{
	GError *error = NULL;
	struct bed bed;

	bed_open(&bed);
	CU_ASSERT_FALSE(add(&bed, ID, LIMIT - IPFIX_MESSAGE_HEADER - IPFIX_SET_HEADER + 1, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_STRING_EQUAL(error->message,
			       "an IPFIX record of 493 octets does not fit messages "
			       "of 512; use a shorter template");
	g_clear_error(&error);
	CU_ASSERT_EQUAL(bed.sent, 0);
	bed_close(&bed);
}

static void test_unknown_record(void)
{
	GError *error = NULL;
	struct bed bed;

	bed_open(&bed);
	CU_ASSERT_FALSE(add(&bed, ID + 1, 8, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "cannot add a record to the IPFIX message"));
	g_clear_error(&error);
	bed_close(&bed);
}

static void test_unknown_template(void)
{
	GError *error = NULL;
	struct bed bed;

	bed_open(&bed);
	CU_ASSERT_FALSE(ipfix_message_add_template(bed.message, ID + 1, false, 8, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "cannot add a template"));
	g_clear_error(&error);
	bed_close(&bed);
}

static void test_sink_fails(void)
{
	GError *error = NULL;
	struct bed bed;

	bed_open(&bed);
	bed.refuse = true;
	CU_ASSERT_FALSE(ipfix_message_add_template(bed.message, ID, false, 8, &error) &&
			add(&bed, ID, 8, &error) && ipfix_message_send(bed.message, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_STRING_EQUAL(error->message, "full");
	g_clear_error(&error);
	bed_close(&bed);
}

static void test_wrap(void)
{
	static const guint32 expected[] = { G_MAXUINT32 - 2, G_MAXUINT32, 1, 3 };
	GError *error = NULL;
	struct bed bed;

	bed_open(&bed);
	CU_ASSERT_TRUE(ipfix_message_add_template(bed.message, ID, false, 8, &error) &&
		       ipfix_message_send(bed.message, &error));
	fbSessionSetSequence(bed.session, G_MAXUINT32 - 2);
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
		CU_ASSERT_TRUE(add(&bed, ID, 8, &error) && add(&bed, ID, 8, &error) &&
			       ipfix_message_send(bed.message, &error));
		CU_ASSERT_EQUAL(bed.sequence, expected[i]);
	}
	bed_close(&bed);
}

static CU_TestInfo tests[] = {
	{ "a record longer than a message is refused [18]", test_too_long },
	{ "a record without a template is refused", test_unknown_record },
	{ "a template that is not the session's is refused", test_unknown_template },
	{ "a sink that fails is told on", test_sink_fails },
	{ "the number of data records goes on at 0 behind 2^32 - 1 [7]", test_wrap },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "ipfix_message", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
