/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <string.h>

#include "metrics/address.h"
#include "metrics/health.h"
#include "metrics/page.h"
#include "metrics/secret.h"
#include "unit.h"

static char *told(const struct metrics_page *page, enum metrics_form form)
{
	GString *text = g_string_new(NULL);

	metrics_page_append(page, form, text);
	metrics_form_end(form, text);
	return g_string_free(text, FALSE);
}

static void test_forms(void)
{
	struct metrics_page *page = metrics_page_new();
	g_autofree char *open = NULL;
	g_autofree char *text = NULL;

	metrics_add(page, METRIC_SEEN_PACKETS, METRIC_NO_LABEL, G_MAXUINT64);
	metrics_add(page, METRIC_BUILD, METRIC_LABEL("1.2"), 1);
	open = told(page, METRICS_OPENMETRICS);
	text = told(page, METRICS_TEXT);
	CU_ASSERT_STRING_EQUAL(open,
			       "# TYPE weir_build info\n"
			       "# HELP weir_build This weir.\n"
			       "weir_build_info{version=\"1.2\"} 1\n"
			       "# TYPE weir_seen_packets counter\n"
			       "# UNIT weir_seen_packets packets\n"
			       "# HELP weir_seen_packets Packets that came. They are metered or "
			       "set aside.\n"
			       "weir_seen_packets_total 18446744073709551615\n"
			       "# EOF\n");
	CU_ASSERT_STRING_EQUAL(text, "# TYPE weir_build_info gauge\n"
				     "# HELP weir_build_info This weir.\n"
				     "weir_build_info{version=\"1.2\"} 1\n"
				     "# TYPE weir_seen_packets_total counter\n"
				     "# HELP weir_seen_packets_total Packets that came. They are "
				     "metered or set aside.\n"
				     "weir_seen_packets_total 18446744073709551615\n");
	metrics_page_free(page);
}

static void test_escapes(void)
{
	struct metrics_page *page = metrics_page_new();
	g_autofree char *text = NULL;

	metrics_add(page, METRIC_DESTINATION_UP, METRIC_LABEL("a\"b\\c\nd\xff}"), 1);
	text = told(page, METRICS_TEXT);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		text, "weir_destination_up{destination=\"a\\\"b\\\\c\\nd\xef\xbf\xbd}\"} 1\n"));
	metrics_page_free(page);
}

static void test_once(void)
{
	struct metrics_page *page = metrics_page_new();
	g_autofree char *text = NULL;

	metrics_add(page, METRIC_ASIDE_PACKETS, METRIC_LABEL("notIp"), 1);
	metrics_add(page, METRIC_ASIDE_PACKETS, METRIC_LABEL("busy"), 2);
	metrics_add(page, METRIC_ASIDE_PACKETS, METRIC_LABEL("notIp"), 3);
	text = told(page, METRICS_TEXT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{reason=\"notIp\"} 1\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{reason=\"busy\"} 2\n"));
	CU_ASSERT_PTR_NULL(strstr(text, " 3\n"));
	metrics_page_free(page);
}

static void test_histogram(void)
{
	static const struct metric_bounds bounds = { .count = 3, .upper = { 0.001, 1, 2.5 } };
	struct metric_histogram histogram = { 0 };
	struct metrics_page *page = metrics_page_new();
	g_autofree char *text = NULL;

	metric_observe(&histogram, &bounds, 0.001);
	metric_observe(&histogram, &bounds, 0.0011);
	metric_observe(&histogram, &bounds, 100);
	metrics_add_histogram(page, METRIC_RTT, METRIC_LABEL("client"), &bounds, &histogram);
	text = told(page, METRICS_OPENMETRICS);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
				      "_bucket{side=\"client\",le=\"0.001\"} 1\n"
				      "weir_rtt_seconds_bucket{side=\"client\",le=\"1.0\"} 2\n"
				      "weir_rtt_seconds_bucket{side=\"client\",le=\"2.5\"} 2\n"
				      "weir_rtt_seconds_bucket{side=\"client\",le=\"+Inf\"} 3\n"
				      "weir_rtt_seconds_sum{side=\"client\"} 100.0021\n"
				      "weir_rtt_seconds_count{side=\"client\"} 3\n"));
	metrics_page_free(page);
}

static void test_reals(void)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0.0" },	       { 1795284342.5183027, "1795284342.5183027" },
		{ 1e300, "1e+300" },   { 0.1, "0.1" },
		{ -3, "-3.0" },	       { NAN, "NaN" },
		{ -INFINITY, "-Inf" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct metrics_page *page = metrics_page_new();
		g_autofree char *text = NULL;
		g_autofree char *line =
			g_strdup_printf("\nweir_start_time_seconds %s\n", cases[i].text);

		metrics_add_real(page, METRIC_START, METRIC_NO_LABEL, cases[i].value);
		text = told(page, METRICS_TEXT);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
		metrics_page_free(page);
	}
}

static void test_negotiation(void)
{
	CU_ASSERT_EQUAL(metrics_form_of(NULL), METRICS_TEXT);
	CU_ASSERT_EQUAL(metrics_form_of(""), METRICS_TEXT);
	CU_ASSERT_EQUAL(metrics_form_of(",;q,="), METRICS_TEXT);
	CU_ASSERT_EQUAL(metrics_form_of("application/openmetrics-text"), METRICS_OPENMETRICS);
	CU_ASSERT_EQUAL(metrics_form_of("application/openmetrics-text; q=0.5, text/*; q=0.6"),
			METRICS_TEXT);
	CU_ASSERT_EQUAL(metrics_form_of("text/plain;q=0.5,application/openmetrics-text;"
					"version=\"1.0.0\";q=0.75"),
			METRICS_OPENMETRICS);
	CU_ASSERT_EQUAL(metrics_form_of("application/openmetrics-text;version=0.0.1"),
			METRICS_TEXT);
	CU_ASSERT_EQUAL(metrics_form_of("application/openmetrics-text;q=nan"), METRICS_TEXT);
}

