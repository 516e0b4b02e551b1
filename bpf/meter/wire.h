/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Protocol headers as they lie on the wire: big-endian, no bitfields. */
#ifndef METER_WIRE_H
#define METER_WIRE_H

#include <linux/types.h>

#ifdef __bpf__
#define WIRE
#else
#define WIRE __attribute__((packed)) /* a file makes no promise of alignment */
#endif

enum {
	WIRE_ETH_IPV4 = 0x0800,
	WIRE_ETH_IPV6 = 0x86dd,
	WIRE_ETH_VLAN = 0x8100,	    /* 802.1Q */
	WIRE_ETH_PROVIDER = 0x88a8, /* 802.1ad */
	WIRE_ETH_QINQ_OLD = 0x9100, /* before 802.1ad had a number */
	WIRE_ETH_BARE = 0x05ff,	    /* no number: IP, of the version that its first octet says */
	WIRE_ETH_LENGTH = 0x0600,   /* below this it is a length, and LLC follows */
	WIRE_ETH_EOIP = 0x6400,	    /* MikroTik */
	WIRE_ETH_BRIDGED = 0x6558,  /* a whole Ethernet frame */
	WIRE_ETH_PPP = 0x880b,
	WIRE_ETH_MPLS = 0x8847,
	WIRE_ETH_MPLS_MANY = 0x8848,
	WIRE_ETH_PPPOE = 0x8864,    /* session */
	WIRE_ETH_BACKBONE = 0x88e7, /* 802.1ah */
	WIRE_ETH_ERSPAN = 0x88be,   /* I and II */
	WIRE_ETH_ERSPAN_3 = 0x22eb,
	WIRE_ETH_NSH = 0x894f,
};

enum {
	WIRE_IP_ICMP = 1,
	WIRE_IP_IPV4 = 4,
	WIRE_IP_TCP = 6,
	WIRE_IP_UDP = 17,
	WIRE_IP_DCCP = 33,
	WIRE_IP_IPV6 = 41,
	WIRE_IP_GRE = 47,
	WIRE_IP_ICMPV6 = 58,
	WIRE_IP_ETHERIP = 97,
	WIRE_IP_L2TP = 115,
	WIRE_IP_SCTP = 132,
	WIRE_IP_UDPLITE = 136,
	WIRE_IP_MPLS = 137,
	/* IPv6 extension headers */
	WIRE_IP_HOP_BY_HOP = 0,
	WIRE_IP_ROUTING = 43,
	WIRE_IP_FRAGMENT = 44,
	WIRE_IP_NONE = 59,
	WIRE_IP_DESTINATION = 60,
};

enum {
	WIRE_TCP_FIN = 1 << 0,
	WIRE_TCP_SYN = 1 << 1,
	WIRE_TCP_RST = 1 << 2,
	WIRE_TCP_PSH = 1 << 3,
	WIRE_TCP_ACK = 1 << 4,
	WIRE_TCP_BITS = 0xfff,
};

enum {
	WIRE_TCP_HEADER_MAX = 60,
	/* option kinds */
	WIRE_TCP_END = 0,
	WIRE_TCP_NOP = 1,
	WIRE_TCP_MSS = 2,
	WIRE_TCP_SCALE = 3,
	WIRE_TCP_SACK_OK = 4,
	WIRE_TCP_CLOCK = 8,
};

enum {
	WIRE_IPV4_MORE_FRAGMENTS = 0x2000,
	WIRE_IPV4_OFFSET = 0x1fff,
	WIRE_IPV6_MORE_FRAGMENTS = 0x0001,
	WIRE_IPV6_OFFSET = 0xfff8,
	WIRE_IPV6_JUMBO = 0xc2, /* hop-by-hop option, RFC 2675 */
};

struct wire_word {
	__u64 word;
} WIRE;

struct wire_eth {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
} WIRE;

struct wire_vlan {
	__be16 tci;
	__be16 type;
} WIRE;

struct wire_ipv4 {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 proto;
	__be16 checksum;
	__be32 source;
	__be32 destination;
} WIRE;

struct wire_ipv6 {
	__be32 version_class_label;
	__be16 payload_length;
	__u8 next;
	__u8 hop_limit;
	__u8 source[16];
	__u8 destination[16];
} WIRE;

/* The start that all IPv6 extension headers but the fragment header share. */
struct wire_extension {
	__u8 next;
	__u8 length; /* in 8 octets, without the first 8 */
	__u8 option;
	__u8 option_length;
	__be32 option_value;
} WIRE;

struct wire_ipv6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
} WIRE;

struct wire_ports {
	__be16 source;
	__be16 destination;
} WIRE;

struct wire_tcp {
	__be16 source;
	__be16 destination;
	__be32 seq;
	__be32 ack;
	__be16 offset_flags;
	__be16 window;
	__be16 checksum;
	__be16 urgent;
} WIRE;

struct wire_tcp_option {
	__u8 kind;
	__u8 length; /* kind and length counted in; END and NOP have none */
} WIRE;

struct wire_dccp {
	__be16 source;
	__be16 destination;
	__u8 data_offset; /* in 4 octets */
} WIRE;

struct wire_icmp {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be16 id;
} WIRE;

_Static_assert(sizeof(struct wire_eth) == 14, "IEEE 802.3");
_Static_assert(sizeof(struct wire_vlan) == 4, "IEEE 802.1Q");
_Static_assert(sizeof(struct wire_ipv4) == 20, "RFC 791");
_Static_assert(sizeof(struct wire_ipv6) == 40, "RFC 8200");
_Static_assert(sizeof(struct wire_ipv6_fragment) == 8, "RFC 8200 4.5");
_Static_assert(sizeof(struct wire_tcp) == 20, "RFC 9293");

#endif
