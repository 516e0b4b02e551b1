/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The flow as the kernel and user space share it. No pointers, no bitfields, no implicit padding:
 * these structs are map values, ring records and the rows of the native table alike. */
#ifndef METER_TYPES_H
#define METER_TYPES_H

#include <linux/types.h>

/* What became of a packet. Every value but METER_OK is a counter of its own. */
enum meter_verdict {
	METER_OK,
/* clang-format off */
#define SET_ASIDE(id, name, text) METER_##id,
#include "set_aside.def"
#undef SET_ASIDE
	/* clang-format on */
	METER_VERDICTS,
};

/* What the first octet of a frame is. */
enum meter_link {
	METER_LINK_ETHERNET,
	METER_LINK_IP, /* no link header: the IP version nibble tells */
	METER_LINK_OTHER,
};

/* struct flow_key.tunnel: the innermost. */
enum tunnel_kind {
	TUNNEL_NONE,
/* clang-format off */
#define TUNNEL(id, number, name, text) TUNNEL_##id = (number),
#include "tunnels.def"
#undef TUNNEL
	/* clang-format on */
	TUNNEL_KINDS,
};

/* A mirror's encapsulation is removed beside these. */
#define TUNNELS_MAX	 4
#define TUNNEL_PORTS_MAX 32

/* Which tunnels are looked into, as bits 1 << enum tunnel_kind, and which UDP ports are theirs. */
struct meter_tunnels {
	__u64 some_port[2]; /* see tunnel_port_unlikely() */
	__be16 ports[TUNNEL_PORTS_MAX];
	__u8 kinds[TUNNEL_PORTS_MAX]; /* of the ports; TUNNEL_NONE: no more */
	__u32 entered;
	__u32 mirrors;	    /* removed without a trace: a mirror's, not the user's */
	__u32 carrier_keys; /* who carries a flow is part of its key */
	__u32 spare;
};

/* flowEndReason (IPFIX 136); 0 is a flow that is still in the cache. */
enum flow_end {
	FLOW_END_NONE = 0,
	FLOW_END_IDLE = 1,
	FLOW_END_ACTIVE = 2,
	FLOW_END_DETECTED = 3,
	FLOW_END_FORCED = 4,
	FLOW_END_RESOURCES = 5,
};

/* How much a flow remembers. A level is a prefix of struct flow, so it is a size as well. */
enum flow_detail {
	FLOW_DETAIL_BASIC, /* counters, times, flags, TTL, ToS of each side */
	FLOW_DETAIL_TCP,   /* and TCP quality */
	FLOW_DETAIL_FULL,  /* and the shape of the traffic */
	FLOW_DETAILS,
};

#define FLOW_SECOND_NS 1000000000ULL
#define FLOW_LINGER_NS FLOW_SECOND_NS	    /* an ended TCP flow still takes in strays */
#define FLOW_PAUSE_NS  (2 * FLOW_SECOND_NS) /* a longer silence is a pause, not an inter-arrival */

/* Reassembly gives up after 30 s in Linux; an identifier that returns later is another datagram. */
#define FRAGMENT_LIFE_NS (30 * FLOW_SECOND_NS)

/* Which datagram: RFC 791 counts the protocol in, RFC 8200 does not (proto 0). */
struct fragment_key {
	__u64 source[2];
	__u64 destination[2];
	__u32 id;
	__u16 vlan;
	__u8 proto;
	__u8 version;
	__u32 tunnel_id; /* as this packet says it: hosts in two networks may share addresses */
	__u8 tunnel;
	__u8 spare[3];
};

struct fragment_ports {
	__u64 seen_ns;
	__be16 source;
	__be16 destination;
	__u8 proto;
	__u8 spare[3];
};

/* What the meter needs to know: fixed in a program, others are other programs. */
struct meter_settings {
	__u64 idle_ns;
	__u64 active_ns;     /* ~0: never */
	__u64 seed[6];	     /* of the key's hash: odd, random */
	__u32 detail;	     /* enum flow_detail */
	__u32 circumstances; /* enum flow_circumstance, for every record */
	__u32 sample;	     /* one packet in so many is metered; 0 and 1: every one */
	__u32 sample_random; /* each with that probability, not every Nth */
	__u32 other_gates;   /* flows may have a gate that another active time-out has set */
	__u32 spare;
	struct meter_tunnels tunnels;
};