/* A family's name is fit, ends in its unit, and is no other's. */
static void test_table(void)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];
		g_autofree char *end = row->unit ? g_strdup_printf("_%s", row->unit) : NULL;

		CU_ASSERT_TRUE(g_hash_table_add(names, (gpointer)(guintptr)row->name));
		CU_ASSERT_FALSE(g_str_has_suffix(row->name, "_total"));
		CU_ASSERT_TRUE(!end || g_str_has_suffix(row->name, end));
		CU_ASSERT_TRUE(g_str_has_suffix(row->help, ".") && !strchr(row->help, '\n'));
	}
}

static guint count_addresses(const char *text, bool open)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) addresses = metrics_addresses(text, open, &error);

	CU_ASSERT_NOT_EQUAL(addresses == NULL, error == NULL);
	return addresses ? addresses->len : 0;
}

static void test_addresses(void)
{
	static const char *const wrong[] = { "",	"x",	     "0",	   "65536",
					     "1:2:3",	"[::1]",     "[::1:9481",  "::1:9481",
					     "-1",	"name:9481", "1.2.3.4:x",  "[::1]:",
					     "[]:9481", " 9481",     "127.0.0.1:", "1.2.3:9481x" };

	CU_ASSERT_EQUAL(count_addresses("9481", false), 2);
	CU_ASSERT_EQUAL(count_addresses("localhost:9481", false), 2);
	CU_ASSERT_EQUAL(count_addresses("[::1]:9481", false), 1);
	CU_ASSERT_EQUAL(count_addresses("127.0.0.2:1", false), 1);
	CU_ASSERT_EQUAL(count_addresses(":9481", false), 0);
	CU_ASSERT_EQUAL(count_addresses(":9481", true), 1);
	CU_ASSERT_EQUAL(count_addresses("192.0.2.1:9481", false), 0);
	CU_ASSERT_EQUAL(count_addresses("192.0.2.1:9481", true), 1);
	CU_ASSERT_EQUAL(count_addresses("[::]:65535", false), 0);
	CU_ASSERT_EQUAL(count_addresses("0.0.0.0:65535", false), 0);
	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
		CU_ASSERT_EQUAL(count_addresses(wrong[i], true), 0);
}

static void test_secret(void)
{
	struct secret secret;

	secret_of("0123456789abcdef", &secret);
	CU_ASSERT_TRUE(secret_is_given(&secret, "Bearer 0123456789abcdef"));
	CU_ASSERT_TRUE(secret_is_given(&secret, "bearer 0123456789abcdef"));
	CU_ASSERT_FALSE(secret_is_given(&secret, NULL));
	CU_ASSERT_FALSE(secret_is_given(&secret, ""));
	CU_ASSERT_FALSE(secret_is_given(&secret, "Bearer"));
	CU_ASSERT_FALSE(secret_is_given(&secret, "Bearer "));
	CU_ASSERT_FALSE(secret_is_given(&secret, "Basic 0123456789abcdef"));
	CU_ASSERT_FALSE(secret_is_given(&secret, "Bearer 0123456789abcdeg"));
	CU_ASSERT_FALSE(secret_is_given(&secret, "Bearer 0123456789abcdef0"));
}

static void test_health(void)
{
	struct health *health = health_new();
	struct health *copy;
	g_autofree char *text = NULL;
	g_autofree char *ready = NULL;
	g_autofree char *json = NULL;

	CU_ASSERT_TRUE(health_answer(health, HEALTH_ALL));
	health_say(health, HEALTH_GOOD, true, "drain", "it works");
	health_say(health, HEALTH_DEGRADED, false, "geolocation", "none");
	CU_ASSERT_TRUE(health_answer(health, HEALTH_ALL));
	health_say(health, HEALTH_FAILED, false, "destination \"x\"", "%d\xff", 7);
	copy = health_copy(health);
	health_free(health);
	CU_ASSERT_FALSE(health_answer(copy, HEALTH_ALL));
	CU_ASSERT_TRUE(health_answer(copy, HEALTH_READY));
	text = health_to_text(copy, HEALTH_ALL);
	ready = health_to_text(copy, HEALTH_READY);
	json = health_to_json(copy, HEALTH_ALL);
	CU_ASSERT_STRING_EQUAL(text, "failed\nok        drain: it works\n"
				     "degraded  geolocation: none\n"
				     "failed    destination \"x\": 7\xef\xbf\xbd\n");
	CU_ASSERT_STRING_EQUAL(ready, "ok\nok        drain: it works\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(json, "\"destination \\\"x\\\"\""));
	health_free(copy);
}

static CU_TestInfo tests[] = {
	{ "both forms name, type and end as they should", test_forms },
	{ "no label breaks a line", test_escapes },
	{ "a series is told once", test_once },
	{ "a histogram counts up to its bounds", test_histogram },
	{ "a number reads back as the same", test_reals },
	{ "who asks gets the form he wants most", test_negotiation },
	{ "every row of the table is fit", test_table },
	{ "only loopback is served without being told", test_addresses },
	{ "only the token opens", test_secret },
	{ "what has failed is said, and to whom it matters", test_health },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "metrics", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
