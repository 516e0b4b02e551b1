/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP flow opens with a handshake, moves data with an acknowledgement every other segment and
 * closes with FIN both ways. One that is too short for that is refused, reset or just a SYN, as
 * such flows are on real links. UDP is questions and answers where short, a stream where long. */
#include "setup/bench/traffic_plan.h"

#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"

#define TCP_OPENING   3 /* SYN, SYN+ACK, ACK */
#define TCP_CLOSING   3 /* FIN, FIN, ACK */
#define TCP_WHOLE     (TCP_OPENING + TCP_CLOSING)
#define UDP_DIALOGUE  8	 /* a longer flow is a stream */
#define REQUEST_EVERY 49 /* packets of a TCP flow until the client asks again */

guint64 traffic_random(guint64 *state)
{
	guint64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

guint32 traffic_random_below(guint64 *state, guint32 limit)
{
	return (guint32)((traffic_random(state) >> 32) * limit >> 32);
}

static bool chance(guint64 *random, guint32 per_mille)
{
	return traffic_random_below(random, 1000) < per_mille;
}

/* Most short flows are names being looked up, so TCP is rarer among them. */
static guint8 choose_proto(struct traffic_state *state, const struct traffic_kind *kind)
{
	guint32 tcp = state->total < TCP_WHOLE ? kind->tcp_per_mille / 4u : kind->tcp_per_mille;
	guint32 ticket = traffic_random_below(&state->random, 1000);

	if (ticket < tcp)
		return IPPROTO_TCP;
	if (ticket < tcp + kind->icmp_per_mille)
		return state->flow.version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return IPPROTO_UDP;
}

static guint16 choose_server_port(struct traffic_state *state)
{
	static const guint16 tcp[8] = { 443, 443, 443, 443, 80, 80, 22, 993 };

	if (state->flow.proto == IPPROTO_TCP)
		return tcp[traffic_random_below(&state->random, 8)];
	return state->total > UDP_DIALOGUE ? 443 : 53;
}

/* 198.18.0.0/15 and 10.64.0.0/16, or 2001:db8:side::/48. */
static void write_address(struct traffic_flow *flow, enum traffic_side side, guint32 host)
{
	static const guint8 network4[2][2] = { { 10, 64 }, { 198, 18 } };
	static const guint8 network6[4] = { 0x20, 0x01, 0x0d, 0xb8 };
	guint8 *address = flow->address[side];

	if (flow->version == 4) {
		memcpy(address, network4[side], 2);
		store_be16(address + 2, (guint16)host);
		return;
	}
	memcpy(address, network6, 4);
	address[5] = (guint8)side;
	store_be16(address + 14, (guint16)host);
}

/* Client host and port are a permutation of the flow's number: no two flows share a key. Servers
 * differ in popularity: the number of hosts to choose from is itself drawn. */
static void choose_ends(struct traffic_state *state, guint32 index)
{
	guint32 scrambled = index * 0x9e3779b1u & 0x7fffffff;
	struct traffic_flow *flow = &state->flow;
	guint32 servers = 1u << (4 + traffic_random_below(&state->random, 12));

	write_address(flow, TRAFFIC_CLIENT, scrambled >> 15);
	write_address(flow, TRAFFIC_SERVER, traffic_random_below(&state->random, servers));
	flow->port[TRAFFIC_CLIENT] = (guint16)(0x8000 | (scrambled & 0x7fff));
	if (flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP)
		flow->port[TRAFFIC_SERVER] = choose_server_port(state);
	else
		flow->port[TRAFFIC_SERVER] = flow->port[TRAFFIC_CLIENT];
}

static enum traffic_style choose_style(guint64 *random)
{
	static const guint8 styles[8] = {
		TRAFFIC_DOWNLOAD, TRAFFIC_DOWNLOAD, TRAFFIC_DOWNLOAD, TRAFFIC_DOWNLOAD,
		TRAFFIC_DOWNLOAD, TRAFFIC_DOWNLOAD, TRAFFIC_UPLOAD,   TRAFFIC_CHATTER,
	};

	return styles[traffic_random_below(random, 8)];
}

void traffic_plan_begin(struct traffic_state *ret_state, const struct traffic_kind *kind,
			guint64 seed, guint32 index, guint32 total)
{
	guint64 mixed = seed ^ (guint64)index << 32;
	guint64 *random = &ret_state->random;

	memset(ret_state, 0, sizeof(*ret_state));
	*random = traffic_random(&mixed);
	ret_state->total = total;
	ret_state->flow.version = chance(random, kind->ipv6_per_mille) ? 6 : 4;
	if (chance(random, kind->vlan_per_mille))
		ret_state->flow.vlan = (guint16)(100 + traffic_random_below(random, 16));
	ret_state->flow.proto = choose_proto(ret_state, kind);
	choose_ends(ret_state, index);
	ret_state->style = choose_style(random);
	ret_state->timestamps = chance(random, 800);
	ret_state->seq[TRAFFIC_CLIENT] = (guint32)traffic_random(random);
	ret_state->seq[TRAFFIC_SERVER] = (guint32)traffic_random(random);
	ret_state->round_trip_us = 1000u << traffic_random_below(random, 7);
	/* 65 us to 130 ms */
	ret_state->gap_ns = 1ull << (16 + traffic_random_below(random, 11));
	ret_state->gap_ns += traffic_random(random) & (ret_state->gap_ns - 1);
}

static guint16 full_payload(const struct traffic_state *state, const struct traffic_packet *packet)
{
	return (guint16)(TRAFFIC_FRAME_MAX - traffic_header_length(&state->flow, packet));
}

static guint16 payload_between(struct traffic_state *state, guint32 least, guint32 most)
{
	return (guint16)(least + traffic_random_below(&state->random, most - least + 1));
}

static void plan_tcp_data(struct traffic_state *state, guint32 number,
			  struct traffic_packet *packet)
{
	enum traffic_side sender = state->style == TRAFFIC_UPLOAD ? TRAFFIC_CLIENT : TRAFFIC_SERVER;
	bool last = state->sent + 1 + TCP_CLOSING == state->total;

	packet->tcp_flags = TRAFFIC_ACK | TRAFFIC_PSH;
	if (number % REQUEST_EVERY == 0) {
		packet->from = TRAFFIC_CLIENT;
		packet->payload = payload_between(state, 80, 600);
	} else if (state->style == TRAFFIC_CHATTER) {
		packet->from = number & 1 ? TRAFFIC_SERVER : TRAFFIC_CLIENT;
		packet->payload = payload_between(state, 1, 400);
	} else if (number % 3 == 0) {
		packet->from = !sender;
		packet->tcp_flags = TRAFFIC_ACK;
	} else if (last || chance(&state->random, 60)) {
		packet->from = sender;
		packet->payload = payload_between(state, 1, 1300);
	} else {
		packet->from = sender;
		packet->tcp_flags = TRAFFIC_ACK;
		packet->payload = full_payload(state, packet);
	}
}

static void plan_tcp_opening(const struct traffic_state *state, struct traffic_packet *packet)
{
	static const guint8 flags[TCP_OPENING] = { TRAFFIC_SYN, TRAFFIC_SYN | TRAFFIC_ACK,
						   TRAFFIC_ACK };

	packet->tcp_flags = flags[state->sent];
	packet->from = state->sent == 1 ? TRAFFIC_SERVER : TRAFFIC_CLIENT;
	if (state->total == 2 && state->sent == 1)
		packet->tcp_flags = TRAFFIC_RST | TRAFFIC_ACK;
}

/* left counts down to 0 for the last packet. */
static void plan_tcp_closing(guint32 left, struct traffic_packet *packet)
{
	packet->tcp_flags = TRAFFIC_ACK | (left ? TRAFFIC_FIN : 0);
	packet->from = left == 1 ? TRAFFIC_CLIENT : TRAFFIC_SERVER;
}

static void plan_tcp(struct traffic_state *state, struct traffic_packet *packet)
{
	guint32 left = state->total - state->sent - 1;

	packet->timestamps = state->timestamps;
	if (state->sent < TCP_OPENING) {
		plan_tcp_opening(state, packet);
	} else if (state->total < TCP_WHOLE && left == 0) {
		packet->tcp_flags = TRAFFIC_RST | TRAFFIC_ACK;
		packet->from = TRAFFIC_CLIENT;
	} else if (state->total >= TCP_WHOLE && left < TCP_CLOSING) {
		plan_tcp_closing(left, packet);
	} else {
		plan_tcp_data(state, state->sent - TCP_OPENING, packet);
	}
}

/* Sequence numbers follow from who sends how much; SYN and FIN take one each. */
static void number_tcp(struct traffic_state *state, guint64 now_ns, struct traffic_packet *packet)
{
	enum traffic_side from = packet->from;

	packet->seq = state->seq[from];
	packet->ack = state->seq[!from];
	packet->window = packet->tcp_flags & TRAFFIC_RST ? 0 : 502;
	state->seq[from] += packet->payload;
	if (packet->tcp_flags & (TRAFFIC_SYN | TRAFFIC_FIN))
		state->seq[from]++;
	packet->time_ms[0] = (guint32)(now_ns / 1000000);
	packet->time_ms[1] = state->heard_ms[from];
	state->heard_ms[!from] = packet->time_ms[0];
}

static void plan_udp(struct traffic_state *state, struct traffic_packet *packet)
{
	bool stream = state->total > UDP_DIALOGUE;

	if (stream) {
		packet->from = state->sent % 4 ? TRAFFIC_SERVER : TRAFFIC_CLIENT;
		packet->payload = packet->from == TRAFFIC_SERVER
					  ? payload_between(state, 1180, 1350)
					  : payload_between(state, 25, 80);
		return;
	}
	packet->from = state->sent & 1;
	packet->payload = packet->from == TRAFFIC_SERVER ? payload_between(state, 60, 480)
							 : payload_between(state, 22, 60);
}

void traffic_plan_packet(struct traffic_state *state, guint64 now_ns,
			 struct traffic_packet *ret_packet)
{
	memset(ret_packet, 0, sizeof(*ret_packet));
	ret_packet->number = (guint16)state->sent;
	if (state->flow.proto == IPPROTO_TCP) {
		plan_tcp(state, ret_packet);
		number_tcp(state, now_ns, ret_packet);
	} else if (state->flow.proto == IPPROTO_UDP) {
		plan_udp(state, ret_packet);
	} else {
		ret_packet->from = state->sent & 1;
		ret_packet->payload = 56;
	}
	if (state->sent++ == 0)
		state->flow.first_ns = now_ns;
	state->flow.last_ns = now_ns;
	state->flow.packets[ret_packet->from]++;
}

/* The first answer takes the round trip; later packets come at the flow's own pace, half to one
 * and a half times the mean. */
guint64 traffic_plan_pause_ns(struct traffic_state *state)
{
	if (state->sent == 1)
		return state->round_trip_us * 1000ull;
	return state->gap_ns / 2 +
	       (state->gap_ns * traffic_random_below(&state->random, 1024) >> 10);
}