#define COPY_KEYS 48
#define COPY_WAYS 6 /* packets of a set of the kernel's table */

/* Which packets are copies of one that came before (see copy.h). */
struct copy_settings {
	__u64 window_ns;
	__u32 set_mask;	       /* sets of the table - 1 */
	__u32 wanted;	       /* 0: copies are metered, too */
	__u32 keys[COPY_KEYS]; /* of the digests: random */
};

/* Two interfaces: where a packet was seen first, and where a copy of it was. */
struct copy_pair {
	__u32 first;
	__u32 again;
};

struct copy_counts {
	__u64 packets;
	__u64 frame_octets;
};

/* So many pairs are counted apart. */
#define COPY_PAIRS 256

/* The same for a home in the kernel: its read-only data, fixed before the program is loaded. */
struct cache_config {
	struct meter_settings meter;
	__u32 set_mask;	     /* sets of a table - 1 */
	__u32 flow_stride;   /* octets from one entry of a set to the next */
	__u32 record_octets; /* octets of a flow record */
	__u32 replaying;     /* time, length and interface come from struct cache_replay */
	__u32 xdp_action;    /* what becomes of a frame that XDP metered */
	__u32 cpus;	     /* whose tables may hold parts of one flow; 1: none is looked for */
	struct copy_settings copies;
};

/* A packet's meta data where a capture is replayed through the kernel. */
struct cache_replay {
	__u64 now_ns;
	__u32 length;
	__u16 iface;
	__u16 link;
};

/* A set of the kernel's table: the line that says what is where, then the entries. */
#define SET_WAYS 8

struct set_header {
	__u32 tag[SET_WAYS]; /* 0: the way is free */
	/* In 2^30 ns, rounded down: an idle time-out before the flow's deadline. For a flow in use
	 * that is its last packet, for one that TCP ended it is earlier. */
	__u32 second[SET_WAYS];
};

/* A call of the drain: which sets to look at, and what came of it. */
struct cache_drain {
	__u64 now_ns; /* where a capture is replayed; else the kernel's own clock counts */
	__u32 from;
	__u32 sets;
	__u32 all;     /* every flow leaves, as forced unless its time-out has passed */
	__u32 emitted; /* records that left */
	__u32 stuck;   /* flows whose record found no room: they stay */
	__u32 kept;    /* flows in these sets that stay */
};

/* A call of a look at a CPU's sets: which, and how many were looked at before the rows ran out. */
#define LOOK_SETS 512 /* at most */
#define LOOK_ROWS 128

struct cache_look {
	__u32 cpu;
	__u32 from;
	__u32 sets;
	__u32 done; /* of them */
	__u32 rows; /* flows that were found */
	__u32 spare;
};

/* What became of packets. The frame octets are those on the wire; octets are IP octets. */
struct meter_counts {
	__u64 packets[METER_VERDICTS];
	__u64 frame_octets[METER_VERDICTS];
	__u64 octets;	/* of the packets metered */
	__u64 evicted;	/* records that left with reason 5 */
	__u64 extended; /* records that were due, but waited because the ring had no room */
	__u64 orphans;	/* of the packets metered, fragments that left without their first */
};

/* Which slots of a CPU's `hash` table are free. Packets write all but `freed`, which is the
 * drain's: so either may interrupt the other. */
struct hash_state {
	__u32 fresh; /* slots from here on were never used */
	__u32 taken; /* of the ring of free slots, counting on */
	__u32 freed;
	__u32 hand;  /* where the search for a flow to make room goes on */
	__u32 spare; /* slot + 1 that was taken in vain; 0: none */
	__u32 unused;
};

/* One CPU's counters, and the set or slot that its drain is at: a packet that interrupts the drain
 * must leave that one alone. */
struct cache_counts {
	struct meter_counts meter;
	__u64 busy; /* index + 1; 0: none */
	struct hash_state hash;
	__u64 way; /* which the packet under way is at, hidden from the verifier */
	__u64 sampler;
};

