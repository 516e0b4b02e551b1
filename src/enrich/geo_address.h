/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: which one to look up, and which are special so that there is nothing to look up. */
#ifndef WEIR_ENRICH_GEO_ADDRESS_H
#define WEIR_ENRICH_GEO_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

/* How an address came, which is part of what is said of it. */
enum geo_form {
	GEO_IPV4,
	GEO_IPV6,
	GEO_MAPPED, /* IPv4 in IPv6, from here on */
	GEO_COMPATIBLE,
	GEO_6TO4,
	GEO_TEREDO,
	GEO_NAT64,
	GEO_FORMS,
};

/* The address to look up: IPv4 as ::ffff:0:0/96, so that all have 128 bits. */
struct geo_address {
	guint64 high; /* host order */
	guint64 low;
	enum geo_form form;
};

/* Bits of an IPv4 address's prefix, as one of 128. */
#define GEO_IPV4_BITS 96

/* From the 16 octets of a flow's key, where IPv4 is mapped; version is that of the packet. */
struct geo_address geo_address_of(const guint8 octets[16], guint8 version);
/* As on the wire. */
void geo_address_octets(const struct geo_address *address, guint8 ret_octets[16]);

static inline bool geo_address_is_ipv4(const struct geo_address *address)
{
	return address->form != GEO_IPV6;
}

/* Sets what does not belong to a prefix of so many bits to 0. */
static inline void geo_address_cut(struct geo_address *address, guint bits)
{
	if (bits <= 64) {
		address->high &= bits == 0 ? 0 : ~G_GUINT64_CONSTANT(0) << (64 - bits);
		address->low = 0;
	} else {
		address->low &= ~G_GUINT64_CONSTANT(0) << (128 - bits);
	}
}

/* What the address is: "private" and so on, and then *ret_special is true; else "global", or how it
 * holds an IPv4 address. Of ret_bits, a prefix around the address that says the same of all of its
 * addresses is at least so long. */
const char *geo_address_class(const struct geo_address *address, bool *ret_special,
			      guint *ret_bits);

#endif
