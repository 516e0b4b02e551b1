/* SPDX-License-Identifier: BSD-2-Clause */
/* Every instance of this host, whether it runs or not. */
#ifndef WEIR_OPERATE_INSTANCES_H
#define WEIR_OPERATE_INSTANCES_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

enum instance_state {
	INSTANCE_RUNS,
	INSTANCE_SILENT,  /* somebody has it, but does not answer this user */
	INSTANCE_DEAD,	  /* no process, but its tables are in the kernel */
	INSTANCE_STOPPED, /* only its configuration is there */
	INSTANCE_UNKNOWN, /* nothing is */
};

struct instance_report {
	char *name;
	enum instance_state state;
	guint64 process;    /* 0: none, or not known */
	JsonObject *status; /* as the run tells it; NULL: it does not */
	char *why;	    /* it does not answer; NULL: it does, or nobody is there */
};

/* "running", "silent", "dead", "stopped" or "unknown". */
const char *instance_state_name(enum instance_state state);

/* Of those there are, by name; of struct instance_report. */
GPtrArray *instances_report(void);
/* Of this name, which may be that of an interface; free with instance_report_free. */
struct instance_report *instance_report_of(const char *name);
void instance_report_free(struct instance_report *report);

/* A line of JSON on standard output. */
void print_json_line(JsonObject *object);

#endif