/* How the packets of a record were come by. */
enum flow_circumstance {
	FLOW_SAMPLED = 1 << 0,	  /* not every packet was metered */
	FLOW_FILE_CLOCK = 1 << 1, /* times are a capture file's, not this host's clock */
	FLOW_JOINED = 1 << 2,	  /* parts were metered on several CPUs and put together */
	FLOW_PART = 1 << 3,	  /* other CPUs had parts of it that did not come */
};

/* Both ends in canonical order: the low end sorts first, so both directions have one key. IPv4
 * addresses are IPv4-mapped. Compared and hashed as six words; every octet is significant. */
struct flow_key {
	__u64 low[2]; /* address octets as on the wire */
	__u64 high[2];
	__be16 low_port; /* ICMP with an identifier: both ports are the identifier */
	__be16 high_port;
	__u16 vlan; /* outermost VLAN identifier, 0 without one */
	__u8 proto;
	__u8 version;	 /* 4 or 6 */
	__u32 tunnel_id; /* 0 where each direction has its own; see tunnel_keep() */
	__u16 iface;	 /* 0 unless the interface is part of the key */
	__u8 tunnel;	 /* enum tunnel_kind */
	__u8 tos;	 /* 0 unless the ToS is part of the key */
};

/* In flow_key.version, of fragments that are held until their first one comes: a datagram is a flow
 * of its own then, the ports are its identification, and FLOW_KEY_HELD_HIGH says which end sent it.
 * Nobody outside the cache sees such a key: see flow_release(). */
#define FLOW_KEY_HELD	   0x80
#define FLOW_KEY_HELD_HIGH 0x40
#define FLOW_KEY_VERSION   0x0f

/* A slot of the `hash` table: every flow has one, so that the drain and whoever makes room find
 * flows by number. */
struct hash_slot {
	struct flow_key key;
	__u32 used;
	__u32 free; /* a place in the ring of free slots; says nothing about this slot */
};

/* Index of a side: packets sent by the low end, packets sent by the high end. */
enum flow_side_index {
	FLOW_FROM_LOW,
	FLOW_FROM_HIGH,
};

/* struct flow_side.state */
enum flow_side_state {
	FLOW_INITIATOR = 1 << 0, /* this side opened the flow */
	FLOW_FIN_SEEN = 1 << 1,	 /* fin_end is valid */
	FLOW_FIN_ACKED = 1 << 2,
	FLOW_FRAGMENTED = 1 << 3, /* some packet was a fragment */
	FLOW_ORPHANS = 1 << 4,	  /* fragments whose first fragment, and so ports, never came */
	FLOW_L4_CUT = 1 << 5,	  /* a transport header was missing or cut; ports may be 0 */
	FLOW_LEFT = 1 << 6,	  /* the first packet was seen leaving by iface, not coming in */
	FLOW_AWAITED = 1 << 7,	  /* no FIN seen, and fin_end is what the other side acknowledged */
	FLOW_SCATTERED = 1 << 8,  /* of a joined record: several CPUs had packets of this side */
};

/* What one side sent: exactly one cache line with the word that the whole flow keeps there. */
struct flow_side {
	__u64 packets;
	__u64 octets;	/* IP octets */
	__u64 payload;	/* octets above the transport header */
	__u64 first_ns; /* packet time; valid where packets > 0 */
	__u64 last_ns;
	__u16 tcp_flags;       /* union of the 12 control bits */
	__u16 tcp_flags_first; /* of the first packet */
	__u8 ttl_min;
	__u8 ttl_max;
	__u8 tos_first;
	__u8 tos_union;
	union {
		__u32 fin_end; /* TCP: the sequence number after the FIN; see FLOW_AWAITED */
		__u32 icmp;    /* ICMP: type << 8 | code of the first packet */
	};
	__u16 state; /* enum flow_side_state */
	__u16 iface; /* where the first packet was seen */
	__u64 whole; /* belongs to the flow: see flow_born() and flow_ended() */
};

