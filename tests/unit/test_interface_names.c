/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "enrich/interface.h"
#include "sample.h"
#include "unit.h"

static bool is(const struct flow_text *text, const char *expected)
{
	return text->length == strlen(expected) &&
	       (text->length == 0 || memcmp(text->octets, expected, text->length) == 0);
}

static bool is_called(const struct interface_names *names, guint16 iface, guint64 at_ns,
		      const char *expected)
{
	const struct flow_interface *found = interface_names_find(names, iface, at_ns);

	return found && is(&found->name, expected);
}

static void test_told(void)
{
	struct interface_names *names = interface_names_new();

	CU_ASSERT_PTR_NULL(interface_names_find(names, 1, 0));
	interface_names_tell(names, 3, 500, "eth0", "uplink");
	CU_ASSERT_TRUE(is_called(names, 3, 0, "eth0"));
	CU_ASSERT_TRUE(is_called(names, 3, 900, "eth0"));
	CU_ASSERT_TRUE(is(&interface_names_find(names, 3, 0)->description, "uplink"));
	CU_ASSERT_EQUAL(interface_names_find(names, 3, 0)->index, 3);
	CU_ASSERT_PTR_NULL(interface_names_find(names, 2, 0));
	CU_ASSERT_PTR_NULL(interface_names_find(names, 4, 0));
	interface_names_free(names);
}

static void test_renamed(void)
{
	struct interface_names *names = interface_names_new();
	const struct flow_interface *before;

	interface_names_tell(names, 3, 500, "eth0", NULL);
	before = interface_names_find(names, 3, 600);
	interface_names_tell(names, 3, 700, "eth0", NULL);
	CU_ASSERT_PTR_EQUAL(interface_names_find(names, 3, 800), before);
	interface_names_tell(names, 3, 1000, "wan", NULL);
	interface_names_tell(names, 3, 2000, "lan", "inside");
	CU_ASSERT_TRUE(is_called(names, 3, 999, "eth0"));
	CU_ASSERT_TRUE(is_called(names, 3, 1000, "wan"));
	CU_ASSERT_TRUE(is_called(names, 3, 1999, "wan"));
	CU_ASSERT_TRUE(is_called(names, 3, 2000, "lan"));
	CU_ASSERT_TRUE(is(&before->name, "eth0")); /* records may still point at it */
	interface_names_free(names);
}

static void test_limit(void)
{
	struct interface_names *names = interface_names_new();

	for (guint i = 0; i < 10000; i++) {
		g_autofree char *name = g_strdup_printf("eth%u", i);

		interface_names_tell(names, 1, i, name, NULL);
	}
	CU_ASSERT_TRUE(is_called(names, 1, 4000, "eth4000"));
	CU_ASSERT_TRUE(is_called(names, 1, 9999, "eth4096"));
	interface_names_tell(names, 2, 0, "another", NULL);
	CU_ASSERT_TRUE(is_called(names, 2, 0, "another"));
	interface_names_free(names);
}

static void test_wide_index(void)
{
	struct interface_names *names = interface_names_new();

	interface_names_tell(names, 70000, 0, "veth", NULL);
	CU_ASSERT_TRUE(is_called(names, 70000 - 65536, 0, "veth"));
	CU_ASSERT_EQUAL(interface_names_find(names, 70000 - 65536, 0)->index, 70000);
	interface_names_free(names);
}

static void test_numbers(void)
{
	struct interface_names *names = interface_names_new();

	/* a first file, then its second part: the same numbers */
	for (int part = 0; part < 2; part++) {
		CU_ASSERT_EQUAL(interface_names_number(names, 1, "eth0"), 1);
		CU_ASSERT_EQUAL(interface_names_number(names, 2, "eth1"), 2);
	}
	/* another host's file, and one that names nothing */
	CU_ASSERT_EQUAL(interface_names_number(names, 1, "wlan0"), 3);
	CU_ASSERT_EQUAL(interface_names_number(names, 2, "eth0"), 1);
	CU_ASSERT_EQUAL(interface_names_number(names, 1, NULL), 4);
	CU_ASSERT_EQUAL(interface_names_number(names, 1, NULL), 4);
	CU_ASSERT_TRUE(is_called(names, 3, 0, "wlan0"));
	CU_ASSERT_TRUE(is_called(names, 4, 0, ""));
	CU_ASSERT_EQUAL(interface_names_number(names, G_MAXUINT16, "last"), G_MAXUINT16);
	CU_ASSERT_EQUAL(interface_names_number(names, 1, "no room"), 1);
	CU_ASSERT_TRUE(is_called(names, 1, 0, "eth0"));
	interface_names_free(names);
}

static void test_enrich(void)
{
	struct interface_names *names = interface_names_new();
	struct flow_batch *batch = g_new0(struct flow_batch, 1);

	interface_names_tell(names, 1, 0, "eth0", NULL);
	interface_names_tell(names, 1, SAMPLE_START_NS + 1, "late", NULL);
	batch->count = 2;
	batch->records[0] = sample_tcp();
	batch->records[1] = sample_icmp6();
	batch->extras[1].interface[FLOW_FROM_HIGH] = (gpointer)batch; /* of a batch before */
	interface_names_enrich(names, batch);
	CU_ASSERT_TRUE(is(&batch->extras[0].interface[FLOW_FROM_HIGH]->name, "eth0"));
	CU_ASSERT_PTR_NULL(batch->extras[0].interface[FLOW_FROM_LOW]);	/* nobody told of 2 */
	CU_ASSERT_PTR_NULL(batch->extras[1].interface[FLOW_FROM_HIGH]); /* sent nothing */
	g_free(batch);
	interface_names_free(names);
}

static CU_TestInfo tests[] = {
	{ "what was told is found, at any time", test_told },
	{ "a packet's interface has the name of its time", test_renamed },
	{ "changes have a limit, beyond which the latest name stays", test_limit },
	{ "an index of more than 16 bits is told whole", test_wide_index },
	{ "files of one run share numbers where they mean the same interface", test_numbers },
	{ "a batch gets a name for each side that sent", test_enrich },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "interface_names", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
