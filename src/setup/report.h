/* SPDX-License-Identifier: BSD-2-Clause */
/* The account of a run, told at its end: to people on standard error, to programs by --json-stats.
 */
#ifndef WEIR_SETUP_REPORT_H
#define WEIR_SETUP_REPORT_H

#include "setup/account.h"
#include "setup/options.h"

struct report;

/* Before the run, so that a file that cannot be written is known before the work.
 * inputs: files the account must not be written over, NULL-terminated, or NULL. */
struct report *report_open(const struct options *options, char *const *inputs, GError **error);

/* Writes the account for programs before the run is over. Where that fails, report_close() says so.
 */
bool report_write(struct report *report, const struct account *account);

/* Tells the account, frees its parts and the report. fault is what went wrong in the run, or NULL,
 * and is taken; an account that does not balance or cannot be written is a fault as well. False
 * when there was any. */
bool report_close(struct report *report, struct account *account, GError *fault, GError **error);

#endif
