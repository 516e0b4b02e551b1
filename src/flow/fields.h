/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything a record can say about a flow: one row of fields.def a field. Templates, encoders,
 * JSON, documentation and collector packs are readings of this table. */
#ifndef WEIR_FLOW_FIELDS_H
#define WEIR_FLOW_FIELDS_H

#include "flow/flow.h"

/* The documentation enterprise number, until one is registered. */
#define FIELD_PEN_DEFAULT 32473u
#define FIELD_PEN_REVERSE 29305u /* RFC 5103 */
#define FIELD_REVERSE_BIT 0x4000 /* our own elements: the reverse of id N is N | this */

enum field_type {
	FIELD_UNSIGNED8,
	FIELD_UNSIGNED16,
	FIELD_UNSIGNED32,
	FIELD_UNSIGNED64,
	FIELD_FLOAT64,
	FIELD_BOOLEAN,
	FIELD_MAC_ADDRESS,
	FIELD_OCTETS_3, /* an octetArray of just so many */
	FIELD_IPV4_ADDRESS,
	FIELD_IPV6_ADDRESS,
	FIELD_DATE_TIME_MILLISECONDS,
	FIELD_DATE_TIME_MICROSECONDS,
	FIELD_DATE_TIME_NANOSECONDS,
	FIELD_STRING,
	FIELD_TYPES,
};

/* field_type_size() of a type that has none; in an IPFIX template it means just this. */
#define FIELD_SIZE_VARIABLE 65535

/* Numbers as in the IANA registry "IPFIX Information Element Semantics". */
enum field_semantics {
	FIELD_SEMANTICS_DEFAULT = 0,
	FIELD_QUANTITY = 1,
	FIELD_TOTAL_COUNTER = 2,
	FIELD_DELTA_COUNTER = 3,
	FIELD_IDENTIFIER = 4,
	FIELD_FLAGS = 5,
};

/* Bits of our element metricValidity, about one side; the rest is room for what comes. */
enum field_validity {
	FIELD_VALIDITY_FRAGMENTED = 1 << 0, /* some packet was a fragment */
	FIELD_VALIDITY_ORPHANS = 1 << 1,    /* fragments whose first fragment never came */
	FIELD_VALIDITY_L4_CUT = 1 << 2,	    /* a transport header was missing or cut */
	FIELD_VALIDITY_BOTH_WAYS = 1 << 3,  /* packets were seen in both directions */
	FIELD_VALIDITY_HANDSHAKE = 1 << 4,  /* SYN, SYN+ACK and its ACK were seen */
	FIELD_VALIDITY_RTT = 1 << 5,	    /* tcpHandshakeRtt was measured */
	FIELD_VALIDITY_SYN = 1 << 6,	    /* this side's SYN was seen: its options are known */
	FIELD_VALIDITY_GAP = 1 << 7,	    /* the capture missed octets that arrived */
	FIELD_VALIDITY_SAMPLED = 1 << 8,    /* not every packet was metered */
	FIELD_VALIDITY_FILE_CLOCK = 1 << 9, /* times are a capture file's */
	FIELD_VALIDITY_TCP = 1 << 10,	    /* TCP quality was metered */
	FIELD_VALIDITY_JOINED = 1 << 11,    /* parts were metered on several CPUs and joined */
	FIELD_VALIDITY_PART = 1 << 12,	    /* other parts of it were never found */
	FIELD_VALIDITY_SCATTERED = 1 << 13, /* this side's packets met several CPUs */
};

/* Values of our element tcpStateAtEnd; the first that fits, from the end. */
enum field_tcp_state {
	FIELD_TCP_UNKNOWN = 0,	   /* not TCP, or no whole TCP header was seen */
	FIELD_TCP_OPENING = 1,	   /* a SYN without answer */
	FIELD_TCP_ANSWERED = 2,	   /* a SYN+ACK that was not acknowledged */
	FIELD_TCP_ESTABLISHED = 3, /* the handshake was seen whole */
	FIELD_TCP_MIDSTREAM = 4,   /* open, but the handshake was not seen whole */
	FIELD_TCP_HALF_CLOSED = 5, /* one FIN */
	FIELD_TCP_CLOSING = 6,	   /* two FINs */
	FIELD_TCP_CLOSED = 7,	   /* two FINs, acknowledged */
	FIELD_TCP_RESET = 8,
};

