/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/flow_tally.h"

#include <math.h>
#include <string.h>

#include "flow/fields_tcp.h"

#define OTHER "other"

/* Told by name; all others together. */
#define PROTOCOLS(PROTOCOL)   \
	PROTOCOL(1, "icmp")   \
	PROTOCOL(2, "igmp")   \
	PROTOCOL(6, "tcp")    \
	PROTOCOL(17, "udp")   \
	PROTOCOL(33, "dccp")  \
	PROTOCOL(47, "gre")   \
	PROTOCOL(50, "esp")   \
	PROTOCOL(51, "ah")    \
	PROTOCOL(58, "icmp6") \
	PROTOCOL(89, "ospf")  \
	PROTOCOL(112, "vrrp") \
	PROTOCOL(132, "sctp") \
	PROTOCOL(136, "udplite")

enum row {
#define PROTOCOL(number, name) ROW_##number,
	PROTOCOLS(PROTOCOL)
#undef PROTOCOL
	ROW_OTHER,
	ROWS,
};

static const char *const row_names[ROWS] = {
#define PROTOCOL(number, name) [ROW_##number] = (name),
	PROTOCOLS(PROTOCOL)
#undef PROTOCOL
		[ROW_OTHER] = OTHER,
};

static const struct metric_bounds times = {
	.count = 16,
	.upper = { 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
		   0.25, 0.5, 1, 2.5, 10 },
};

/* As the meter sorts them. */
static const struct metric_bounds lengths = {
	.count = FLOW_LENGTH_BUCKETS - 1,
	.upper = { 64, 128, 256, 512, 1024, 1518 },
};

struct protocol {
	guint64 flows;
	guint64 packets;
	guint64 octets;
	guint64 payload;
	guint64 jitters;
	struct metric_histogram jitter;
};

/* Of the protocol that has sequence numbers. */
struct sequence {
	guint64 sides; /* metered */
	guint64 retransmissions;
	guint64 syn_retransmissions;
	guint64 out_of_order;
	guint64 retransmitted_octets;
	guint64 unseen_octets;
	guint64 gap_octets;
	guint64 zero_windows;
	guint64 resets;
};

enum end {
	END_CLIENT, /* who opened the connection */
	END_SERVER,
	ENDS,
};

static const char *const end_names[ENDS] = { "client", "server" };
static const char *const way_names[2] = { "in", "out" };

struct traffic {
	guint64 packets[2]; /* seen coming in, seen leaving */
	guint64 octets[2];
};

struct flow_tally {
	guint8 rows[256]; /* by protocol number */
	struct protocol protocols[ROWS];
	struct sequence tcp;
	struct metric_histogram handshake[ENDS];
	struct metric_histogram rtt[ENDS];
	struct metric_histogram length;
	guint64 lengths;
	/* Interfaces in the order they were met; the one after the last is of all others. */
	guint8 places[G_MAXUINT16 + 1]; /* 0: not met yet */
	guint16 numbers[FLOW_TALLY_INTERFACES + 1];
	guint interfaces;
	bool crowded; /* there were more */
	struct traffic traffic[FLOW_TALLY_INTERFACES + 1];
};

struct flow_tally *flow_tally_new(void)
{
	struct flow_tally *tally = g_new0(struct flow_tally, 1);

	memset(tally->rows, ROW_OTHER, sizeof(tally->rows));
#define PROTOCOL(number, name) tally->rows[number] = ROW_##number;
	PROTOCOLS(PROTOCOL)
#undef PROTOCOL
	return tally;
}

void flow_tally_free(struct flow_tally *tally)
{
	g_free(tally);
}

/* --- taking --- */

static struct traffic *traffic_of(struct flow_tally *tally, guint16 iface)
{
	guint8 place = tally->places[iface];

	if (place > 0)
		return &tally->traffic[place - 1];
	if (tally->interfaces < FLOW_TALLY_INTERFACES) {
		tally->numbers[tally->interfaces] = iface;
		tally->interfaces++;
		place = (guint8)tally->interfaces;
	} else {
		place = FLOW_TALLY_INTERFACES + 1;
		tally->crowded = true;
	}
	tally->places[iface] = place;
	return &tally->traffic[place - 1];
}

