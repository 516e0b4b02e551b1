/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The key's canonical order, its hash and its comparison. */
#ifndef METER_KEY_H
#define METER_KEY_H

#include "packet.h"

/* Any order will do as long as both directions agree on it; this one is cheap. */
METER_INLINE __u64 key_is_high_first(const struct flow_key *key)
{
	if (key->low[1] != key->high[1])
		return word_is_above(key->low[1], key->high[1]);
	if (key->low[0] != key->high[0])
		return word_is_above(key->low[0], key->high[0]);
	return key->low_port > key->high_port;
}

/* Where a field of the key's last word but one lies in it as a number. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define KEY_SHIFT(field) ((__builtin_offsetof(struct flow_key, field) & 7) * 8)
#else
#define KEY_SHIFT(field)                                          \
	(64 - ((__builtin_offsetof(struct flow_key, field) & 7) + \
	       sizeof(((struct flow_key *)0)->field)) *           \
		      8)
#endif

/* Ports to their order. The hash reads them and what follows as one word: where the parser wrote
 * that at once, so must whoever changes it, as a processor waits that has to put a word together
 * of what was just written in pieces. */
METER_INLINE void key_swap_ports(struct flow_key *key, __u16 difference)
{
#if METER_SHORT_WAY
	__u64 word;

	__builtin_memcpy(&word, &key->low_port, 8);
	word ^= (__u64)difference << KEY_SHIFT(low_port) | (__u64)difference
								   << KEY_SHIFT(high_port);
	__builtin_memcpy(&key->low_port, &word, 8);
#else
	key->low_port ^= difference;
	key->high_port ^= difference;
#endif
}

/* From (source, destination) to (low, high); the packet remembers which side sent it. Without a
 * branch: directions come in no order that a processor could foresee. */
METER_INLINE void key_order(struct packet *pkt)
{
	struct flow_key *key = &pkt->key;
	__u64 swap = key_is_high_first(key);
	__u64 mask = 0 - swap;
	__u64 word0 = (key->low[0] ^ key->high[0]) & mask;
	__u64 word1 = (key->low[1] ^ key->high[1]) & mask;
	__u16 port = (key->low_port ^ key->high_port) & mask;

	key->low[0] ^= word0;
	key->high[0] ^= word0;
	key->low[1] ^= word1;
	key->high[1] ^= word1;
	key_swap_ports(key, port);
	pkt->side = swap; /* FLOW_FROM_HIGH or FLOW_FROM_LOW */
}

/* The last two words of the key as numbers. */
METER_INLINE void key_words(const struct flow_key *key, __u64 *ret_ports, __u64 *ret_rest)
{
	__builtin_memcpy(ret_ports, &key->low_port, 8);
	__builtin_memcpy(ret_rest, &key->tunnel_id, 8);
}

/* A product hands what differs only upwards, and hosts differ in their last octets, the highest of
 * the word: hosts of one network that talk among themselves by one port would share 256 hashes. */
METER_INLINE __u64 key_spread(__u64 address)
{
	return bpf_be64_to_cpu(address);
}

/* Multilinear: one independent multiplication a word, each by a secret odd number, so that a
 * sender who does not know the seed cannot choose keys that meet; then the high bits, which every
 * input bit reaches, are folded over the low ones. */
METER_INLINE __u64 key_hash(const struct flow_key *key, const volatile __u64 *seed)
{
	__u64 ports;
	__u64 rest;
	__u64 h;

	key_words(key, &ports, &rest);
	h = key_spread(key->low[0]) * seed[0] + key_spread(key->low[1]) * seed[1] +
	    key_spread(key->high[0]) * seed[2] + key_spread(key->high[1]) * seed[3] +
	    ports * seed[4] + rest * seed[5];
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

METER_INLINE bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
	__u64 a_ports;
	__u64 a_rest;
	__u64 b_ports;
	__u64 b_rest;

	key_words(a, &a_ports, &a_rest);
	key_words(b, &b_ports, &b_rest);
	return !((a->low[0] ^ b->low[0]) | (a->low[1] ^ b->low[1]) | (a->high[0] ^ b->high[0]) |
		 (a->high[1] ^ b->high[1]) | (a_ports ^ b_ports) | (a_rest ^ b_rest));
}

#endif
