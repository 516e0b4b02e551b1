/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of a packet is a digest of 64 bits, by a seed of the run: over the IP header
 * without what routers change (DSCP and ECN, TTL, checksum), and over the start of what follows,
 * checksums and sequence numbers included. A packet sent again has another IPv4 identification; in
 * IPv6, or where a sender leaves that 0, only the window tells a copy from a retransmission. Of a
 * frame without IP it is everything behind the MAC addresses and VLAN tags.
 *
 * The last packets lie in a ring, each in the chain of its digest's bucket: so the window of
 * packets is exact, whatever they are. */
#include "capture/dedup.h"

#include <string.h>

#include "base/buffer.h"
#include "meter/wire.h"

#define PAYLOAD	  128 /* octets behind the IP header that are compared */
#define TAGS_MOST 8
#define NOBODY	  G_MAXUINT32
#define ODD	  0x9e3779b97f4a7c15ULL

struct copy {
	guint64 digest;
	guint64 time_ns;
	guint32 next; /* in the bucket's chain */
	bool used;
};

struct dedup {
	struct dedup_options options;
	struct copy *ring;
	guint32 at; /* where the next one goes, in the oldest one's place */
	guint32 *buckets;
	guint32 mask;
};

struct dedup *dedup_new(const struct dedup_options *options)
{
	struct dedup *dedup = g_new0(struct dedup, 1);
	guint64 buckets = 1;

	while (buckets < options->packets)
		buckets <<= 1;
	dedup->options = *options;
	dedup->ring = g_new0(struct copy, options->packets);
	dedup->buckets = g_new(guint32, buckets);
	dedup->mask = (guint32)(buckets - 1);
	for (guint64 i = 0; i < buckets; i++)
		dedup->buckets[i] = NOBODY;
	return dedup;
}

void dedup_free(struct dedup *dedup)
{
	if (!dedup)
		return;
	g_free(dedup->ring);
	g_free(dedup->buckets);
	g_free(dedup);
}

/* --- digests --- */

static guint64 mix(guint64 digest, guint64 word)
{
	const unsigned __int128 product = (unsigned __int128)(digest ^ word) * ODD;

	return (guint64)product ^ (guint64)(product >> 64) ^ (digest << 23 | digest >> 41);
}

static guint64 mix_octets(guint64 digest, const guint8 *at, size_t octets)
{
	guint64 word;

	for (; octets >= sizeof(word); octets -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		digest = mix(digest, word);
	}
	word = 0;
	memcpy(&word, at, octets);
	return mix(digest, word ^ (guint64)octets << 56);
}

/* What is there of the octets that are meant, and how many that are. */
static guint64 mix_start(guint64 digest, const guint8 *at, const guint8 *end, size_t octets)
{
	const size_t there = (size_t)(end - at);

	return mix(mix_octets(digest, at, MIN(MIN(there, octets), (size_t)PAYLOAD)), octets);
}

static guint64 digest_ipv4(guint64 digest, const guint8 *at, const guint8 *end)
{
	const guint16 total = load_be16(at + 2);
	size_t header = (at[0] & 0x0f) * 4u;
	guint8 kept[sizeof(struct wire_ipv4)];

	memcpy(kept, at, sizeof(kept));
	kept[1] = 0;			   /* DSCP and ECN */
	kept[8] = kept[10] = kept[11] = 0; /* TTL, checksum */
	digest = mix_octets(digest, kept, sizeof(kept));
	if (header < sizeof(kept) || header > (size_t)(end - at))
		header = sizeof(kept);
	/* Offloads leave no length in captures of the sender; what is behind the packet is padding.
	 */
	return mix_start(digest, at + header, end,
			 total == 0 ? PAYLOAD : total - MIN(total, header));
}