static void take_side(struct flow_tally *tally, struct protocol *protocol,
		      const struct flow_side *side)
{
	struct traffic *traffic = traffic_of(tally, side->iface);
	const int way = side->state & FLOW_LEFT ? 1 : 0;

	protocol->packets += side->packets;
	protocol->octets += side->octets;
	protocol->payload += side->payload;
	traffic->packets[way] += side->packets;
	traffic->octets[way] += side->octets;
}

static void take_shape(struct flow_tally *tally, struct protocol *protocol,
		       const struct flow_side *side, const struct flow_shape *shape)
{
	const double count = (double)shape->gap_count;

	for (guint i = 0; i < FLOW_LENGTH_BUCKETS; i++)
		tally->length.buckets[i] += shape->length_count[i];
	tally->length.sum += (double)side->octets;
	tally->lengths += side->packets;
	if (shape->gap_count > 1 && !(side->state & FLOW_SCATTERED)) {
		const double mean = (double)shape->gap_sum_us / count;
		const double variance = (double)shape->gap_squares_us2 / count - mean * mean;

		metric_observe(&protocol->jitter, &times, sqrt(MAX(variance, 0)) / 1e6);
		protocol->jitters++;
	}
}

/* A handshake is in the record that has the SYN; the track goes on in those after it. */
static void take_times(struct flow_tally *tally, const struct flow_view *view, enum end end)
{
	const struct flow_tcp *tcp = tcp_of(view);

	if (tcp_knows_handshake(view) && tcp->tally.syn_packets > 0)
		metric_observe(&tally->handshake[end], &times, tcp->track.handshake_us / 1e6);
	if (tcp_knows_rtt(view))
		metric_observe(&tally->rtt[end], &times,
			       (double)tcp->tally.rtt_sum_us / (double)tcp->tally.rtt_count / 1e6);
}

static void take_tcp(struct flow_tally *tally, const struct flow_view *view, enum end end)
{
	const struct tcp_tally *counts = &tcp_of(view)->tally;
	struct sequence *sum = &tally->tcp;

	if (!tcp_is_metered(view))
		return;
	take_times(tally, view, end);
	sum->sides++;
	sum->resets += counts->rst_packets;
	if (!tcp_has_order(view))
		return;
	sum->retransmissions += counts->retransmitted_packets;
	sum->syn_retransmissions += counts->syn_retransmissions;
	sum->out_of_order += counts->out_of_order;
	sum->retransmitted_octets += counts->retransmitted_octets;
	sum->unseen_octets += counts->unseen_octets;
	sum->gap_octets += counts->gap_octets;
	sum->zero_windows += counts->zero_windows;
}

static void take_record(struct flow_tally *tally, const struct flow_record *record)
{
	const struct flow *flow = &record->flow;
	struct protocol *protocol = &tally->protocols[tally->rows[flow->key.proto]];
	struct flow_view view = flow_view_of(record, NULL);

	protocol->flows++;
	for (int i = 0; i < 2; i++) {
		if (flow->side[i].packets == 0)
			continue;
		take_side(tally, protocol, &flow->side[i]);
		if (record->detail >= FLOW_DETAIL_FULL)
			take_shape(tally, protocol, &flow->side[i], &flow->shape[i]);
	}
	if (!tcp_is_metered_flow(&view))
		return;
	take_tcp(tally, &view, END_CLIENT);
	view = flow_view_reverse(&view);
	take_tcp(tally, &view, END_SERVER);
}

void flow_tally_take(struct flow_tally *tally, const struct flow_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		take_record(tally, &batch->records[i]);
}

/* --- telling --- */

static void tell_protocol(const struct protocol *protocol, const char *name,
			  struct metrics_page *page)
{
	const struct metric_labels label = METRIC_LABEL(name);

