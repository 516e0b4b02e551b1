/* SPDX-License-Identifier: BSD-2-Clause */
/* What the doctor says of what the probes found: pure decisions, so that every machine there could
 * be can be put before them. */
#ifndef WEIR_SETUP_DOCTOR_H
#define WEIR_SETUP_DOCTOR_H

#include <glib.h>

#include "capture/probe_host.h"
#include "capture/probe_link.h"

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_WARN, /* a run works, but not as well as it could, or not at every hook */
	DOCTOR_FAIL, /* a run does not work */
};

struct doctor_finding {
	char *about;	   /* the interface, or NULL: this host */
	const char *check; /* a stable name */
	enum doctor_status status;
	char *text;
	char *remedy; /* what to do, or NULL */
};

/* What a run is to be able to do. */
struct doctor_needs {
	guint64 max_flows;
	int detail; /* enum flow_detail, or -1: what the template needs */
	enum kernel_cache cache;
};

/* An array of findings that owns them. */
GPtrArray *doctor_findings_new(void);
/* Takes text and remedy; about may be NULL. */
void doctor_say(GPtrArray *findings, const struct doctor_finding *finding);

/* One finding a check, in the order in which they matter. */
void doctor_host(const struct probe_host *host, const struct doctor_needs *needs,
		 GPtrArray *findings);
void doctor_link(const char *ifname, const struct probe_link *link, GPtrArray *findings);

guint doctor_count(const GPtrArray *findings, enum doctor_status status);

#endif
