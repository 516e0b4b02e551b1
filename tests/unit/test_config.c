/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "setup/config.h"
#include "unit.h"

static GPtrArray *parse(struct options *options, const char *text)
{
	GPtrArray *faults = g_ptr_array_new_with_free_func(g_free);

	config_parse(options, "weir.conf", text, strlen(text), faults);
	return faults;
}

static void test_settings(void)
{
	struct options *options = options_new();
	const struct option_value *values = options->values;
	g_autoptr(GPtrArray) faults = parse(options, "# a comment\n"
						     "\n"
						     "[meter]\n"
						     "idle-timeout = 30s \n"
						     "max-flows=64k\n"
						     "filter = tcp port 443\n"
						     "[export]\n"
						     "to = json+file:a ; ipfix+file:b\\;c;\n"
						     "biflow = true\n"
						     "[report]\n"
						     "progress = no\n");

	CU_ASSERT_EQUAL(faults->len, 0);
	CU_ASSERT_EQUAL(values[OPTION_IDLE_TIMEOUT].number, 30000000000);
	CU_ASSERT_EQUAL(values[OPTION_IDLE_TIMEOUT].origin, OPTION_FROM_CONFIG);
	CU_ASSERT_EQUAL(values[OPTION_MAX_FLOWS].number, 64000);
	CU_ASSERT_STRING_EQUAL(values[OPTION_FILTER].text, "tcp port 443");
	CU_ASSERT_PTR_NOT_NULL_FATAL(values[OPTION_TO].list);
	CU_ASSERT_STRING_EQUAL(values[OPTION_TO].list[0], "json+file:a");
	CU_ASSERT_STRING_EQUAL(values[OPTION_TO].list[1], "ipfix+file:b;c");
	CU_ASSERT_PTR_NULL(values[OPTION_TO].list[2]);
	CU_ASSERT_EQUAL(values[OPTION_BIFLOW].number, 1);
	CU_ASSERT_EQUAL(values[OPTION_PROGRESS].origin, OPTION_FROM_CONFIG);
	CU_ASSERT_EQUAL(values[OPTION_PROGRESS].number, 0);
	CU_ASSERT_EQUAL(values[OPTION_ACTIVE_TIMEOUT].origin, OPTION_NOT_GIVEN);
	options_free(options);
}

