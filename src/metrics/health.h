/* SPDX-License-Identifier: BSD-2-Clause */
/* What is well with a run and what is not, a line each. */
#ifndef WEIR_METRICS_HEALTH_H
#define WEIR_METRICS_HEALTH_H

#include <glib.h>
#include <stdbool.h>

enum health_state {
	HEALTH_GOOD,
	HEALTH_DEGRADED, /* it works, with less than was asked for */
	HEALTH_FAILED,	 /* something is lost, or will be soon */
};

/* What is asked. */
enum health_question {
	HEALTH_ALL,   /* is everything well? */
	HEALTH_READY, /* does it meter, and bring out what it metered? */
};

struct health;

struct health *health_new(void);
struct health *health_copy(const struct health *health);
void health_free(struct health *health);

/* About whom: "destination noc". metering: without it nothing is metered. */
void health_say(struct health *health, enum health_state state, bool metering, const char *about,
		const char *format, ...) G_GNUC_PRINTF(5, 6);

/* False: the answer is no, for something has failed. */
bool health_answer(const struct health *health, enum health_question question);
/* A line for the answer, and one for each part; free with g_free. */
char *health_to_text(const struct health *health, enum health_question question);
/* {"status":"failed","checks":[{"name":..,"status":..,"text":..}]} */
char *health_to_json(const struct health *health, enum health_question question);

#endif
