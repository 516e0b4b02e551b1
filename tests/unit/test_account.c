/* SPDX-License-Identifier: BSD-2-Clause */
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setup/account.h"
#include "unit.h"

/* 10 packets seen: 2 set aside, 8 metered; of these 5 exported, 1 in the cache, 2 dropped. */
static struct account good(void)
{
	struct account account = {
		.seen = { .packets = 10, .frame_octets = 1000 },
		.metered = { .packets = 8, .octets = 700, .frame_octets = 850 },
		.exported = { .flows = 3, .records = 4, .packets = 5, .octets = 400 },
		.in_cache = { .flows = 1, .packets = 1, .octets = 100 },
		.max_flows = 64,
	};

	account.set_aside[METER_NOT_IP] = (struct account_packets){ 2, 150, 150 };
	account.dropped[ACCOUNT_UNTOLD] = (struct account_drops){ 1, 2, 200 };
	return account;
}

static void test_balanced(void)
{
	struct account account = good();
	struct account_balance balance;

	CU_ASSERT_TRUE(account_balanced(&account, &balance));
	CU_ASSERT_EQUAL(balance.seen_packets, 0);
	CU_ASSERT_EQUAL(balance.metered_octets, 0);
}

/* Each term the equations hold, changed by one, must show. */
static void test_every_term(void)
{
	struct account account = good();
	guint64 *terms[] = {
		&account.seen.packets,
		&account.seen.frame_octets,
		&account.metered.packets,
		&account.metered.octets,
		&account.metered.frame_octets,
		&account.set_aside[METER_NOT_IP].packets,
		&account.set_aside[METER_FILTERED].frame_octets,
		&account.exported.packets,
		&account.exported.octets,
		&account.in_cache.packets,
		&account.in_cache.octets,
		&account.spooled.packets,
		&account.spooled.octets,
		&account.dropped[ACCOUNT_FAILED].packets,
		&account.dropped[ACCOUNT_UNTOLD].octets,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(terms); i++) {
		(*terms[i])++;
		CU_ASSERT_FALSE(account_balanced(&account, NULL));
		(*terms[i])--;
		CU_ASSERT_TRUE(account_balanced(&account, NULL));
	}
}

static void test_imbalance(void)
{
	struct account account = good();
	struct account_balance balance;

	account.seen.packets += 3;
	account.exported.octets += 7;
	CU_ASSERT_FALSE(account_balanced(&account, &balance));
	CU_ASSERT_EQUAL(balance.seen_packets, 3);
	CU_ASSERT_EQUAL(balance.metered_octets, -7);
}

static void test_destinations(void)
{
	static const struct export_counts whole = {
		.url = "json+file:a", .flows = 4, .records = 4, .packets = 7, .octets = 600
	};
	static const struct export_counts worse = { .url = "ipfix+file:b",
						    .flows = 2,
						    .records = 2,
						    .packets = 4,
						    .octets = 300,
						    .failed_flows = 2,
						    .failed_packets = 3,
						    .failed_octets = 300 };
	struct account account = good();
	struct account_balance balance;

	account.dropped[ACCOUNT_UNTOLD] = (struct account_drops){ 0 };
	account_add_destination(&account, &whole, NULL);
	CU_ASSERT_EQUAL(account.exported.packets, 7);
	account_add_destination(&account, &worse, NULL);
	account_add_destination(&account, &whole, NULL);
	CU_ASSERT_EQUAL(account.exported.packets, 4);
	CU_ASSERT_EQUAL(account.dropped[ACCOUNT_FAILED].records, 2);
	CU_ASSERT_TRUE(account_balanced(&account, NULL));
	CU_ASSERT_PTR_NOT_EQUAL(account.destinations[1].url, worse.url);
	account.destinations[0].octets--;
	CU_ASSERT_FALSE(account_balanced(&account, &balance));
	CU_ASSERT_EQUAL(balance.unbalanced_destinations, 1);
	account_clear(&account);
	CU_ASSERT_PTR_NULL(account.destinations);
}

/* One has written what waits for the other, which nobody is told to be lost. */
static void test_goes_on(void)
{
	static const struct export_counts ahead = {
		.url = "json+file:a", .flows = 4, .records = 4, .packets = 7, .octets = 600
	};
	static const struct export_counts behind = {
		.url = "ipfix+tcp:b", .flows = 1, .records = 1, .packets = 2, .octets = 100
	};
	struct account account = good();

	account.dropped[ACCOUNT_UNTOLD] = (struct account_drops){ 0 };
	account_add_destination(&account, &ahead, NULL);
	account_add_destination(&account, &behind, NULL);
	CU_ASSERT_FALSE(account_balanced(&account, NULL));
	CU_ASSERT_EQUAL(account.exported.packets, 2);
	account_guess_cache(&account);
	CU_ASSERT_EQUAL(account.in_cache.packets, 6);
	CU_ASSERT_EQUAL(account.in_cache.octets, 600);
	CU_ASSERT_TRUE(account_balanced(&account, NULL));
	account.destinations[0].octets += 101; /* more than was metered */
	CU_ASSERT_FALSE(account_balanced(&account, NULL));
	account_clear(&account);
}

static char *print(const struct account *account)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	account_print(account, to);
	fclose(to);
	return text;
}