static void test_faults(void)
{
	static const char *const cases[][2] = {
		{ "[meter]\nidle-timout = 3\n",
		  "weir.conf:2: unknown key 'idle-timout'; did you mean 'idle-timeout'?" },
		{ "[meter]\ntetail = full\n",
		  "weir.conf:2: unknown key 'tetail'; did you mean 'detail'?" },
		{ "[meter]\n\n\ntemplate = full\n",
		  "weir.conf:4: unknown key 'template' in [meter]; did you mean 'template' in "
		  "[export]?" },
		{ "[meter]\nzebra = 1\n",
		  "weir.conf:2: unknown key 'zebra'; 'weir run --help' lists what there is" },
		{ "[report]\nquiet[de] = yes\n",
		  "weir.conf:2: unknown key 'quiet[de]'; did you mean 'quiet'?" },
		{ "[metre]\nbatch = 1\n",
		  "weir.conf:1: unknown section [metre]; did you mean [meter]?" },
		{ "\n[zebra]\n", "weir.conf:2: unknown section [zebra]; there are [meter], [live], "
				 "[export], [geo], [metrics], [report] and [exporter NAME]" },
		{ "[meter]\nbatch = 4096\n",
		  "weir.conf:2: batch: '4096' is out of range; give 1 to 1024" },
		{ "[meter]\nbatch = 1 # one\n",
		  "weir.conf:2: batch: '1 # one' is not a number; give 1 to 1024" },
		{ "[meter]\nbatch = 1\n# and\nbatch = 2\n",
		  "weir.conf:4: 'batch' stands on line 2 already; keep one (a list is written a;b)" },
		{ "[meter]\nfilter = a\\qb\n",
		  "weir.conf:2: filter: the backslash begins no escape; write \\\\ for a backslash" },
		{ "[export]\nto =\n", "weir.conf:2: to: '' is empty; give URL" },
		{ "[export]\nbiflow = perhaps\n",
		  "weir.conf:2: biflow: 'perhaps' is not known; give yes or no" },
		{ "[report]\n\nconfig = other\n",
		  "weir.conf:3: unknown key 'config'; 'weir run --help' lists what there is" },
		{ "batch = 1\n[meter]\n",
		  "weir.conf:1: a key before any section; begin one above it, as [export]" },
		{ "[meter]\nbatch = 1\nbatch\n[export]\n",
		  "weir.conf:3: neither [section], key = value, nor # comment" },
		{ "[meter]\nbatch = 1\n[exp", "weir.conf:3: neither [section], key = value, nor # "
					      "comment" },
		{ "[meter]\nfilter = \xff\n",
		  "weir.conf:2: not UTF-8 text; is this a configuration file?" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct options *options = options_new();
		g_autoptr(GPtrArray) faults = parse(options, cases[i][0]);

		if (faults->len != 1 || strcmp(g_ptr_array_index(faults, 0), cases[i][1]) != 0) {
			fprintf(stderr, "\n%s\n-> %s\n", cases[i][0],
				faults->len ? (char *)g_ptr_array_index(faults, 0) : "no fault");
			CU_FAIL("another message");
		}
		options_free(options);
	}
}

static void test_exporters(void)
{
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = parse(options, "[export]\n"
						     "to = json+file:a\n"
						     "[exporter main]\n"
						     "to = ipfix+tls://collector\n"
						     "template = quality\n"
						     "queue = 1000000\n"
						     "ca = /etc/weir/ca & co.pem\n"
						     "[exporter  the files]\n"
						     "rotate = 5m\n"
						     "to = ipfix+file:flows-%H.ipfix?domain=7\n"
						     "mtu = 1400\n");
	const struct exporter *exporter;

	CU_ASSERT_EQUAL_FATAL(faults->len, 0);
	CU_ASSERT_EQUAL_FATAL(options->exporters->len, 2);
	exporter = g_ptr_array_index(options->exporters, 0);
	CU_ASSERT_STRING_EQUAL(exporter->name, "main");
	CU_ASSERT_STRING_EQUAL(exporter->url, "ipfix+tls://collector?template=quality&queue=1000000"
					      "&ca=/etc/weir/ca%20%26%20co.pem");
	CU_ASSERT_EQUAL(exporter->line, 4);
	exporter = g_ptr_array_index(options->exporters, 1);
	CU_ASSERT_STRING_EQUAL(exporter->name, "the files");
	CU_ASSERT_STRING_EQUAL(exporter->url,
			       "ipfix+file:flows-%H.ipfix?domain=7&rotate=5m&mtu=1400");
	options_gather(options);
	CU_ASSERT_STRING_EQUAL(options->to[0], "json+file:a");
	CU_ASSERT_STRING_EQUAL(options->to_names[0], "");
	CU_ASSERT_STRING_EQUAL(options->to[2], exporter->url);
	CU_ASSERT_STRING_EQUAL(options->to_names[2], "the files");
	CU_ASSERT_PTR_NULL(options->to[3]);
	CU_ASSERT_PTR_NULL(options->to_names[3]);
	options_free(options);
}

static void test_exporters_given_way(void)
{
	const struct option_source typed = { OPTION_FROM_COMMAND_LINE, "--to", 0 };
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = parse(options, "[exporter a]\nto = json+file:a\n");

	CU_ASSERT_EQUAL_FATAL(faults->len, 0);
	options_gather(options);
	CU_ASSERT_STRING_EQUAL(options->to[0], "json+file:a");
	CU_ASSERT_PTR_NULL(options->to[1]);
	CU_ASSERT_TRUE(options_set(options, OPTION_TO, &typed, "json+file:b", NULL));
	options_gather(options);
	CU_ASSERT_STRING_EQUAL(options->to[0], "json+file:b");
	CU_ASSERT_PTR_NULL(options->to[1]);
	options_free(options);
}

static void test_exporter_faults(void)
{
	static const char *const cases[][2] = {
		{ "[exporter a]\ntemplate = full\n",
		  "weir.conf:1: [exporter a] does not say where to; add 'to = URL'" },
		{ "[exporter]\nto = json+file:a\n",
		  "weir.conf:1: [exporter]: write [exporter NAME]" },
		{ "[exportr a]\nto = json+file:a\n",
		  "weir.conf:1: unknown section [exportr a]; did you mean [exporter NAME]?" },
		{ "[exporter a]\nto = ipfix+tcp://c\ntenplate = full\n",
		  "weir.conf:3: unknown key 'tenplate' in [exporter a]; did you mean 'template'?" },
		{ "[exporter a]\nto = ipfix+tcp://c\nzebra = 1\n",
		  "weir.conf:3: unknown key 'zebra' in [exporter a]; there are to and the" },
		{ "[exporter a]\nqueue = 1\nto = ipfix+tcp://c\n",
		  "weir.conf:2: destination \"a\": queue= wants octets from" },
		{ "[exporter a]\nto = ipfix+tpc://c\nqueue = 1\n",
		  "weir.conf:2: destination \"a\": there is no transport \"tpc\"" },
		{ "[exporter a]\nrotate = 5m\nto = ipfix+file:-\n",
		  "weir.conf:3: destination \"a\": standard output cannot be rotated" },
		{ "[exporter a]\nto = ipfix+udp://c\nspool = here\n",
		  "weir.conf:3: destination \"a\": spool= is for collectors" },
		{ "[exporter a]\nto = ipfix+udp://c\nmtu = 65535\n", "" },
		{ "[exporter a]\nto = json+file:a\n[meter]\n[exporter a]\n",
		  "weir.conf:4: [exporter a] stands on line 1 already" },
		{ "[exporter a]\nto = json+file:a\nto = json+file:b\n",
		  "weir.conf:3: 'to' stands on line 2 already" },
		{ "[exporter a]\nto = json+file:a\ngzip = y\\qes\n",
		  "weir.conf:3: gzip: the backslash begins no escape" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct options *options = options_new();
		g_autoptr(GPtrArray) faults = parse(options, cases[i][0]);

		CU_ASSERT_EQUAL_FATAL(faults->len, *cases[i][1] ? 1 : 0);
		if (*cases[i][1])
			CU_ASSERT(g_str_has_prefix(g_ptr_array_index(faults, 0), cases[i][1]));
		options_free(options);
	}
}

static void test_all_faults(void)
{
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = parse(
		options, "[meter]\nbatch = x\nseed = 7\nodd = 1\n[other]\n[report]\nquiet = 2\n");

	CU_ASSERT_EQUAL(faults->len, 4);
	CU_ASSERT_EQUAL(options->values[OPTION_SEED].number, 7);
	CU_ASSERT_EQUAL(options->values[OPTION_BATCH].number, 256);
	options_free(options);
}

static void test_all_refused_lines(void)
{
	static const char *const wanted[] = {
		"weir.conf:2: neither [section], key = value, nor # comment",
		"weir.conf:3: neither [section], key = value, nor # comment",
		"weir.conf:7: neither [section], key = value, nor # comment",
		"weir.conf:6: batch: 'x' is not a number; give 1 to 1024",
	};
	struct options *options = options_new();
	/* What stands below [export may be of any section. */
	g_autoptr(GPtrArray) faults = parse(options, "[meter]\nnothing\n[export\nzebra = 1\n"
						     "[meter]\nbatch = x\nnothing again");

	CU_ASSERT_EQUAL_FATAL(faults->len, G_N_ELEMENTS(wanted));
	for (guint i = 0; i < faults->len; i++)
		CU_ASSERT_STRING_EQUAL(g_ptr_array_index(faults, i), wanted[i]);
	options_free(options);
}

static void test_a_file_of_another_kind(void)
{
	struct options *options = options_new();
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) faults = NULL;

	for (guint i = 0; i < 1000; i++)
		g_string_append(text, "nothing\n");
	faults = parse(options, text->str);
	CU_ASSERT_TRUE(faults->len > 1 && faults->len < 100);
	options_free(options);
}

static void test_interfaces(void)
{
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = parse(options, "[live]\ninterface = eth1 ; eth2\n");
	const struct option_source typed = { OPTION_FROM_COMMAND_LINE, "--interface", 0 };
	g_autofree char *joined = NULL;
	g_autofree char *typed_too = NULL;

	CU_ASSERT_EQUAL(faults->len, 0);
	options->command = COMMAND_REPLAY;
	options_gather(options);
	CU_ASSERT_PTR_NULL(options->arguments);
	options->command = COMMAND_RUN;
	options_gather(options);
	joined = g_strjoinv(" ", options->arguments);
	CU_ASSERT_STRING_EQUAL(joined, "eth1 eth2");
	/* What is typed stands in the place of the file's. */
	options_gather(options);
	CU_ASSERT_EQUAL(g_strv_length(options->arguments), 2);
	CU_ASSERT_TRUE(options_set(options, OPTION_INTERFACE, &typed, "eth3", NULL));
	options_gather(options);
	typed_too = g_strjoinv(" ", options->arguments);
	CU_ASSERT_STRING_EQUAL(typed_too, "eth1 eth2 eth3");
	options_free(options);
}

static void test_octets(void)
{
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);

	config_parse(options, "weir.conf", "", 0, faults);
	CU_ASSERT_EQUAL(faults->len, 0);
	config_parse(options, "weir.conf",
		     "[meter]\nbatch = \0"
		     "1\n",
		     19, faults);
	CU_ASSERT_EQUAL_FATAL(faults->len, 1);
	CU_ASSERT_STRING_EQUAL(g_ptr_array_index(faults, 0),
			       "weir.conf:2: a NUL octet; is this a configuration file?");
	options_free(options);
}

