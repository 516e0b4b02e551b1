/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of addresses from text. */
#include "enrich/mmdb_range.h"

#include <arpa/inet.h>
#include <string.h>

/* Room for an address as text, and the NUL. */
#define TEXT_MAX INET6_ADDRSTRLEN

/* Where readers look for IPv4: the place the format gives it, and the ways to write an IPv4 address
 * as one of IPv6 that keep it in one piece (mapped, 6to4, NAT64). Teredo is not among them: what
 * follows its prefix is the server's address, not the client's. */
static const char *const places[] = { "::/96", "::ffff:0:0/96", "2002::/16", "64:ff9b::/96" };

static bool parse_address(const char *text, size_t length, guint *ret_bits, guint8 *ret_octets)
{
	char copy[TEXT_MAX];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	*ret_bits = memchr(copy, ':', length) ? MMDB_BITS_6 : MMDB_BITS_4;
	return inet_pton(*ret_bits == MMDB_BITS_6 ? AF_INET6 : AF_INET, copy, ret_octets) == 1;
}

static bool parse_length(const char *text, guint bits, guint *ret_length)
{
	guint64 length;

	if (!g_ascii_string_to_unsigned(text, 10, 0, bits, &length, NULL))
		return false;
	*ret_length = (guint)length;
	return true;
}

bool mmdb_range_parse(const char *network, struct mmdb_range *ret_range)
{
	struct mmdb_range range = { 0 };
	size_t slash = strcspn(network, "/");
	guint length;

	if (!parse_address(network, slash, &range.bits, range.first))
		return false;
	length = range.bits;
	if (network[slash] && !parse_length(network + slash + 1, range.bits, &length))
		return false;
	if (mmdb_address_trailing(range.first, range.bits, 0) < range.bits - length)
		return false;
	memcpy(range.last, range.first, sizeof(range.last));
	for (guint bit = length; bit < range.bits; bit++)
		range.last[bit / 8] |= (guint8)(1 << (7 - bit % 8));
	*ret_range = range;
	return true;
}

bool mmdb_range_between(const char *first, const char *last, struct mmdb_range *ret_range)
{
	struct mmdb_range range = { 0 };
	guint bits;

	if (!parse_address(first, strlen(first), &range.bits, range.first) ||
	    !parse_address(last, strlen(last), &bits, range.last) || bits != range.bits ||
	    memcmp(range.first, range.last, bits / 8) > 0)
		return false;
	*ret_range = range;
	return true;
}

bool mmdb_place_of_ipv4(guint index, struct mmdb_range *ret_range)
{
	return index < G_N_ELEMENTS(places) && mmdb_range_parse(places[index], ret_range);
}

bool mmdb_range_is_shadowed(const struct mmdb_range *range)
{
	struct mmdb_range place;

	if (range->bits != MMDB_BITS_6)
		return false;
	for (guint i = 0; mmdb_place_of_ipv4(i, &place); i++) {
		if (memcmp(range->first, place.first, sizeof(place.first)) >= 0 &&
		    memcmp(range->last, place.last, sizeof(place.last)) <= 0)
			return true;
	}
	return false;
}
