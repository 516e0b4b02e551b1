/* SPDX-License-Identifier: BSD-2-Clause */
/* Driver, queues, receive hash and offloads, by the ethtool ioctl. A driver need not answer. */
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "capture/probe_link.h"

#define SYMMETRIC_TRANSFORMS 3 /* RXH_XFRM_SYM_XOR | RXH_XFRM_SYM_OR_XOR, of newer headers */
#define FEATURES_MAX	     4096

struct device {
	int fd;
	const char *ifname;
};

static bool ask(const struct device *device, void *question)
{
	struct ifreq request = { .ifr_data = question };

	g_strlcpy(request.ifr_name, device->ifname, sizeof(request.ifr_name));
	return ioctl(device->fd, SIOCETHTOOL, &request) == 0;
}

static void ask_driver(const struct device *device, struct probe_link *link)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (ask(device, &info))
		g_strlcpy(link->driver, info.driver, sizeof(link->driver));
}

/* 0: not told. */
static guint ask_queues(const struct device *device)
{
	struct ethtool_rxnfc rings = { .cmd = ETHTOOL_GRXRINGS };
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	if (ask(device, &rings) && rings.data > 0)
		return (guint)rings.data;
	if (ask(device, &channels))
		return channels.rx_count + channels.combined_count;
	return 0;
}

static void ask_fields(const struct device *device, struct rss_config *rss)
{
	static const guint32 flow_types[RSS_KINDS] = {
		[RSS_TCP4] = TCP_V4_FLOW,
		[RSS_UDP4] = UDP_V4_FLOW,
		[RSS_TCP6] = TCP_V6_FLOW,
		[RSS_UDP6] = UDP_V6_FLOW,
	};
	static const struct {
		guint64 bit;
		guint field;
	} bits[] = {
		{ RXH_IP_SRC, RSS_SOURCE },
		{ RXH_IP_DST, RSS_DESTINATION },
		{ RXH_L4_B_0_1, RSS_SOURCE_PORT },
		{ RXH_L4_B_2_3, RSS_DESTINATION_PORT },
	};

	for (int kind = 0; kind < RSS_KINDS; kind++) {
		struct ethtool_rxnfc fields = { .cmd = ETHTOOL_GRXFH,
						.flow_type = flow_types[kind] };

		rss->known_fields[kind] = ask(device, &fields);
		for (size_t i = 0; rss->known_fields[kind] && i < G_N_ELEMENTS(bits); i++) {
			if (fields.data & bits[i].bit)
				rss->fields[kind] |= bits[i].field;
		}
	}
}

static enum rss_function function_of(guint8 hfunc)
{
	/* In the order of the kernel's ETH_RSS_HASH_..._BIT. */
	static const enum rss_function functions[] = { RSS_TOEPLITZ, RSS_XOR, RSS_CRC32 };

	for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
		if (hfunc == 1 << i)
			return functions[i];
	}
	return RSS_FUNCTION_UNKNOWN;
}

static void ask_key(const struct device *device, struct rss_config *rss)
{
	const struct ethtool_rxfh sizes = { .cmd = ETHTOOL_GRSSH };
	g_autofree struct ethtool_rxfh *answer = g_memdup2(&sizes, sizeof(sizes));
	gsize table;

	if (!ask(device, answer))
		return;
	table = answer->indir_size * sizeof(guint32);
	answer = g_realloc(answer, sizeof(*answer) + table + answer->key_size);
	if (!ask(device, answer))
		return;
	rss->function = function_of(answer->hfunc);
	rss->symmetric_xor = answer->rsvd8[0] & SYMMETRIC_TRANSFORMS;
	rss->key_octets = MIN(answer->key_size, (guint)RSS_KEY_MAX);
	memcpy(rss->key, (const guint8 *)answer->rss_config + table, rss->key_octets);
}

static guint feature_count(const struct device *device)
{
	g_autofree struct ethtool_sset_info *info = g_malloc0(sizeof(*info) + sizeof(guint32));

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_FEATURES;
	return ask(device, info) && info->sset_mask ? MIN(info->data[0], FEATURES_MAX) : 0;
}

static guint offload_of(const char *name)
{
	static const struct {
		const char *name;
		guint offload;
	} rows[] = {
		{ "rx-gro", PROBE_GRO },
		{ "rx-gro-hw", PROBE_GRO_HARDWARE },
		{ "rx-lro", PROBE_LRO },
		{ "tx-tcp-segmentation", PROBE_TSO },
		{ "tx-tcp6-segmentation", PROBE_TSO },
		{ "tx-generic-segmentation", PROBE_GSO },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (strncmp(name, rows[i].name, ETH_GSTRING_LEN) == 0)
			return rows[i].offload;
	}
	return 0;
}

static void ask_offloads(const struct device *device, struct probe_link *link)
{
	const guint count = feature_count(device);
	const guint blocks = (count + 31) / 32;
	g_autofree struct ethtool_gstrings *names =
		g_malloc0(sizeof(*names) + (gsize)count * ETH_GSTRING_LEN);
	g_autofree struct ethtool_gfeatures *features =
		g_malloc0(sizeof(*features) + blocks * sizeof(features->features[0]));

	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	if (count == 0 || !ask(device, names) || !ask(device, features))
		return;
	link->offloads_known = true;
	for (guint i = 0; i < count; i++) {
		const char *name = (const char *)names->data + (gsize)i * ETH_GSTRING_LEN;

		if (features->features[i / 32].active >> i % 32 & 1)
			link->offloads |= offload_of(name);
	}
}

void probe_ethtool(int fd, const char *ifname, struct probe_link *link)
{
	const struct device device = { fd, ifname };

	ask_driver(&device, link);
	link->rss.queues = ask_queues(&device);
	ask_fields(&device, &link->rss);
	ask_key(&device, &link->rss);
	ask_offloads(&device, link);
}
