/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow as a whole, told from its two sides. */
#include "flow/flow.h"

#include <stddef.h>
#include <string.h>

size_t flow_size(enum flow_detail detail)
{
	static const size_t size[FLOW_DETAILS] = {
		[FLOW_DETAIL_BASIC] = offsetof(struct flow, tcp),
		[FLOW_DETAIL_TCP] = offsetof(struct flow, shape),
		[FLOW_DETAIL_FULL] = sizeof(struct flow),
	};

	return size[detail];
}

size_t flow_record_size(enum flow_detail detail)
{
	return offsetof(struct flow_record, flow) + flow_size(detail);
}

/* The finaliser of MurmurHash3: every input bit reaches every output bit. */
static guint64 mix(guint64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

void flow_key_words(const struct flow_key *key, guint64 ret_words[FLOW_KEY_WORDS])
{
	const guint64 words[FLOW_KEY_WORDS] = {
		key->low[0],
		key->low[1],
		key->high[0],
		key->high[1],
		(guint64)key->low_port << 48 | (guint64)key->high_port << 32 |
			(guint64)key->vlan << 16 | (guint64)key->proto << 8 | key->version,
		(guint64)key->tunnel_id << 32 | (guint64)key->iface << 16 |
			(guint64)key->tunnel << 8 | key->tos,
	};

	memcpy(ret_words, words, sizeof(words));
}

static guint64 add_word(guint64 h, guint64 word)
{
	return mix(h ^ word) + 0x9e3779b97f4a7c15ULL;
}

static guint64 add_key(const struct flow_key *key)
{
	guint64 words[FLOW_KEY_WORDS];
	guint64 h = 0;

	flow_key_words(key, words);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		h = add_word(h, words[i]);
	return h;
}

guint64 flow_key_id(const struct flow_key *key)
{
	return mix(add_key(key));
}

guint64 flow_id(const struct flow *flow)
{
	/* When the flow was born. */
	return mix(add_word(add_key(&flow->key), flow->side[FLOW_FROM_LOW].whole));
}