/* Sequence numbers of one side that were skipped and have not come since. */
struct tcp_hole {
	__u32 start; /* start == end: a free slot */
	__u32 end;
	__u64 opened_ns;
};

/* More holes at a time than this and the oldest is forgotten: it stays unseen. */
#define TCP_HOLES 4

/* struct tcp_track.state */
enum tcp_track_state {
	TCP_TRACKING = 1 << 0,	  /* next is valid */
	TCP_SYN_SEEN = 1 << 1,	  /* isn is this side's, from its SYN */
	TCP_SYN_ANSWERS = 1 << 2, /* the SYN carried an ACK */
	TCP_SYN_REPEATED = 1 << 3,
	TCP_SYN_SAME_CLOCK = 1 << 4, /* the repeated SYN had the same time stamp, or none */
	TCP_ACK_SEEN = 1 << 5,	     /* last_ack and window are valid */
	TCP_TIMING = 1 << 6,	     /* rtt_mark waits for its acknowledgement */
	TCP_WINDOW_ZERO = 1 << 7,
	TCP_WINDOW_OPEN = 1 << 8, /* a window was seen that can close */
	TCP_SCALES = 1 << 9,	  /* window scale option in the SYN */
	TCP_SACK_OK = 1 << 10,	  /* SACK permitted option in the SYN */
	TCP_CLOCKS = 1 << 11,	  /* time stamps option in the SYN */
	TCP_SPOKE_LAST = 1 << 12, /* of both sides, this one sent data last */
	TCP_SHOOK = 1 << 13,	  /* this side acknowledged the other's SYN */
	TCP_SHOOK_BLIND =
		1 << 14, /* or something, at the syn_ns of the other, whose SYN is unseen */
};

#define TCP_RTT_NONE 0xffffffff

/* What is remembered of one side's stream. Goes on over the active time-out. */
struct tcp_track {
	__u32 next; /* the highest sequence end seen */
	__u32 isn;
	__u32 last_ack;
	__u32 rtt_mark; /* end of the segment being timed */
	__u64 rtt_sent_ns;
	__u64 data_ns;	    /* last data segment */
	__u64 syn_ns;	    /* last SYN */
	__u64 zero_ns;	    /* up to here the zero window is counted */
	__u32 syn_clock;    /* time stamp value of the last SYN */
	__u32 handshake_us; /* TCP_RTT_NONE: not measured */
	__u16 mss;
	__u16 window; /* the last, unscaled */
	__u16 state;  /* enum tcp_track_state */
	__u8 scale;
	__u8 holes; /* low half: acknowledged; high half: counted in an earlier record */
	struct tcp_hole hole[TCP_HOLES];
};

/* What is counted of one side's stream, in the record (DESIGN 4.3). */
struct tcp_tally {
	__u64 window_sum; /* scaled windows */
	__u64 window_count;
	__u32 window_min;
	__u32 window_max;
	__u64 rtt_count; /* this side's answers to the other side's data */
	__u64 rtt_sum_us;
	__u64 rtt_squares_us2;
	__u32 rtt_min_us;
	__u32 rtt_max_us;
	__u64 response_count;
	__u64 response_sum_us;
	__u32 response_min_us;
	__u32 response_max_us;
	__u64 retransmitted_packets;
	__u64 retransmitted_octets;
	__u64 syn_retransmissions;
	__u64 out_of_order;
	__u64 unseen_octets;
	__u64 gap_octets; /* unseen, but acknowledged */
	__u64 duplicate_acks;
	__u64 keep_alives;
	__u64 zero_windows;
	__u64 zero_window_ns;
	__u64 ce_packets;
	__u64 syn_packets;
	__u64 fin_packets;
	__u64 rst_packets;
};

struct flow_tcp {
	struct tcp_track track;
	struct tcp_tally tally;
};

/* The packet around the innermost tunnel, and what the outermost link wraps packets in: zero
 * without one. */
struct flow_outer {
	__u64 source[2]; /* as in struct flow_key */
	__u64 destination[2];
	__be16 source_port;
	__be16 destination_port;
	__u32 id; /* of the tunnel, as this side says it */
	union {
		struct {
			__u8 proto;
			__u8 version;
			__u8 depth;    /* tunnels in tunnels */
			__u8 label[3]; /* the first of MPLS, class, end bit: as on the wire */
			__u16 session; /* of PPPoE */
		};
		__u64 rest; /* all of these */
	};
};