	metrics_add(page, METRIC_PROTOCOL_FLOWS, label, protocol->flows);
	metrics_add(page, METRIC_PROTOCOL_PACKETS, label, protocol->packets);
	metrics_add(page, METRIC_PROTOCOL_BYTES, label, protocol->octets);
	metrics_add(page, METRIC_PROTOCOL_PAYLOAD, label, protocol->payload);
	if (protocol->jitters > 0)
		metrics_add_histogram(page, METRIC_PROTOCOL_JITTER, label, &times,
				      &protocol->jitter);
}

static void tell_tcp(const struct flow_tally *tally, struct metrics_page *page)
{
	const struct sequence *sum = &tally->tcp;
	const char *name = row_names[ROW_6];
	const struct metric_labels label = METRIC_LABEL(name);

	if (sum->sides == 0)
		return; /* at that detail nobody knows */
	metrics_add(page, METRIC_SEQUENCE_ERRORS, METRIC_PAIR(name, "retransmission"),
		    sum->retransmissions);
	metrics_add(page, METRIC_SEQUENCE_ERRORS, METRIC_PAIR(name, "outOfOrder"),
		    sum->out_of_order);
	metrics_add(page, METRIC_SYN_REPEATS, label, sum->syn_retransmissions);
	metrics_add(page, METRIC_RETRANSMITTED, label, sum->retransmitted_octets);
	metrics_add(page, METRIC_UNSEEN, label, sum->unseen_octets);
	metrics_add(page, METRIC_CAPTURE_GAP, label, sum->gap_octets);
	metrics_add(page, METRIC_ZERO_WINDOWS, label, sum->zero_windows);
	metrics_add(page, METRIC_RESETS, label, sum->resets);
	for (int i = 0; i < ENDS; i++) {
		metrics_add_histogram(page, METRIC_HANDSHAKE_RTT, METRIC_LABEL(end_names[i]),
				      &times, &tally->handshake[i]);
		metrics_add_histogram(page, METRIC_RTT, METRIC_LABEL(end_names[i]), &times,
				      &tally->rtt[i]);
	}
}

/* An interface that came back has another number, and its old name. */
static void tell_interface(const struct flow_tally *tally, struct metrics_page *page,
			   const char *const *names, guint which)
{
	for (int way = 0; way < 2; way++) {
		const struct metric_labels labels = METRIC_PAIR(names[which], way_names[way]);
		struct traffic sum = { 0 };

		for (guint i = 0; i <= FLOW_TALLY_INTERFACES; i++) {
			if (g_strcmp0(names[which], names[i]) != 0)
				continue;
			sum.packets[way] += tally->traffic[i].packets[way];
			sum.octets[way] += tally->traffic[i].octets[way];
		}
		metrics_add(page, METRIC_INTERFACE_PACKETS, labels, sum.packets[way]);
		metrics_add(page, METRIC_INTERFACE_BYTES, labels, sum.octets[way]);
	}
}

static void tell_interfaces(const struct flow_tally *tally, struct metrics_page *page,
			    flow_tally_name *name, void *data)
{
	const char *names[FLOW_TALLY_INTERFACES + 1] = { NULL };

	for (guint i = 0; i < tally->interfaces; i++) {
		const char *known = name(data, tally->numbers[i]);

		names[i] = known && *known ? known : OTHER;
	}
	if (tally->crowded)
		names[FLOW_TALLY_INTERFACES] = OTHER;
	for (guint i = 0; i <= FLOW_TALLY_INTERFACES; i++) {
		if (names[i])
			tell_interface(tally, page, names, i);
	}
}

void flow_tally_tell(const struct flow_tally *tally, struct metrics_page *page,
		     flow_tally_name *name, void *data)
{
	for (int i = 0; i < ROWS; i++) {
		if (tally->protocols[i].flows > 0)
			tell_protocol(&tally->protocols[i], row_names[i], page);
	}
	tell_tcp(tally, page);
	tell_interfaces(tally, page, name, data);
	if (tally->lengths > 0)
		metrics_add_histogram(page, METRIC_PACKET_SIZE, METRIC_NO_LABEL, &lengths,
				      &tally->length);
}
