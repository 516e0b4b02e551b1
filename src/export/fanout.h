/* SPDX-License-Identifier: BSD-2-Clause */
/* Every destination of a run: each with its own encoder, template and counters. One that fails is
 * reported once and left out; the others go on. */
#ifndef WEIR_EXPORT_FANOUT_H
#define WEIR_EXPORT_FANOUT_H

#include "export/ledger.h"
#include "export/template.h"

typedef guint64 export_clock(void); /* nanoseconds since 1970 */

/* Who gets a flow; in the order of the option's choices. */
enum fanout_policy {
	FANOUT_ALL,	 /* every destination */
	FANOUT_HASH,	 /* one, by the flow's key */
	FANOUT_FAILOVER, /* the first that is healthy */
	/* Of the last two: what waits for one that goes away is sent by another of the same form,
	 * template and all; where there is none, it waits for the return, goes into the spool or is
	 * counted as failed. */
};

struct export_options {
	const char *const *to;	   /* URLs, NULL-terminated: "json+file:-", "ipfix+file:PATH" */
	const char *const *names;  /* of them, what messages call them; "" or no array: the URL */
	const char *const *keep;   /* paths this run reads, or NULL: not to be written to */
	const char *config;	   /* another such path, or NULL */
	const char *log;	   /* the file its messages go to, or NULL */
	const char *account;	   /* the file the account will be written to, or NULL */
	const char *template_name; /* NULL: what suits each form, for most "standard" */
	enum template_direction direction; /* over the template's choice */
	guint32 pen;			   /* of our own elements */
	guint32 domain;			   /* observation domain */
	guint32 sampling; /* one packet in so many is metered; 0 and 1: every one */
	bool random_sampling;
	/* What files begin by; NULL: the time of packets, which gives the same files every time. */
	export_clock *clock_ns;
	enum fanout_policy policy;
	bool strict;  /* a collector that is the only destination must be there at the start */
	bool patient; /* who gives records waits for collectors that are slow, within reason */
	bool beside;  /* what is in a file is kept, under another name */
	bool retry;   /* a change tries files that failed, and begins those that were moved anew */
};

/* What became of the flows at one destination. */
struct export_counts {
	const char *url;
	const char *name; /* the user's own; NULL: none */
	guint64 flows;	  /* written */
	guint64 records;  /* data records these became */
	guint64 messages; /* finished, with those that hold no flows; where a form has messages */
	guint64 message_octets;
	guint64 packets;
	guint64 octets;
	guint64 failed_flows; /* lost since the destination failed */
	guint64 failed_packets;
	guint64 failed_octets;
	guint64 overflow_flows; /* the destination did not keep up, and its queue was full */
	guint64 overflow_packets;
	guint64 overflow_octets;
	guint64 spooled_flows; /* on disk, for the next run to send */
	guint64 spooled_packets;
	guint64 spooled_octets;
	guint64 spooled_records;
	guint64 elsewhere_flows; /* given to other destinations, on purpose */
	guint64 elsewhere_packets;
	guint64 elsewhere_octets;
	guint64 absent_flows; /* given out before this destination came */
	guint64 absent_packets;
	guint64 absent_octets;
	bool shared;	      /* destinations share the flows: together they count all of them */
	guint64 repeated;     /* records sent again, as a connection broke */
	guint64 recovered;    /* records an earlier run had left in the spool, sent now */
	guint64 untold_flows; /* the template or the form has no record for them */
	guint64 untold_packets;
	guint64 untold_octets;
};

/* How the way to a destination is now; a file has no queue. */
struct export_state {
	bool healthy;	       /* it can be reached or written, as far as is known */
	guint64 connects;      /* times it was reached */
	guint64 queued_octets; /* that wait in memory */
	guint64 queue_octets;  /* that may; 0: there is no queue */
};

struct fanout;
struct export_statistics;

struct fanout *fanout_new(const struct export_options *options, GError **error);
void fanout_free(struct fanout *fanout);

/* The least detail that fills every template. */
enum flow_detail fanout_detail(const struct fanout *fanout);
/* Some template has a column about where an address is. */
bool fanout_wants_places(const struct fanout *fanout);

/* Gives every destination the batch; false when any of them failed just now, the error naming
 * the first. */
bool fanout_write(struct fanout *fanout, const struct flow_batch *batch, GError **error);
/* Everything given so far is in the files when it returns true; false when any destination failed
 * just now, as above. */
bool fanout_flush(struct fanout *fanout, GError **error);
/* Now and then, with or without flows: files whose time is over get their names. As above. */
bool fanout_tick(struct fanout *fanout, GError **error);
/* A collector could be reached again since that was asked for: it may have forgotten what reports
 * say. */
bool fanout_has_returned(struct fanout *fanout);
/* Now and then, and at the end: everything given so far is encoded, and after it, in the forms that
 * can tell, the statistics of the run. As above. */
bool fanout_report(struct fanout *fanout, const struct export_statistics *statistics,
		   GError **error);
/* Flushes and closes the files, checking that everything reached them. */
bool fanout_finish(struct fanout *fanout, GError **error);

/* --- another configuration while the run goes on --- */

/* What a change says, a line each: of what is changed, and of what has to stay as it is. */
typedef void fanout_tell(void *data, bool changed, const char *line);

struct fanout_plan;

/* Looks at the new destinations, opens what can be opened, and changes nothing. most: templates
 * that need more detail than that are left as they are. NULL: something is wrong with them. */
struct fanout_plan *fanout_plan(struct fanout *fanout, const struct export_options *options,
				enum flow_detail most, GError **error);
void fanout_plan_free(struct fanout_plan *plan);
/* Destinations that are the same go on as they are; others end, with everything they were given,
 * and begin. Takes the plan; options as they were for it. */
void fanout_apply(struct fanout *fanout, struct fanout_plan *plan,
		  const struct export_options *options, fanout_tell *tell, void *data);

size_t fanout_count(const struct fanout *fanout);
/* What it was given to write so far. */
struct tally fanout_handed(const struct fanout *fanout);
/* What became of the flows that were given out before this destination came, by those before it;
 * where they share the flows, the first has it for all. */
struct export_counts fanout_before(const struct fanout *fanout, size_t index);
/* It can be reached, as far as is known. */
bool fanout_is_healthy(const struct fanout *fanout, size_t index);
struct export_state fanout_state(const struct fanout *fanout, size_t index);
const struct export_counts *fanout_counts(const struct fanout *fanout, size_t index);

#endif
