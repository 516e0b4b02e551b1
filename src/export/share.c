/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/share.h"

/* Steele and others: "Fast Splittable Pseudorandom Number Generators", the finishing step. */
static guint64 mix(guint64 x)
{
	x = (x ^ (x >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The key has its ends in canonical order, so both directions are one. */
static guint64 hash_of(const struct flow_key *key)
{
	guint64 words[FLOW_KEY_WORDS];
	guint64 hash = 0;

	flow_key_words(key, words);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		hash = mix(hash ^ words[i]);
	return hash;
}

/* The highest of weights that depend on flow and destination alone: when one is away, no flow of
 * the others moves. */
size_t share_by_hash(const struct flow_key *key, const bool *healthy, size_t count)
{
	const guint64 hash = hash_of(key);
	guint64 best_weight = 0;
	bool best_healthy = false;
	size_t best = 0;

	for (size_t i = 0; i < count; i++) {
		guint64 weight = mix(hash + i + 1);

		if (best_healthy > healthy[i] ||
		    (best_healthy == healthy[i] && i > 0 && weight <= best_weight))
			continue;
		best = i;
		best_healthy = healthy[i];
		best_weight = weight;
	}
	return best;
}

size_t share_by_order(const bool *healthy, size_t count, size_t before)
{
	for (size_t i = 0; i < count; i++) {
		if (healthy[i])
			return i;
	}
	return before;
}
