/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/tunnels.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"

#define BIT(kind) (1u << (kind))
/* GRE's header alone says which of these it is. */
#define GRE_KINDS (BIT(TUNNEL_GRE) | BIT(TUNNEL_NVGRE))

static const char *const names[TUNNEL_KINDS] = {
/* clang-format off */
#define TUNNEL(id, number, name, text) [TUNNEL_##id] = (name),
#include "meter/tunnels.def"
#undef TUNNEL
	/* clang-format on */
};

struct port {
	guint8 kind;
	guint16 number;
};

static const struct port usual[] = {
	{ TUNNEL_VXLAN, 4789 },	 { TUNNEL_VXLAN, 8472 }, /* Linux before the standard */
	{ TUNNEL_GENEVE, 6081 }, { TUNNEL_GTPU, 2152 },	 { TUNNEL_VXLAN_GPE, 4790 },
	{ TUNNEL_TEREDO, 3544 }, { TUNNEL_L2TP, 1701 },	 { TUNNEL_MPLS, 6635 },
	{ TUNNEL_TZSP, 37008 },
};

const char *tunnel_name(guint kind)
{
	return kind < TUNNEL_KINDS && names[kind] ? names[kind] : "";
}

static guint kind_by_name(const char *name)
{
	for (guint kind = TUNNEL_NONE + 1; kind < TUNNEL_KINDS; kind++) {
		if (g_str_equal(names[kind], name))
			return kind;
	}
	return TUNNEL_NONE;
}

static bool has_ports(guint kind)
{
	for (guint i = 0; i < G_N_ELEMENTS(usual); i++) {
		if (usual[i].kind == kind)
			return true;
	}
	return false;
}

static bool refuse(GError **error, const char *word, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s: %s", word, what);
	return false;
}

/* The meter rules most ports out by two words: see tunnel_port_unlikely(). */
static bool add_port(struct meter_tunnels *tunnels, guint kind, guint16 number, GError **error)
{
	const guint16 port = htons(number);
	guint i = 0;

	if (!(tunnels->entered & BIT(kind)))
		return true;
	while (i < TUNNEL_PORTS_MAX && tunnels->kinds[i])
		i++;
	if (i == TUNNEL_PORTS_MAX)
		return refuse(error, "--tunnel-ports", "too many: name 32 at most");
	tunnels->kinds[i] = (guint8)kind;
	tunnels->ports[i] = port;
	tunnels->some_port[0] |= G_GUINT64_CONSTANT(1) << (port >> 10);
	tunnels->some_port[1] |= G_GUINT64_CONSTANT(1) << (port & 63);
	return true;
}

static guint kind_of_port(const struct meter_tunnels *tunnels, guint16 number)
{
	for (guint i = 0; i < TUNNEL_PORTS_MAX && tunnels->kinds[i]; i++) {
		if (tunnels->ports[i] == htons(number))
			return tunnels->kinds[i];
	}
	return TUNNEL_NONE;
}

static bool take_port(struct meter_tunnels *tunnels, const char *word, guint32 *named,
		      GError **error)
{
	g_auto(GStrv) parts = g_strsplit(word, ":", 2);
	guint kind = kind_by_name(parts[0]);
	guint64 number;

	if (!kind || !has_ports(kind) || !parts[1])
		return refuse(error, word,
			      "--tunnel-ports wants KIND:PORT, as vxlan:4789, with vxlan, "
			      "vxlan-gpe, geneve, gtpu, teredo, l2tp, mpls or tzsp; or KIND:none");
	*named |= BIT(kind);
	if (g_str_equal(parts[1], "none"))
		return true;
	if (!g_ascii_string_to_unsigned(parts[1], 10, 1, G_MAXUINT16, &number, NULL))
		return refuse(error, word, "a port is a number from 1 to 65535");
	if (kind_of_port(tunnels, (guint16)number))
		return refuse(error, word, "--tunnel-ports names this port twice");
	return add_port(tunnels, kind, (guint16)number, error);
}

static bool take_ports(struct meter_tunnels *tunnels, const char *text, GError **error)
{
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);
	guint32 named = 0;

	for (guint i = 0; words[i]; i++) {
		if (!take_port(tunnels, words[i], &named, error))
			return false;
	}
	for (guint i = 0; i < G_N_ELEMENTS(usual); i++) {
		if (!(named & BIT(usual[i].kind)) &&
		    !add_port(tunnels, usual[i].kind, usual[i].number, error))
			return false;
	}
	return true;
}

static bool take_mirrors(struct meter_tunnels *tunnels, const char *text, GError **error)
{
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);
	const guint32 mirrors = BIT(TUNNEL_ERSPAN) | BIT(TUNNEL_VXLAN) | BIT(TUNNEL_GENEVE) |
				BIT(TUNNEL_TZSP) | BIT(TUNNEL_GRE);

	tunnels->mirrors = BIT(TUNNEL_ERSPAN);
	for (guint i = 0; words[i]; i++) {
		guint kind = kind_by_name(words[i]);

		if (!(mirrors & BIT(kind)))
			return refuse(error, words[i],
				      "--mirror wants erspan, vxlan, geneve, tzsp or gre, with "
				      "commas between");
		tunnels->mirrors |= kind == TUNNEL_GRE ? GRE_KINDS : BIT(kind);
	}
	return true;
}

bool tunnels_parse(const struct tunnel_options *options, struct meter_tunnels *ret_tunnels,
		   GError **error)
{
	struct meter_tunnels tunnels = { 0 };

	if (!take_mirrors(&tunnels, options->mirrors, error))
		return false;
	tunnels.entered = options->view == TUNNEL_VIEW_OUTER ? tunnels.mirrors : ~0u;
	if (!take_ports(&tunnels, options->ports, error))
		return false;
	tunnels.carrier_keys = options->view == TUNNEL_VIEW_BOTH;
	*ret_tunnels = tunnels;
	return true;
}