/* Packet lengths: up to 64, 128, 256, 512, 1024, 1518 IP octets, and more. */
#define FLOW_LENGTH_BUCKETS 7
/* TTL: 1 or less, 2-5, 6-32, 33-64, 65-96, 97-128, 129-160, 161-192, 193-224, 225-255. */
#define FLOW_TTL_BUCKETS    10

/* The shape of one side's traffic (DESIGN 4.4). */
struct flow_shape {
	__u32 length_min;
	__u32 length_max;
	__u64 length_squares;
	__u64 length_count[FLOW_LENGTH_BUCKETS];
	__u64 ttl_count[FLOW_TTL_BUCKETS];
	__u64 gap_sum_us; /* inter-arrival times, without pauses */
	__u64 gap_squares_us2;
	__u64 gap_count;
	__u64 pauses;	     /* silences above FLOW_PAUSE_NS */
	__u64 second_octets; /* in the current second */
	__u64 second_octets_max;
	__u64 second_start_ns; /* the current second, counted from the side's first packet */
	__u64 fragments;
	__u32 gap_max_us;
	__u8 mac_destination[6]; /* of the first packet, as on the wire */
	__u8 mac_source[6];
	struct flow_outer outer; /* of the first packet */
};

/* What was held of a datagram on its way to the flow of its first fragment. */
struct flow_held {
	struct flow_side side;
	struct flow_shape shape;
};

/* The first cache line answers, for nearly every packet, whether it is this flow and whether it
 * may simply be counted; the second and third hold one side each. */
struct flow {
	struct flow_key key;
	__u64 last_ns; /* of either side */
	/* A packet at or after this time needs a closer look; 0: every packet. In a record from one
	 * of several CPUs: when it left. */
	__u64 gate_ns;
	struct flow_side side[2];
	/* --- FLOW_DETAIL_BASIC ends here --- */
	struct flow_tcp tcp[2]; /* zero unless the protocol is TCP */
	/* --- FLOW_DETAIL_TCP ends here --- */
	struct flow_shape shape[2];
	/* --- FLOW_DETAIL_FULL ends here --- */
};

/* Parts of a flow are looked for in the tables of so many CPUs. */
#define FLOW_CPUS_MAX 128

/* A flow that left the cache. The flow comes last, so that a record can be cut to its detail. */
struct flow_record {
	__u16 end;	     /* enum flow_end */
	__u16 detail;	     /* enum flow_detail: how much of the flow follows */
	__u16 circumstances; /* enum flow_circumstance */
	__u16 cpu;	     /* whose table it left; 0 outside the kernel */
	__u64 elsewhere;     /* bit (CPU & 63): that CPU's table held the same key then */
	struct flow flow;
};

/* A flow that a look found, cut to the detail. */
struct cache_row {
	__u32 set;
	__u16 way;
	__u16 changed; /* meanwhile: it may be read half */
	struct flow flow;
};

_Static_assert(sizeof(struct flow_key) == 48, "six words");
_Static_assert(sizeof(struct fragment_key) == 48, "no padding");
_Static_assert(sizeof(struct fragment_ports) == 16, "no padding");
_Static_assert(sizeof(struct set_header) == 64, "a cache line");
_Static_assert(sizeof(struct hash_slot) == 56, "no padding");
_Static_assert(sizeof(struct flow_side) == 64, "a cache line");
_Static_assert(sizeof(struct tcp_track) == 128, "two cache lines");
_Static_assert(sizeof(struct tcp_tally) == 192, "three cache lines");
_Static_assert(sizeof(struct flow_outer) == 48, "no padding");
_Static_assert(sizeof(struct flow_shape) == 280, "no padding");
_Static_assert(__builtin_offsetof(struct flow_record, flow) == 16, "no padding");
_Static_assert(sizeof(struct flow) == 192 + 2 * 320 + 2 * 280, "three cache lines, then the parts");

#endif