/* How the two directions of a biflow share a field. */
enum field_direction {
	FIELD_OF_FLOW, /* the same for both directions: no reverse element */
	FIELD_OF_SIDE, /* each direction has its own: reverse element exists */
};

/* A flow seen from the side whose packets are the forward direction of the record. */
enum field_scope {
	FIELD_SCOPE_UNIFLOW, /* the packets of this side alone are the record */
	FIELD_SCOPE_FORWARD, /* a biflow: this side's values; times are the whole flow's */
	FIELD_SCOPE_REVERSE, /* a biflow: the reverse elements; from is the responder's side */
};

struct flow_view {
	const struct flow_record *record;
	enum flow_side_index from;
	enum field_scope scope;
	const struct flow_extra *extra; /* NULL: nobody found out anything */
};

/* The flow as its initiator sees it. */
static inline struct flow_view flow_view_of(const struct flow_record *record,
					    const struct flow_extra *extra)
{
	return (struct flow_view){ record, flow_initiator(&record->flow), FIELD_SCOPE_FORWARD,
				   extra };
}

/* The same flow from the other end: the reverse elements of a biflow. */
static inline struct flow_view flow_view_reverse(const struct flow_view *forward)
{
	return (struct flow_view){ forward->record,
				   forward->from == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW,
				   FIELD_SCOPE_REVERSE, forward->extra };
}

union field_value {
	guint64 number;	       /* integers, booleans; times in nanoseconds since 1970 */
	double real;	       /* FIELD_FLOAT64 */
	guint8 octets[16];     /* addresses, octets, as on the wire */
	struct flow_text text; /* FIELD_STRING; good as long as the view's extra */
};

typedef void field_get(const struct flow_view *view, union field_value *ret_value);
typedef bool field_known(const struct flow_view *view);

/* Where an unsigned number lies, for those who fill many records: reading it there, or 0 for a side
 * that sent nothing, is what get does. */
enum field_where {
	FIELD_COMPUTED, /* nowhere: only get knows */
	FIELD_IN_KEY,	/* struct flow_key */
	FIELD_IN_SIDE,	/* struct flow_side, of the view's side */
	FIELD_IN_SHAPE, /* struct flow_shape, likewise */
	FIELD_IN_TCP,	/* struct flow_tcp, likewise; 0 unless tcp_is_metered */
	FIELD_IN_FACTS, /* struct field_facts, of the view; also times and IPv4 addresses, as
			   numbers */
	FIELD_FLOW_ID,	/* flow_id() makes it, and it takes its time: once for both sides will do */
};

/* What nearly every record tells and has to be made: all of it at once, for those who fill many. */
struct field_facts {
	guint64 first_ns;
	guint64 last_ns;
	guint32 source_ipv4; /* as numbers; of IPv4 flows */
	guint32 destination_ipv4;
	guint32 ingress;
	guint32 egress;
	guint16 source_port;
	guint16 destination_port;
	guint16 icmp;
	guint16 end;
	guint8 direction;
	guint8 biflow_direction;
};

void field_facts_of(const struct flow_view *view, struct field_facts *ret_facts);

struct field_place {
	enum field_where where;
	guint16 offset;
	guint16 size; /* 1, 2, 4 or 8 octets, host order */
};

struct field {
	const char *name; /* of the element */
	guint16 id;	  /* of the element */
	bool own;	  /* under our enterprise number instead of IANA's registry */
	bool of_place;	  /* known only where somebody looks up addresses */
	enum field_type type;
	enum field_semantics semantics;
	enum field_direction direction;
	enum flow_detail detail; /* the least that knows this field */
	guint8 version;		 /* 4 or 6: only flows of this IP version have it; 0: all */
	guint16 v9;		 /* field type in NetFlow v9, 0: none */
	const char *units;	 /* "octets", "packets", ... or NULL */
	const char *description;
	field_get *get;
	struct field_place place;
	field_known *known; /* false: get's 0 means nothing; NULL: always known */
};

extern const struct field fields[];
extern const size_t fields_count;

/* By element name, forward names only; NULL: there is none. */
const struct field *field_by_name(const char *name);
/* "octetDeltaCount" -> "reverseOctetDeltaCount"; free with g_free. */
char *field_reverse_name(const struct field *field);
/* Octets on the wire and in a record of host byte order, or FIELD_SIZE_VARIABLE. */
size_t field_type_size(enum field_type type);
/* The abstract data type as the IANA registry spells it: "unsigned64", "ipv4Address", ... */
const char *field_type_name(enum field_type type);

#endif