static void test_load(void)
{
	g_autoptr(GError) error = NULL;
	struct options *options = options_new();
	char path[] = "/tmp/weir-config-XXXXXX";
	g_autofree char *expected = NULL;
	int fd = g_mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_TRUE(g_file_set_contents(path, "[meter]\nbatch=x\nseed=y\n", -1, NULL));
	CU_ASSERT_FALSE(config_load(options, path, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	expected = g_strdup_printf("%s:2: batch: 'x' is not a number; give 1 to 1024 (and 1 more; "
				   "'weir check' tells them)",
				   path);
	CU_ASSERT_STRING_EQUAL(error->message, expected);
	g_clear_error(&error);
	g_remove(path);
	CU_ASSERT_FALSE(config_load(options, path, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
	options_free(options);
}

/* "#key = default": the "#" away. */
static char *spelled_out(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i]; i++) {
		if (lines[i][0] == '#' && g_ascii_islower(lines[i][1]))
			memmove(lines[i], lines[i] + 1, strlen(lines[i]));
	}
	return g_strjoinv("\n", lines);
}

/* What tests/documents/conf.py sees from outside. */
static void test_shipped(void)
{
	struct options *unsaid = options_new();
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = NULL;
	g_autofree char *text = NULL;
	g_autofree char *spelled = NULL;
	guint said = 0;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(WEIR_CONF, &text, NULL, NULL));
	spelled = spelled_out(text);
	faults = parse(options, spelled);
	CU_ASSERT_EQUAL(faults->len, 0);
	for (guint id = 0; id < OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];
		g_autofree char *key = g_strdup_printf("\n#%s = ", row->name);
		g_autofree char *open_key = g_strdup_printf("\n# %s = ", row->name);
		g_autofree char *value = option_format(options, id);
		g_autofree char *standard = option_format(unsaid, id);

		CU_ASSERT_TRUE(!row->section || strstr(text, key) || strstr(text, open_key));
		said += options->values[id].origin == OPTION_FROM_CONFIG;
		CU_ASSERT_STRING_EQUAL(value, standard);
		CU_ASSERT_EQUAL(options->values[id].number, unsaid->values[id].number);
	}
	CU_ASSERT_TRUE(said > 20);
	options_free(unsaid);
	options_free(options);
}

static CU_TestInfo tests[] = {
	{ "settings of every section are read", test_settings },
	{ "a fault is told with its line and what was meant", test_faults },
	{ "a section of its own is a destination with a name", test_exporters },
	{ "the command line sets the sections aside", test_exporters_given_way },
	{ "a fault of a section names the key's own line", test_exporter_faults },
	{ "all faults are told and what is good is taken", test_all_faults },
	{ "every line that cannot be read is told", test_all_refused_lines },
	{ "of a file of another kind not every line is told", test_a_file_of_another_kind },
	{ "interfaces may stand in the file", test_interfaces },
	{ "an empty file is good, one with zero octets is not", test_octets },
	{ "a file with faults is refused as a whole", test_load },
	{ "the shipped file with every default spelled out sets what is set", test_shipped },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "config", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
