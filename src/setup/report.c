/* SPDX-License-Identifier: BSD-2-Clause */
/* The account of a run, told at its end. */
#include "setup/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/same_file.h"

struct report {
	const struct options *options;
	FILE *stats; /* NULL: none wanted */
	bool written;
};

/* Opened before the run, so that a name that cannot be written is known before the work; not cut
 * to nothing until there is something to write. */
static FILE *open_stats(const char *path, char *const *inputs, GError **error)
{
	FILE *stats;

	if (strcmp(path, "-") == 0)
		return stdout;
	stats = fopen(path, "ae");
	if (!stats) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; the account cannot be written there", path, g_strerror(errno));
		return NULL;
	}
	for (; inputs && *inputs; inputs++) {
		if (!same_file_as_input(fileno(stats), *inputs))
			continue;
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--json-stats: %s is what is being read; name another file", path);
		fclose(stats);
		return NULL;
	}
	return stats;
}

static void write_stats(const struct account *account, FILE *stats)
{
	g_autofree char *json = account_to_json(account);

	/* A pipe or a terminal cannot be cut, and need not be. */
	if (stats != stdout && ftruncate(fileno(stats), 0) != 0)
		clearerr(stats);
	fputs(json, stats);
}

static bool close_stats(FILE *stats, const char *path, GError **error)
{
	bool good = fflush(stats) == 0 && !ferror(stats);
	int why = errno;

	if (stats != stdout && fclose(stats) != 0 && good) {
		good = false;
		why = errno;
	}
	if (!good)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; the account there is not complete", path, g_strerror(why));
	return good;
}

/* Standard error is JSON wholly or not at all. */
static void tell(const struct account *account)
{
	g_autofree char *json = log_is_json() ? account_to_json(account) : NULL;

	if (json)
		log_json_member("account", json);
	else
		account_print(account, stderr);
}

/* An account of nothing would only hide the error below it. */
static bool worth_telling(const struct account *account, const GError *fault)
{
	return !fault || account->seen.packets > 0 ||
	       g_error_matches(fault, WEIR_ERROR, WEIR_ERROR_DAMAGED);
}

static void check_balance(const struct account *account, GError **fault)
{
	if (account_balanced(account, NULL))
		return;
	if (*fault)
		g_prefix_error(fault, "the account does not balance, and ");
	else
		g_set_error(fault, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "the account does not balance; report this with the capture");
}

struct report *report_open(const struct options *options, char *const *inputs, GError **error)
{
	const char *path = options->values[OPTION_JSON_STATS].text;
	FILE *stats = NULL;
	struct report *report;

	if (path) {
		stats = open_stats(path, inputs, error);
		if (!stats)
			return NULL;
	}
	report = g_new0(struct report, 1);
	report->options = options;
	report->stats = stats;
	return report;
}

bool report_write(struct report *report, const struct account *account)
{
	if (!report->stats)
		return true;
	write_stats(account, report->stats);
	report->written = true;
	return fflush(report->stats) == 0 && !ferror(report->stats);
}

bool report_close(struct report *report, struct account *account, GError *fault, GError **error)
{
	const struct option_value *values = report->options->values;

	if (worth_telling(account, fault)) {
		check_balance(account, &fault);
		if (!values[OPTION_QUIET].number)
			tell(account);
		if (report->stats && !report->written)
			write_stats(account, report->stats);
	}
	if (report->stats)
		close_stats(report->stats, values[OPTION_JSON_STATS].text, fault ? NULL : &fault);
	account_clear(account);
	g_free(report);
	if (fault)
		g_propagate_error(error, fault);
	return !fault;
}
