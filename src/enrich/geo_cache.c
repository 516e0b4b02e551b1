/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table of prefixes. How long the prefix of an address is, is not known before: the lengths
 * there are, are tried in the order of how often they were right, most often first. As no two
 * prefixes overlap, the first that is found is the only one. */
#include "enrich/geo_cache.h"

#include <string.h>

#define LENGTHS_MAX 129
#define HITS_MAX    (G_MAXUINT32 / 2)

struct entry {
	guint64 high;
	guint64 low;
	gconstpointer value; /* NULL: free */
	guint8 bits;
	guint8 form; /* enum geo_form */
};

struct length {
	guint8 bits;
	guint32 hits;
};

struct lengths {
	guint count;
	struct length lengths[LENGTHS_MAX];
};

struct geo_cache {
	guint64 seed; /* who sends addresses does not choose where they meet */
	guint places;
	struct lengths ipv4;
	struct lengths ipv6;
	struct entry *entries;
};

struct geo_cache *geo_cache_new(guint places)
{
	struct geo_cache *cache = g_new0(struct geo_cache, 1);

	cache->seed = (guint64)g_random_int() << 32 | g_random_int();
	cache->places = places;
	cache->entries = g_new0(struct entry, places);
	return cache;
}

void geo_cache_free(struct geo_cache *cache)
{
	if (!cache)
		return;
	g_free(cache->entries);
	g_free(cache);
}

void geo_cache_clear(struct geo_cache *cache)
{
	memset(cache->entries, 0, cache->places * sizeof(*cache->entries));
	cache->ipv4.count = 0;
	cache->ipv6.count = 0;
}

static inline struct lengths *lengths_of(struct geo_cache *cache, const struct geo_address *address)
{
	return geo_address_is_ipv4(address) ? &cache->ipv4 : &cache->ipv6;
}

static inline struct entry *place_of(const struct geo_cache *cache,
				     const struct geo_address *prefix, guint bits)
{
	guint64 hash = prefix->high ^ cache->seed;

	hash = (hash ^ hash >> 32) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	hash ^= prefix->low + bits;
	hash = (hash ^ hash >> 32) * G_GUINT64_CONSTANT(0xd6e8feb86659fd93);
	return &cache->entries[(hash >> 32) & (cache->places - 1)];
}

static inline bool is_of(const struct entry *entry, const struct geo_address *prefix, guint bits)
{
	return entry->low == prefix->low && entry->high == prefix->high && entry->bits == bits &&
	       entry->form == prefix->form && entry->value;
}

/* One that is right more often than the one before it is tried before it. */
static void count_hit(struct lengths *lengths, guint i)
{
	struct length *hit = &lengths->lengths[i];

	if (++hit->hits > HITS_MAX) {
		for (guint j = 0; j < lengths->count; j++)
			lengths->lengths[j].hits /= 2;
	}
	if (i > 0 && hit->hits > hit[-1].hits) {
		struct length other = hit[-1];

		hit[-1] = *hit;
		*hit = other;
	}
}

struct geo_answer geo_cache_find(struct geo_cache *cache, const struct geo_address *address)
{
	struct lengths *lengths = lengths_of(cache, address);

	for (guint i = 0; i < lengths->count; i++) {
		const guint bits = lengths->lengths[i].bits;
		struct geo_address prefix = *address;
		const struct entry *entry;

		geo_address_cut(&prefix, bits);
		entry = place_of(cache, &prefix, bits);
		if (!is_of(entry, &prefix, bits))
			continue;
		count_hit(lengths, i);
		return (struct geo_answer){ entry->value, bits };
	}
	return (struct geo_answer){ NULL, 0 };
}

static void know_length(struct lengths *lengths, guint bits)
{
	for (guint i = 0; i < lengths->count; i++) {
		if (lengths->lengths[i].bits == bits)
			return;
	}
	lengths->lengths[lengths->count++] = (struct length){ .bits = (guint8)bits };
}

void geo_cache_add(struct geo_cache *cache, const struct geo_address *address,
		   const struct geo_answer *answer)
{
	struct geo_address prefix = *address;
	struct entry *entry;

	geo_address_cut(&prefix, answer->bits);
	entry = place_of(cache, &prefix, answer->bits);
	*entry = (struct entry){ prefix.high, prefix.low, answer->value, (guint8)answer->bits,
				 (guint8)prefix.form };
	know_length(lengths_of(cache, address), answer->bits);
}
