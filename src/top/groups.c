/* SPDX-License-Identifier: BSD-2-Clause */
/* What flows may have in common, and how that is read and written. */
#include <arpa/inet.h>
#include <string.h>

#include "flow/protocol.h"
#include "top/table.h"

#define MAPPED 12 /* where the IPv4 address of an IPv4-mapped one begins */

static const char nothing[] = "(unknown)";

/* --- keys: whatever is no part of one stays 0 --- */

static void key_clear(struct top_key *key)
{
	memset(key, 0, sizeof(*key));
}

static void copy_address(struct top_key *key, int place, const struct top_end *end)
{
	memcpy(key->address[place], end->address, sizeof(end->address));
}

/* Each end's own key; both may be the same one. */
static guint two_ends(struct top_key keys[2], enum top_way ways[2])
{
	ways[0] = TOP_FORTH;
	ways[1] = TOP_BACK;
	return top_key_equal(&keys[0], &keys[1]) ? 1 : 2;
}

static guint host_keys(const struct top_entry *entry, struct top_key keys[2], enum top_way ways[2])
{
	for (int i = 0; i < 2; i++) {
		key_clear(&keys[i]);
		copy_address(&keys[i], 0, &entry->flow.end[i]);
		keys[i].version = entry->flow.version;
	}
	return two_ends(keys, ways);
}

/* Who opened what does not matter: the lower address comes first. */
static guint pair_keys(const struct top_entry *entry, struct top_key keys[2], enum top_way ways[2])
{
	const struct top_end *end = entry->flow.end;
	int low = memcmp(end[0].address, end[1].address, sizeof(end[0].address)) <= 0 ? 0 : 1;

	key_clear(&keys[0]);
	copy_address(&keys[0], 0, &end[low]);
	copy_address(&keys[0], 1, &end[!low]);
	keys[0].version = entry->flow.version;
	ways[0] = low == 0 ? TOP_FORTH : TOP_BACK;
	return 1;
}

static guint flow_keys(const struct top_entry *entry, struct top_key keys[2], enum top_way ways[2])
{
	key_clear(&keys[0]);
	for (int i = 0; i < 2; i++) {
		copy_address(&keys[0], i, &entry->flow.end[i]);
		keys[0].port[i] = entry->flow.end[i].port;
	}
	keys[0].proto = entry->flow.proto;
	keys[0].version = entry->flow.version;
	keys[0].grain = (guint8)entry->grain;
	ways[0] = TOP_FORTH;
	return 1;
}

/* The service: where the flow was opened to. */
static guint port_keys(const struct top_entry *entry, struct top_key keys[2], enum top_way ways[2])
{
	key_clear(&keys[0]);
	keys[0].port[0] = entry->flow.end[TOP_BACK].port;
	keys[0].proto = entry->flow.proto;
	if (entry->grain >= TOP_GRAIN_PAIR)
		keys[0].grain = (guint8)entry->grain;
	ways[0] = TOP_FORTH;
	return 1;
}

static guint protocol_keys(const struct top_entry *entry, struct top_key keys[2],
			   enum top_way ways[2])
{
	key_clear(&keys[0]);
	keys[0].proto = entry->flow.proto;
	ways[0] = TOP_FORTH;
	return 1;
}

static guint country_keys(const struct top_entry *entry, struct top_key keys[2],
			  enum top_way ways[2])
{
	for (int i = 0; i < 2; i++) {
		key_clear(&keys[i]);
		memcpy(keys[i].country, entry->flow.end[i].country, sizeof(keys[i].country));
	}
	return two_ends(keys, ways);
}

static guint system_keys(const struct top_entry *entry, struct top_key keys[2],
			 enum top_way ways[2])
{
	for (int i = 0; i < 2; i++) {
		key_clear(&keys[i]);
		keys[i].as_number = entry->flow.end[i].as_number;
	}
	return two_ends(keys, ways);
}

/* Each direction belongs to the interface where it was seen: a side that sent nothing was seen
 * nowhere. */
static guint interface_keys(const struct top_entry *entry, struct top_key keys[2],
			    enum top_way ways[2])
{
	guint count = 0;

	for (int way = 0; way < 2; way++) {
		if (entry->sums.all.packets[way] == 0)
			continue;
		key_clear(&keys[count]);
		keys[count].name = entry->flow.end[way].interface;
		ways[count++] = (enum top_way)way;
	}
	return count;
}

/* --- labels --- */

static const char *address_text(const struct top_key *key, int place, char text[INET6_ADDRSTRLEN])
{
	const guint8 *octets = key->address[place];

	return key->version == 4 ? inet_ntop(AF_INET, octets + MAPPED, text, INET6_ADDRSTRLEN)
				 : inet_ntop(AF_INET6, octets, text, INET6_ADDRSTRLEN);
}