static void test_print(void)
{
	static const char expected[] =
		"                     packets     frame octets        IP octets\n"
		"seen                      10             1000\n"
		"set aside                  2              150\n"
		"  notIp                    2              150"
		"  the frame carries neither IPv4 nor IPv6\n"
		"metered                    8              850              700\n"
		"exported                   5                               400"
		"  3 flows in 4 records\n"
		"in cache                   1                               100  1 flows\n"
		"dropped                    2                               200\n"
		"  untold                   2                               200"
		"  in 1 flows: the template has no record for this IP version\n"
		"balanced\n";
	struct account account = good();
	char *text = print(&account);

	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected) != 0)
		fprintf(stderr, "%s", text);
	free(text);
	account.seen.packets += 2;
	text = print(&account);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nNOT BALANCED: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "seen but not accounted for 2 packets, 0 octets"));
	CU_ASSERT_PTR_NULL(strstr(text, "\nbalanced"));
	free(text);
}

static void test_table(void)
{
	struct account account = { .max_flows = 1000, .memory_octets = (3 << 20) + 1 };
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	account_print_table(&account, to);
	fclose(to);
	CU_ASSERT_STRING_EQUAL(text, "room for 1000 flows, up to 4 MiB of memory\n");
	free(text);
}

static gint64 number(JsonObject *object, const char *first, const char *second, const char *third)
{
	object = json_object_get_object_member(object, first);
	if (third) {
		object = json_object_get_object_member(object, second);
		second = third;
	}
	return json_object_get_int_member(object, second);
}

static void test_json(void)
{
	static const struct export_counts counts = {
		.url = "json+file:a\xff\"", .flows = 4, .records = 4, .packets = 7, .octets = 600
	};
	struct account account = good();
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *text = NULL;
	JsonObject *root;

	account.dropped[ACCOUNT_UNTOLD] = (struct account_drops){ 0 };
	account_add_destination(&account, &counts, NULL);
	text = account_to_json(&account);
	CU_ASSERT_TRUE_FATAL(json_parser_load_from_data(parser, text, -1, NULL));
	root = json_node_get_object(json_parser_get_root(parser));
	CU_ASSERT_EQUAL(number(root, "seen", "packets", NULL), 10);
	CU_ASSERT_EQUAL(number(root, "seen", "octets", NULL), 850);
	CU_ASSERT_EQUAL(number(root, "seen", "frameOctets", NULL), 1000);
	CU_ASSERT_EQUAL(number(root, "setAside", "notIp", "packets"), 2);
	CU_ASSERT_EQUAL(number(root, "setAside", "filtered", "packets"), 0);
	CU_ASSERT_EQUAL(number(root, "exported", "flows", NULL), 4);
	CU_ASSERT_EQUAL(number(root, "inCache", "octets", NULL), 100);
	CU_ASSERT_EQUAL(number(root, "dropped", "untold", "records"), 0);
	CU_ASSERT_EQUAL(number(root, "table", "maxFlows", NULL), 64);
	CU_ASSERT_FALSE(json_object_get_boolean_member(root, "damaged"));
	CU_ASSERT_TRUE(json_object_get_boolean_member(root, "balanced"));
	CU_ASSERT_EQUAL(json_array_get_length(json_object_get_array_member(root, "destinations")),
			1);
	CU_ASSERT_EQUAL(text[strlen(text) - 1], '\n');
	account_clear(&account);
}

/* Of ten copies, seven are of pairs that were told, two of them the same. */
static void test_copies(void)
{
	const struct account_copies known[] = {
		{ (char *)"a", (char *)"b", 4, 400 },
		{ (char *)"b", (char *)"a", 1, 60 },
		{ (char *)"a", (char *)"b", 2, 200 },
	};
	struct account account = { .set_aside[METER_DUPLICATE] = { 10, 1000, 1000 } };
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *json = NULL;
	g_autofree char *text = NULL;
	JsonArray *rows;

	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		account_add_copies(&account, &known[i]);
	json = account_to_json(&account);
	text = account_to_text(&account);
	account_clear(&account);
	CU_ASSERT_TRUE_FATAL(json_parser_load_from_data(parser, json, -1, NULL));
	rows = json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)),
					    "duplicates");
	CU_ASSERT_EQUAL_FATAL(json_array_get_length(rows), 3);
	for (guint i = 0; i < 3; i++) {
		static const gint64 packets[] = { 6, 1, 3 };
		static const gint64 octets[] = { 600, 60, 340 };
		JsonObject *row = json_array_get_object_element(rows, i);

		CU_ASSERT_EQUAL(json_object_get_int_member(row, "packets"), packets[i]);
		CU_ASSERT_EQUAL(json_object_get_int_member(row, "frameOctets"), octets[i]);
		CU_ASSERT_EQUAL(json_object_get_null_member(row, "first"), i == 2);
		CU_ASSERT_EQUAL(json_object_get_null_member(row, "again"), i == 2);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "first at a, again at b\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "first at b, again at a\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "at other interfaces\n"));
}

static CU_TestInfo tests[] = {
	{ "an account that balances says so", test_balanced },
	{ "one packet or octet off in any term shows", test_every_term },
	{ "the imbalance says which way and how much", test_imbalance },
	{ "every destination is held to the balance", test_destinations },
	{ "while a run goes on, destinations may be ahead of each other", test_goes_on },
	{ "the table is told with its memory", test_table },
	{ "people get aligned lines", test_print },
	{ "programs get stable names", test_json },
	{ "copies are told by pair, and those of no pair", test_copies },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "account", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
