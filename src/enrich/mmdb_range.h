/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of addresses: from text, and bit by bit. */
#ifndef WEIR_ENRICH_MMDB_RANGE_H
#define WEIR_ENRICH_MMDB_RANGE_H

#include <glib.h>
#include <stdbool.h>

#define MMDB_BITS_4 32
#define MMDB_BITS_6 128

/* From first to last, both included; most significant octet first. */
struct mmdb_range {
	guint bits; /* of an address: MMDB_BITS_4 or MMDB_BITS_6 */
	guint8 first[MMDB_BITS_6 / 8];
	guint8 last[MMDB_BITS_6 / 8];
};

/* "192.0.2.0/24", "2001:db8::/32", or an address. False when it is none of these, or has bits set
 * beyond its length. */
bool mmdb_range_parse(const char *network, struct mmdb_range *ret_range);
/* Two addresses of one family, the first not above the last. */
bool mmdb_range_between(const char *first, const char *last, struct mmdb_range *ret_range);

/* The places of a file that lead to IPv4, beginning with ::/96; false when there are no more. */
bool mmdb_place_of_ipv4(guint index, struct mmdb_range *ret_range);
/* Whether an IPv6 range lies wholly in one of them, where it is never found. */
bool mmdb_range_is_shadowed(const struct mmdb_range *range);

static inline unsigned int mmdb_address_bit(const guint8 *address, guint bit)
{
	return address[bit / 8] >> (7 - bit % 8) & 1;
}

/* How many bits at the end of an address are all value. */
static inline guint mmdb_address_trailing(const guint8 *address, guint bits, unsigned int value)
{
	guint count = 0;

	while (count < bits && mmdb_address_bit(address, bits - 1 - count) == value)
		count++;
	return count;
}

#endif
