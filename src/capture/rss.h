/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive side scaling: whether a network card gives both directions of a flow to one queue. */
#ifndef WEIR_CAPTURE_RSS_H
#define WEIR_CAPTURE_RSS_H

#include <glib.h>
#include <stdbool.h>

#define RSS_KEY_MAX 256

/* Of a hash: what it is over. */
enum rss_field {
	RSS_SOURCE = 1 << 0,
	RSS_DESTINATION = 1 << 1,
	RSS_SOURCE_PORT = 1 << 2,
	RSS_DESTINATION_PORT = 1 << 3,
};

enum rss_function {
	RSS_FUNCTION_UNKNOWN,
	RSS_TOEPLITZ,
	RSS_XOR,
	RSS_CRC32,
};

/* Kinds of packets whose hashed fields are set apart. */
enum rss_kind {
	RSS_TCP4,
	RSS_UDP4,
	RSS_TCP6,
	RSS_UDP6,
	RSS_KINDS,
};

struct rss_config {
	guint queues;
	enum rss_function function;
	bool known_fields[RSS_KINDS];
	guint fields[RSS_KINDS]; /* enum rss_field */
	bool symmetric_xor;	 /* the card makes the fields symmetric before it hashes them */
	guint key_octets;	 /* 0: not known */
	guint8 key[RSS_KEY_MAX];
};

enum rss_answer {
	RSS_SYMMETRIC,
	RSS_UNKNOWN,   /* the driver does not say enough */
	RSS_ONE_SIDED, /* some kind is hashed over one end only: see ret_kind */
	RSS_KEY,       /* Toeplitz with a key that tells the directions apart */
	RSS_FUNCTION,  /* a function that tells the directions apart */
};

/* ret_kind: the first kind of packets for which the answer holds, where it is not RSS_SYMMETRIC. */
enum rss_answer rss_symmetry(const struct rss_config *config, enum rss_kind *ret_kind);

/* Whether a Toeplitz hash over these fields (both ends' or neither's) is the same when source and
 * destination change places, for all packets. address_bits: 32 or 128. */
bool rss_key_symmetric(const guint8 *key, guint key_octets, guint address_bits, guint fields);

#endif
