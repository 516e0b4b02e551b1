/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the parser learns of a packet and the accounts need. */
#ifndef METER_PACKET_H
#define METER_PACKET_H

#include "ctx.h"
#include "types.h"
#include "wire.h"

/* Two cache lines are too short for the string instruction a compiler makes of one memset(): its
 * start alone takes longer. */
METER_INLINE void clear_lines(void *lines)
{
	__u8 *at = lines;

	__builtin_memset(at, 0, 32);
	__builtin_memset(at + 32, 0, 32);
	__builtin_memset(at + 64, 0, 32);
	__builtin_memset(at + 96, 0, 32);
}

METER_INLINE void copy_lines(void *to, const void *from)
{
	__u8 *at = to;
	const __u8 *source = from;

	__builtin_memcpy(at, source, 64);
	__builtin_memcpy(at + 64, source + 64, 64);
}

struct packet {
	struct flow_key key; /* in the packet's own order until key_order() */
	__u64 now_ns;
	__u32 octets;  /* IP octets */
	__u32 payload; /* above the transport header */
	__u32 frame_octets;
	__u32 seq;
	__u32 ack;
	__u16 tcp_flags;
	__u16 state; /* enum flow_side_state bits this packet sets */
	__u16 iface;
	union {
		__u16 icmp; /* type << 8 | code */
		__u16 window;
	};
	__u8 side; /* enum flow_side_index */
	__u8 ttl;
	__u8 tos;
	__u8 fragment; /* enum packet_fragment */
	__u8 macs[12]; /* destination, source */
	/* Where the parser is: what lies there, how much of the IP packet is left from there. */
	__u16 offset; /* from the frame's first octet */
	__be16 type;  /* EtherType */
	__u32 left;
	__u32 fragment_id;
	/* Options, the first of them a SYN's. */
	__u32 clock; /* time stamp value and echo */
	__u32 clock_echo;
	__u16 mss;
	__u8 scale;
	__u8 options;	     /* enum packet_option */
	__u8 carries;	     /* enum tunnel_kind: what may be in it */
	__u8 depth;	     /* tunnels it came out of */
	__u8 fragment_proto; /* as all fragments of the datagram say it */
	__u8 pieces;	     /* enum packet_piece */
	METER_PACKET_MORE
};

#define PACKET_OCTETS 128

_Static_assert(__builtin_offsetof(struct packet, pieces) + 1 == PACKET_OCTETS,
	       "what clear_lines() clears");

/* What is around the packet, where key.tunnel says that it is in a tunnel, or options that it is
 * wrapped, and the detail is full. NULL: there is no room to keep it. */
METER_INLINE struct flow_outer *packet_outer(const struct packet *pkt)
{
	return METER_PACKET_OUTER(pkt);
}

enum packet_option {
	PACKET_MSS = 1 << 0,
	PACKET_SCALE = 1 << 1,
	PACKET_SACK_OK = 1 << 2,
	PACKET_CLOCK = 1 << 3,
	/* Not of a SYN: what its link wraps it in. */
	PACKET_LABEL = 1 << 4,
	PACKET_SESSION = 1 << 5,
	PACKET_WRAPPED = PACKET_LABEL | PACKET_SESSION,
};

enum packet_fragment {
	PACKET_WHOLE,
	PACKET_FIRST_FRAGMENT,
	PACKET_LATER_FRAGMENT,
};

METER_INLINE bool is_tag(__be16 type)
{
	return type == bpf_htons(WIRE_ETH_VLAN) || type == bpf_htons(WIRE_ETH_PROVIDER) ||
	       type == bpf_htons(WIRE_ETH_QINQ_OLD);
}

/* What few packets are to be asked for after parsing: zero for all others. */
enum packet_piece {
	PIECE_ORPHAN = 1 << 0,	/* a later fragment whose first has not been seen */
	PIECE_FIRST = 1 << 1,	/* later fragments may be held for this one */
	PIECE_CARRIER = 1 << 2, /* or for its carrier, which is kept: see ctx_carrier_first() */
	PIECES_WAITED_FOR = PIECE_FIRST | PIECE_CARRIER,
};

/* No frame the meter reads has its headers beyond this; the verifier wants to know. */
#define PACKET_OFFSET_MAX 0x3fff

METER_INLINE const __u8 *packet_at(const meter_ctx *ctx, const struct packet *pkt)
{
	return ctx_data(ctx) + (pkt->offset & PACKET_OFFSET_MAX);
}

/* Are these octets captured? */
METER_INLINE bool packet_has(const meter_ctx *ctx, const __u8 *at, __u32 octets)
{
	return at + octets <= ctx_end(ctx);
}

/* And are they inside the IP packet, rather than in the padding behind it? */
METER_INLINE bool packet_has_left(const meter_ctx *ctx, const struct packet *pkt, const __u8 *at,
				  __u32 octets)
{
	return pkt->left >= octets && packet_has(ctx, at, octets);
}

METER_INLINE void packet_skip(struct packet *pkt, __u32 octets)
{
	pkt->offset += octets;
	pkt->left -= octets;
}

#endif
