/* SPDX-License-Identifier: BSD-2-Clause */
#include "enrich/geo_address.h"

#include "base/buffer.h"

#define MAPPED	    0xffffu /* of the low half, above the IPv4 address */
#define NAT64	    G_GUINT64_CONSTANT(0x0064ff9b00000000)
#define TEREDO	    0x20010000u
#define TEREDO_XOR  0xffffffffu /* the client's address is hidden from NATs */
#define PREFIX_6TO4 0x2002u

struct special {
	guint64 high;
	guint64 low;
	guint8 bits;
	const char *class;
};

static const struct special specials4[] = {
#define SPECIAL4(prefix, bits, class) \
	{ 0, (guint64)MAPPED << 32 | (prefix), GEO_IPV4_BITS + (bits), class },
#define SPECIAL6(high, low, bits, class)
#include "enrich/geo_address.def"
#undef SPECIAL4
#undef SPECIAL6
};

static const struct special specials6[] = {
#define SPECIAL4(prefix, bits, class)
#define SPECIAL6(high, low, bits, class) { high, low, bits, class },
#include "enrich/geo_address.def"
#undef SPECIAL4
#undef SPECIAL6
};

static struct geo_address inside(guint64 ipv4, enum geo_form form)
{
	return (struct geo_address){ 0, (guint64)MAPPED << 32 | (ipv4 & G_MAXUINT32), form };
}

static guint64 half_of(const guint8 octets[8])
{
	return (guint64)load_be32(octets) << 32 | load_be32(octets + 4);
}

static void put_half(guint8 octets[8], guint64 half)
{
	store_be32(octets, (guint32)(half >> 32));
	store_be32(octets + 4, (guint32)half);
}

struct geo_address geo_address_of(const guint8 octets[16], guint8 version)
{
	const guint64 high = half_of(octets);
	const guint64 low = half_of(octets + 8);

	if (version == 4)
		return inside(low, GEO_IPV4);
	if (high == 0 && low >> 32 == MAPPED)
		return inside(low, GEO_MAPPED);
	if (high == 0 && low >> 32 == 0 && low > 1)
		return inside(low, GEO_COMPATIBLE);
	if (high == NAT64 && low >> 32 == 0)
		return inside(low, GEO_NAT64);
	if (high >> 48 == PREFIX_6TO4)
		return inside(high >> 16, GEO_6TO4);
	if (high >> 32 == TEREDO)
		return inside(low ^ TEREDO_XOR, GEO_TEREDO);
	return (struct geo_address){ high, low, GEO_IPV6 };
}

void geo_address_octets(const struct geo_address *address, guint8 ret_octets[16])
{
	put_half(ret_octets, address->high);
	put_half(ret_octets + 8, address->low);
}

/* Leading bits that both have in common. */
static guint common_bits(const struct geo_address *address, const struct special *special)
{
	guint64 high = address->high ^ special->high;
	guint64 low = address->low ^ special->low;

	if (high)
		return 64 - (guint)g_bit_storage(high);
	return low ? 128 - (guint)g_bit_storage(low) : 128;
}

/* The prefix must not reach into a special one that the address is not in. */
const char *geo_address_class(const struct geo_address *address, bool *ret_special, guint *ret_bits)
{
	static const char *const forms[GEO_FORMS] = {
		[GEO_IPV4] = "global",	      [GEO_IPV6] = "global",
		[GEO_MAPPED] = "ipv4-mapped", [GEO_COMPATIBLE] = "ipv4-compatible",
		[GEO_6TO4] = "6to4",	      [GEO_TEREDO] = "teredo",
		[GEO_NAT64] = "nat64",
	};
	const bool ipv4 = geo_address_is_ipv4(address);
	const struct special *specials = ipv4 ? specials4 : specials6;
	const size_t count = ipv4 ? G_N_ELEMENTS(specials4) : G_N_ELEMENTS(specials6);
	const struct special *found = NULL;
	guint bits = ipv4 ? GEO_IPV4_BITS : 0;

	for (size_t i = 0; i < count; i++) {
		guint common = common_bits(address, &specials[i]);

		if (common < specials[i].bits)
			bits = MAX(bits, common + 1);
		else if (!found || specials[i].bits > found->bits)
			found = &specials[i];
	}
	*ret_special = found;
	*ret_bits = found ? MAX(bits, found->bits) : bits;
	return found ? found->class : forms[address->form];
}
