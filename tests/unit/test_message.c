/* SPDX-License-Identifier: BSD-2-Clause */
/* What a message gets when it leaves: the number of its place in the session, and the time. */
#include "base/buffer.h"
#include "export/message.h"
#include "unit.h"

#define LENGTH 24

static struct message *message_of(const struct encoder_ops *form, guint32 uptime, guint32 seconds)
{
	guint8 octets[LENGTH] = { 0 };
	struct message *message;

	if (form->uptime_at)
		store_be32(octets + form->uptime_at, uptime);
	store_be32(octets + form->time_at, seconds);
	message = message_new(octets, sizeof(octets));
	message->records = 3;
	return message;
}

static guint32 number_of(const struct encoder_ops *form, guint32 *sequence)
{
	const struct message_time own = { 0 };
	struct message *message = message_of(form, 0, 1);
	g_autofree guint8 *octets = message_numbered(message, form, sequence, &own);

	message_unref(message);
	return load_be32(octets + form->sequence_at);
}

static void test_wrap(void)
{
	guint32 sequence = G_MAXUINT32 - 1;

	CU_ASSERT_EQUAL(number_of(&ipfix_encoder, &sequence), G_MAXUINT32 - 1);
	CU_ASSERT_EQUAL(number_of(&ipfix_encoder, &sequence), 1);
	CU_ASSERT_EQUAL(number_of(&ipfix_encoder, &sequence), 4);
	sequence = G_MAXUINT32;
	CU_ASSERT_EQUAL(number_of(&netflow9_encoder, &sequence), G_MAXUINT32);
	CU_ASSERT_EQUAL(number_of(&netflow9_encoder, &sequence), 0);
	CU_ASSERT_EQUAL(number_of(&netflow9_encoder, &sequence), 1);
}

/* The clocks of a message of that uptime and time that leaves so. */
static void check_clocks(const struct encoder_ops *form, const guint32 own[2],
			 const struct message_time *time, const guint32 expected[2])
{
	struct message *message = message_of(form, own[0], own[1]);
	guint32 sequence = 0;
	g_autofree guint8 *octets = message_numbered(message, form, &sequence, time);

	if (form->uptime_at)
		CU_ASSERT_EQUAL(load_be32(octets + form->uptime_at), expected[0]);
	CU_ASSERT_EQUAL(load_be32(octets + form->time_at), expected[1]);
	message_unref(message);
}

static void test_time(void)
{
	const struct encoder_ops *forms[] = { &ipfix_encoder, &netflow9_encoder,
					      &netflow5_encoder };

	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		struct message *other = message_of(forms[i], 7000, 900);
		const guint32 own[] = { 5000, 1000 };

		check_clocks(forms[i], own, &(struct message_time){ 0 }, own);
		check_clocks(forms[i], own, &(struct message_time){ .as = other },
			     (const guint32[]){ 7000, 900 });
		check_clocks(forms[i], own, &(struct message_time){ .now_s = 1060 },
			     (const guint32[]){ 65000, 1060 });
		check_clocks(forms[i], own, &(struct message_time){ other, 901 },
			     (const guint32[]){ 8000, 901 });
		check_clocks(forms[i], (const guint32[]){ 0, 0 },
			     &(struct message_time){ .now_s = 5 }, (const guint32[]){ 0, 5 });
		message_unref(other);
	}
}

static void test_limits(void)
{
	const guint32 late[] = { G_MAXINT32 - 1000, 1000 };

	check_clocks(&netflow9_encoder, late, &(struct message_time){ .now_s = 1001 },
		     (const guint32[]){ G_MAXINT32, 1001 });
	check_clocks(&netflow9_encoder, late, &(struct message_time){ .now_s = 1002 }, late);
	check_clocks(&netflow9_encoder, late, &(struct message_time){ .now_s = G_MAXUINT32 }, late);
	/* A host whose clock was set back. */
	check_clocks(&netflow9_encoder, late, &(struct message_time){ .now_s = 999 }, late);
}

static CU_TestInfo tests[] = {
	{ "the number behind 2^32 - 1 is 0 [7]", test_wrap },
	{ "a message has the time it leaves at, or that of packets [10]", test_time },
	{ "two clocks agree, and turn negative for nobody [41]", test_limits },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "message", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