static guint64 digest_ipv6(guint64 digest, const guint8 *at, const guint8 *end)
{
	const guint16 octets = load_be16(at + 4);
	guint8 kept[sizeof(struct wire_ipv6)];

	memcpy(kept, at, sizeof(kept));
	kept[0] &= 0xf0; /* traffic class, in two parts */
	kept[1] &= 0x0f;
	kept[7] = 0; /* hop limit */
	digest = mix_octets(digest, kept, sizeof(kept));
	return mix_start(digest, at + sizeof(kept), end, octets ? octets : PAYLOAD);
}

static guint64 digest_network(guint64 seed, const guint8 *at, const guint8 *end, guint16 type)
{
	const size_t there = (size_t)(end - at);

	if (type == WIRE_ETH_IPV4 && there >= sizeof(struct wire_ipv4))
		return digest_ipv4(mix(seed, 4), at, end);
	if (type == WIRE_ETH_IPV6 && there >= sizeof(struct wire_ipv6))
		return digest_ipv6(mix(seed, 6), at, end);
	return mix_start(mix(seed, (guint64)type << 8), at, end, there);
}

static bool is_tag(guint16 type)
{
	return type == WIRE_ETH_VLAN || type == WIRE_ETH_PROVIDER || type == WIRE_ETH_QINQ_OLD;
}

static guint64 digest_ethernet(guint64 seed, const guint8 *at, const guint8 *end)
{
	guint16 type;

	if (end - at < (gssize)sizeof(struct wire_eth))
		return mix_start(seed, at, end, (size_t)(end - at));
	type = load_be16(at + 12);
	at += sizeof(struct wire_eth);
	for (int i = 0; i < TAGS_MOST && is_tag(type); i++) {
		if (end - at < (gssize)sizeof(struct wire_vlan))
			break;
		type = load_be16(at + 2);
		at += sizeof(struct wire_vlan);
	}
	return digest_network(seed, at, end, type);
}

static guint64 digest_of(guint64 seed, const struct frame *frame)
{
	const guint8 *end = frame->data + frame->captured;
	const bool six = frame->captured && frame->data[0] >> 4 == 6;

	if (frame->link == METER_LINK_ETHERNET)
		return digest_ethernet(seed, frame->data, end);
	return digest_network(seed, frame->data, end, six ? WIRE_ETH_IPV6 : WIRE_ETH_IPV4);
}

/* --- the last ones --- */

static guint32 *bucket_of(struct dedup *dedup, guint64 digest)
{
	return &dedup->buckets[(guint32)(digest >> 32) & dedup->mask];
}

static void forget(struct dedup *dedup, guint32 place)
{
	guint32 *link = bucket_of(dedup, dedup->ring[place].digest);

	while (*link != place)
		link = &dedup->ring[*link].next;
	*link = dedup->ring[place].next;
}

static void remember(struct dedup *dedup, guint64 digest, guint64 time_ns)
{
	struct copy *copy = &dedup->ring[dedup->at];
	guint32 *bucket = bucket_of(dedup, digest);

	if (copy->used)
		forget(dedup, dedup->at);
	*copy = (struct copy){
		.digest = digest, .time_ns = time_ns, .next = *bucket, .used = true
	};
	*bucket = dedup->at;
	dedup->at = dedup->at + 1 < dedup->options.packets ? dedup->at + 1 : 0;
}

/* Interfaces are not read in the order of time, so a copy may be the earlier one. */
static guint64 apart(guint64 a, guint64 b)
{
	return a > b ? a - b : b - a;
}

bool dedup_frame(struct dedup *dedup, const struct frame *frame)
{
	const guint64 digest = digest_of(dedup->options.seed, frame);

	for (guint32 place = *bucket_of(dedup, digest); place != NOBODY;
	     place = dedup->ring[place].next) {
		const struct copy *copy = &dedup->ring[place];

		if (copy->digest == digest &&
		    apart(frame->time_ns, copy->time_ns) <= dedup->options.window_ns)
			return true;
	}
	remember(dedup, digest, frame->time_ns);
	return false;
}
