/* SPDX-License-Identifier: BSD-2-Clause */
/* The Toeplitz hash is the sum (by exclusive or) of the 32 bits of the key that begin where a set
 * bit of the input lies. So both directions have one hash exactly if, for each bit of an address or
 * port, the key is the same 32 bits at its place in the source and in the destination. A key that
 * repeats every 16 bits is one such key, and the one that serves every choice of fields. */
#include "capture/rss.h"

#define WINDOW_BITS 32
#define PORT_BITS   16

static bool key_bit(const guint8 *key, guint bit)
{
	return key[bit / 8] >> (7 - bit % 8) & 1;
}

/* Whether a field of some bits, twice in a row from bit start, may change places with itself. */
static bool same_windows(const guint8 *key, guint key_octets, guint start, guint bits)
{
	const guint last = bits + WINDOW_BITS - 1;

	if ((start + bits + last) > key_octets * 8)
		return false;
	for (guint i = 0; i < last; i++) {
		if (key_bit(key, start + i) != key_bit(key, start + bits + i))
			return false;
	}
	return true;
}

bool rss_key_symmetric(const guint8 *key, guint key_octets, guint address_bits, guint fields)
{
	const guint ports = fields & RSS_SOURCE ? 2 * address_bits : 0;

	if ((fields & RSS_SOURCE) && !same_windows(key, key_octets, 0, address_bits))
		return false;
	return !(fields & RSS_SOURCE_PORT) || same_windows(key, key_octets, ports, PORT_BITS);
}

static bool both_or_none(guint fields, guint one, guint other)
{
	return !(fields & one) == !(fields & other);
}

static enum rss_answer symmetry_of(const struct rss_config *config, enum rss_kind kind)
{
	const guint address_bits = kind == RSS_TCP4 || kind == RSS_UDP4 ? 32 : 128;
	const guint fields = config->fields[kind];

	if (!config->known_fields[kind])
		return RSS_UNKNOWN;
	if (!both_or_none(fields, RSS_SOURCE, RSS_DESTINATION) ||
	    !both_or_none(fields, RSS_SOURCE_PORT, RSS_DESTINATION_PORT))
		return RSS_ONE_SIDED;
	if (fields == 0 || config->symmetric_xor)
		return RSS_SYMMETRIC;
	switch (config->function) {
	case RSS_XOR:
		return RSS_SYMMETRIC;
	case RSS_CRC32:
		return RSS_FUNCTION;
	case RSS_TOEPLITZ:
		if (config->key_octets == 0)
			return RSS_UNKNOWN;
		return rss_key_symmetric(config->key, config->key_octets, address_bits, fields)
			       ? RSS_SYMMETRIC
			       : RSS_KEY;
	default:
		return RSS_UNKNOWN;
	}
}

/* What is known to be wrong says more than what is not known. */
enum rss_answer rss_symmetry(const struct rss_config *config, enum rss_kind *ret_kind)
{
	enum rss_answer worst = RSS_SYMMETRIC;

	if (config->queues == 1)
		return RSS_SYMMETRIC;
	for (int kind = 0; kind < RSS_KINDS; kind++) {
		enum rss_answer answer = symmetry_of(config, (enum rss_kind)kind);

		if (answer == RSS_SYMMETRIC ||
		    !(worst == RSS_SYMMETRIC || (worst == RSS_UNKNOWN && answer != RSS_UNKNOWN)))
			continue;
		worst = answer;
		*ret_kind = (enum rss_kind)kind;
	}
	return worst;
}
