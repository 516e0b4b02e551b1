/* SPDX-License-Identifier: BSD-2-Clause */
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

#include "setup/doctor.h"

/* A page less the headroom of XDP (256), the end of an skb (320) and an Ethernet header with a tag:
 * the longest packet that a driver can hold in one buffer. */
#define XDP_MTU_MAX 3502

#define SYMMETRIC_KEY_OCTETS 40 /* of cards that do not tell; long enough for IPv6 */

typedef void link_check(const char *ifname, const struct probe_link *link,
			struct doctor_finding *finding);

static bool native_xdp(const struct probe_link *link)
{
	return link->xdp == PROBE_XDP_NATIVE || link->xdp == PROBE_XDP_LIKELY;
}

static void check_link(const char *ifname, const struct probe_link *link,
		       struct doctor_finding *finding)
{
	finding->status = DOCTOR_FAIL;
	if (link->ifindex == 0) {
		finding->text = g_strdup("there is no such interface");
		finding->remedy = g_strdup("'ip link' lists them");
	} else if (!(link->flags & IFF_UP)) {
		finding->text = g_strdup("the interface is down");
		finding->remedy = g_strdup_printf("ip link set %s up", ifname);
	} else if (link->hardware != ARPHRD_ETHER && link->hardware != ARPHRD_LOOPBACK) {
		finding->status = DOCTOR_WARN;
		finding->text = g_strdup("is no Ethernet: the hooks in the kernel cannot tell what "
					 "its packets begin with");
		finding->remedy = g_strdup("--hook af_packet");
	} else if (!(link->flags & IFF_RUNNING)) {
		finding->status = DOCTOR_WARN;
		finding->text = g_strdup("is up, but there is no carrier: nothing will come");
		finding->remedy = g_strdup("look at the cable and at the other end");
	} else {
		finding->status = DOCTOR_OK;
		finding->text = g_strdup_printf("is up, driver %s",
						link->driver[0] ? link->driver : "not told");
	}
}

static void check_xdp(const char *ifname, const struct probe_link *link,
		      struct doctor_finding *finding)
{
	static const char *const texts[] = {
		[PROBE_XDP_UNKNOWN] = "neither kernel nor driver tell whether there is native XDP; "
				      "--hook auto tries it and else takes another",
		[PROBE_XDP_GENERIC] = "the driver has no native XDP: --hook auto takes the generic "
				      "one, which costs more a packet",
		[PROBE_XDP_LIKELY] = "native XDP, as far as the driver is known",
		[PROBE_XDP_NATIVE] = "native XDP",
	};

	(void)ifname;
	finding->text = g_strdup(texts[link->xdp]);
	if (!native_xdp(link))
		finding->status = DOCTOR_WARN;
}

static void check_mtu(const char *ifname, const struct probe_link *link,
		      struct doctor_finding *finding)
{
	finding->text = g_strdup_printf("%u octets", link->mtu);
	if (!native_xdp(link) || link->mtu <= XDP_MTU_MAX)
		return;
	finding->status = DOCTOR_WARN;
	g_free(finding->text);
	finding->text = g_strdup_printf("%u octets: above some %d the driver may refuse native XDP",
					link->mtu, XDP_MTU_MAX);
	finding->remedy = g_strdup_printf("ip link set %s mtu %d, or --hook tc", ifname,
					  XDP_MTU_MAX / 100 * 100);
}

static bool is_ours(const struct probe_program *program)
{
	return g_str_has_prefix(program->name, "weir_");
}

static void describe(GString *to, const struct probe_program *program)
{
	g_string_append_printf(to, "%s%s at %s", to->len ? "; " : "",
			       program->name[0] ? program->name : "a program", program->where);
	if (program->id)
		g_string_append_printf(to, " (id %u)", program->id);
}

static void check_programs(const char *ifname, const struct probe_link *link,
			   struct doctor_finding *finding)
{
	GString *text = g_string_new(NULL);
	bool others = false;
	bool xdp = false;

	(void)ifname;
	for (guint i = 0; i < link->programs->len; i++) {
		const struct probe_program *program =
			&g_array_index(link->programs, struct probe_program, i);

		describe(text, program);
		others |= !is_ours(program);
		xdp |= program->xdp && !is_ours(program);
	}
	if (text->len == 0)
		g_string_append(text, "nothing is attached");
	finding->text = g_string_free(text, FALSE);
	if (!others)
		return;
	finding->status = DOCTOR_WARN;
	finding->remedy = g_strdup(xdp ? "weir leaves it there: use --hook tc, or --force to put "
					 "weir in its place"
				       : "what a program before weir drops or redirects is not "
					 "metered at tc; --hook xdp comes first");
}

static char *symmetric_key(guint octets)
{
	GString *key = g_string_new("6d:5a");

	for (guint i = 2; i + 1 < octets; i += 2)
		g_string_append(key, ":6d:5a");
	if (octets % 2)
		g_string_append(key, ":6d");
	return g_string_free(key, FALSE);
}

static char *rss_remedy(const char *ifname, const struct rss_config *rss, enum rss_answer answer,
			enum rss_kind kind)
{
	static const char *const kinds[RSS_KINDS] = { "tcp4", "udp4", "tcp6", "udp6" };
	g_autofree char *key =
		symmetric_key(rss->key_octets ? rss->key_octets : SYMMETRIC_KEY_OCTETS);