static char *protocol_text(guint proto)
{
	const char *name = flow_protocol_name(proto);

	return name ? g_strdup(name) : g_strdup_printf("%u", proto);
}

static char *host_label(const struct top_key *key, const char *as_name)
{
	char text[INET6_ADDRSTRLEN];

	(void)as_name;
	return g_strdup(address_text(key, 0, text));
}

static char *pair_label(const struct top_key *key, const char *as_name)
{
	char one[INET6_ADDRSTRLEN];
	char other[INET6_ADDRSTRLEN];

	(void)as_name;
	return g_strdup_printf("%s - %s", address_text(key, 0, one), address_text(key, 1, other));
}

/* port: '*' where the entry does not tell it. */
static char *end_text(const struct top_key *key, int place, bool told)
{
	char text[INET6_ADDRSTRLEN];
	const char *address = address_text(key, place, text);

	if (told && key->port[place] == 0)
		return g_strdup(address);
	if (!told)
		return g_strdup_printf(key->version == 6 ? "[%s]:*" : "%s:*", address);
	return g_strdup_printf(key->version == 6 ? "[%s]:%u" : "%s:%u", address,
			       (guint)key->port[place]);
}

static char *flow_label(const struct top_key *key, const char *as_name)
{
	g_autofree char *from = end_text(key, TOP_FORTH, key->grain == TOP_GRAIN_FLOW);
	g_autofree char *to = end_text(key, TOP_BACK, key->grain <= TOP_GRAIN_SERVICE);
	g_autofree char *protocol = protocol_text(key->proto);

	(void)as_name;
	return g_strdup_printf("%s %s > %s", protocol, from, to);
}

static char *port_label(const struct top_key *key, const char *as_name)
{
	g_autofree char *protocol = protocol_text(key->proto);

	(void)as_name;
	if (key->grain >= TOP_GRAIN_PAIR)
		return g_strdup_printf("%s (several)", protocol);
	if (key->port[0] == 0)
		return g_strdup_printf("%s (no port)", protocol);
	return g_strdup_printf("%s %u", protocol, (guint)key->port[0]);
}

static char *protocol_label(const struct top_key *key, const char *as_name)
{
	(void)as_name;
	return protocol_text(key->proto);
}

static char *country_label(const struct top_key *key, const char *as_name)
{
	(void)as_name;
	return g_strdup(key->country[0] ? key->country : nothing);
}

static char *system_label(const struct top_key *key, const char *as_name)
{
	if (!key->as_number)
		return g_strdup(nothing);
	return g_strdup_printf("AS%u%s%s", key->as_number, as_name ? " " : "",
			       as_name ? as_name : "");
}

static char *interface_label(const struct top_key *key, const char *as_name)
{
	(void)as_name;
	return g_strdup(key->name ? key->name : nothing);
}

/* --- the tables --- */

const struct top_group_row top_groups[TOP_GROUPS] = {
	[TOP_HOSTS] = { "host", "host", "hosts", "HOST", host_keys, host_label, TOP_PAIRS, false },
	[TOP_PAIRS] = { "pair", "conversation", "conversations", "CONVERSATION", pair_keys,
			pair_label, TOP_FLOWS_EACH, false },
	[TOP_FLOWS_EACH] = { "flow", "flow", "flows", "FLOW", flow_keys, flow_label, TOP_FLOWS_EACH,
			     false },
	[TOP_PORTS] = { "port", "port", "ports", "PORT", port_keys, port_label, TOP_HOSTS, false },
	[TOP_PROTOCOLS] = { "protocol", "protocol", "protocols", "PROTOCOL", protocol_keys,
			    protocol_label, TOP_HOSTS, false },
	[TOP_COUNTRIES] = { "country", "country", "countries", "COUNTRY", country_keys,
			    country_label, TOP_HOSTS, false },
	[TOP_SYSTEMS] = { "as", "AS", "autonomous systems", "AUTONOMOUS SYSTEM", system_keys,
			  system_label, TOP_HOSTS, false },
	[TOP_INTERFACES] = { "interface", "interface", "interfaces", "INTERFACE", interface_keys,
			     interface_label, TOP_HOSTS, true },
};

const struct top_sort_row top_sorts[TOP_SORTS] = {
	[TOP_BY_OCTETS] = { "octets", "octets" },
	[TOP_BY_PACKETS] = { "packets", "packets" },
	[TOP_BY_FLOWS] = { "flows", "flows" },
	[TOP_BY_RETRANSMISSIONS] = { "retransmissions", "retransmitted packets" },
	[TOP_BY_RTT] = { "rtt", "round trip" },
	[TOP_BY_RATE] = { "rate", "octets a second" },
};
