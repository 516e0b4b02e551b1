/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run tells collectors of itself beside its flows (RFC 7011, section 4). */
#ifndef WEIR_EXPORT_STATISTICS_H
#define WEIR_EXPORT_STATISTICS_H

#include "export/fanout.h"

/* Of the run: the same for every destination. */
struct export_statistics {
	guint64 start_ns;	 /* since 1970: metering began */
	guint64 end_ns;		 /* until when it is counted; 0: no packet came yet */
	guint64 ignored_packets; /* that came and were set aside */
	guint64 ignored_octets;
	guint64 observed_packets; /* that came to the sampling */
	guint64 selected_packets; /* that it let through */
	guint32 process;	  /* number of this process among the exporters of the host */
	/* In the order to tell them. */
	const struct flow_interface *const *interfaces;
	size_t interfaces_count;
	/* Of geolocation, in the order they are asked. */
	const struct flow_database *const *databases;
	size_t databases_count;
};

/* For one destination: what it got and what it did not. */
struct export_report {
	const struct export_statistics *statistics;
	const struct export_counts *counts;
};

struct export_not_sent {
	guint64 flows;
	guint64 packets;
	guint64 octets;
};

static inline struct export_not_sent export_not_sent(const struct export_counts *counts)
{
	return (struct export_not_sent){
		counts->overflow_flows + counts->failed_flows + counts->untold_flows,
		counts->overflow_packets + counts->failed_packets + counts->untold_packets,
		counts->overflow_octets + counts->failed_octets + counts->untold_octets,
	};
}

#endif