	switch (answer) {
	case RSS_ONE_SIDED:
		return g_strdup_printf("ethtool -N %s rx-flow-hash %s %s", ifname, kinds[kind],
				       kind == RSS_UDP4 || kind == RSS_UDP6 ? "sd" : "sdfn");
	case RSS_KEY:
		return g_strdup_printf("ethtool -X %s hkey %s, or where the driver can: "
				       "ethtool -X %s xfrm symmetric-xor",
				       ifname, key, ifname);
	case RSS_FUNCTION:
		return g_strdup_printf("ethtool -X %s hfunc toeplitz hkey %s", ifname, key);
	default:
		return g_strdup_printf("'ethtool -x %s' and 'ethtool -n %s rx-flow-hash %s' show "
				       "what the driver tells",
				       ifname, ifname, kinds[kind]);
	}
}

static void check_queues(const char *ifname, const struct probe_link *link,
			 struct doctor_finding *finding)
{
	static const char *const texts[] = {
		[RSS_SYMMETRIC] = "both directions of a flow come to the same one",
		[RSS_UNKNOWN] = "the driver does not tell which one a flow comes to",
		[RSS_ONE_SIDED] = "a flow's directions come to different ones (one end is hashed)",
		[RSS_KEY] = "a flow's directions come to different ones (by the key of the hash)",
		[RSS_FUNCTION] = "a flow's directions come to different ones (by the kind of hash)",
	};
	enum rss_kind kind = RSS_TCP4;
	enum rss_answer answer = rss_symmetry(&link->rss, &kind);

	if (link->rss.queues <= 1) {
		finding->text = g_strdup(link->rss.queues ? "one queue for all packets"
							  : "the driver tells of no queues");
		return;
	}
	if (answer == RSS_SYMMETRIC) {
		finding->text = g_strdup_printf("%u queues; %s", link->rss.queues, texts[answer]);
		return;
	}
	finding->status = DOCTOR_WARN;
	finding->text = g_strdup_printf("%u queues; %s: weir joins the halves, but running RTT is "
					"then not measured",
					link->rss.queues, texts[answer]);
	finding->remedy = rss_remedy(ifname, &link->rss, answer, kind);
}

static void check_merging(const char *ifname, const struct probe_link *link,
			  struct doctor_finding *finding)
{
	const guint early = link->offloads & (PROBE_LRO | PROBE_GRO_HARDWARE);

	if (!link->offloads_known) {
		finding->status = DOCTOR_WARN;
		finding->text = g_strdup("the driver does not tell whether packets are merged");
	} else if (early) {
		finding->status = DOCTOR_WARN;
		finding->text = g_strdup_printf(
			"%s merges packets before any hook, and each lot counts as one packet "
			"(some drivers stop it for native XDP)",
			early & PROBE_LRO ? "LRO" : "GRO in the card");
		finding->remedy = g_strdup_printf("ethtool -K %s lro off rx-gro-hw off", ifname);
	} else if (link->offloads & PROBE_GRO) {
		finding->status = native_xdp(link) ? DOCTOR_OK : DOCTOR_WARN;
		finding->text = g_strdup("GRO merges packets after native XDP, which counts each, "
					 "and before tc, generic XDP and af_packet, which get "
					 "them as one");
		finding->remedy =
			native_xdp(link) ? NULL : g_strdup_printf("ethtool -K %s gro off", ifname);
	} else {
		finding->text = g_strdup("nothing merges packets that come in");
	}
}

static void check_splitting(const char *ifname, const struct probe_link *link,
			    struct doctor_finding *finding)
{
	if (!(link->offloads & (PROBE_TSO | PROBE_GSO))) {
		finding->text = g_strdup(link->offloads_known
						 ? "packets that go out are not split later"
						 : "the driver does not tell whether packets that "
						   "go out are split later");
		return;
	}
	finding->text = g_strdup_printf("%s splits packets that go out after tc and af_packet, "
					"which get them as one; of no account with --direction in",
					link->offloads & PROBE_TSO ? "TSO" : "GSO");
	finding->remedy = g_strdup_printf(
		"for packets counted one by one, at the cost of CPU: ethtool -K %s tso off gso off",
		ifname);
}

static void check_promiscuous(const char *ifname, const struct probe_link *link,
			      struct doctor_finding *finding)
{
	finding->status = DOCTOR_WARN;
	if (link->wireless) {
		finding->text = g_strdup("a wireless card hears only what is sent to this host");
		finding->remedy = g_strdup("meter at the access point, or on a span port");
	} else if (link->virtual_function) {
		finding->text = g_strdup("a virtual function hears other hosts' packets only where "
					 "its host trusts it");
		finding->remedy = g_strdup("on the host: ip link set DEVICE vf NUMBER trust on");
	} else {
		finding->status = DOCTOR_OK;
		finding->text = g_strdup_printf("nothing is in its way on %s", ifname);
	}
}

void doctor_link(const char *ifname, const struct probe_link *link, GPtrArray *findings)
{
	static const struct {
		const char *name;
		link_check *check;
	} checks[] = {
		{ "link", check_link },
		{ "xdp", check_xdp },
		{ "mtu", check_mtu },
		{ "programs", check_programs },
		{ "queues", check_queues },
		{ "merging", check_merging },
		{ "splitting", check_splitting },
		{ "promiscuous", check_promiscuous },
	};
	/* Of an interface that is not there, there is no more to say. */
	const size_t count = link->ifindex ? G_N_ELEMENTS(checks) : 1;

	for (size_t i = 0; i < count; i++) {
		struct doctor_finding finding = { .check = checks[i].name };

		finding.about = g_strdup(ifname);
		checks[i].check(ifname, link, &finding);
		doctor_say(findings, &finding);
	}
}
