/* SPDX-License-Identifier: BSD-2-Clause */
/* A row a collector; what the rows share. Formats are those that the collectors' own sources read
 * (libfds, goflow2, Logstash's codec netflow, Telegraf, pmacct, vflow, Graylog, Filebeat), each in
 * packs_formats.c. */
#include "export/packs.h"

#include <string.h>

#include "export/packs_formats.h"

/* Logstash and Filebeat read booleans as the octet they are, 1 true and 2 false, and times as the
 * number that the record has. */
static const char *const logstash_types[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = ":uint8",
	[FIELD_UNSIGNED16] = ":uint16",
	[FIELD_UNSIGNED32] = ":uint32",
	[FIELD_UNSIGNED64] = ":uint64",
	[FIELD_FLOAT64] = ":double",
	[FIELD_BOOLEAN] = ":uint8",
	[FIELD_MAC_ADDRESS] = ":mac_addr",
	[FIELD_OCTETS_3] = ":octet_array",
	[FIELD_IPV4_ADDRESS] = ":ip4_addr",
	[FIELD_IPV6_ADDRESS] = ":ip6_addr",
	[FIELD_DATE_TIME_MILLISECONDS] = ":uint64",
	[FIELD_DATE_TIME_MICROSECONDS] = ":uint64",
	[FIELD_DATE_TIME_NANOSECONDS] = ":uint64",
	[FIELD_STRING] = ":string",
};

static const char *const telegraf_types[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = "uint",
	[FIELD_UNSIGNED16] = "uint",
	[FIELD_UNSIGNED32] = "uint",
	[FIELD_UNSIGNED64] = "uint",
	[FIELD_FLOAT64] = "float64",
	[FIELD_BOOLEAN] = "bool",
	[FIELD_MAC_ADDRESS] = "mac",
	[FIELD_OCTETS_3] = "hex",
	[FIELD_IPV4_ADDRESS] = "ip",
	[FIELD_IPV6_ADDRESS] = "ip",
	[FIELD_DATE_TIME_MILLISECONDS] = "uint",
	[FIELD_DATE_TIME_MICROSECONDS] = "uint",
	[FIELD_DATE_TIME_NANOSECONDS] = "uint",
	[FIELD_STRING] = "string",
};

/* goflow2 has numbers and octets: a float64 is shown as its eight octets in hexadecimal. */
static const char *const goflow2_types[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = "varint",
	[FIELD_UNSIGNED16] = "varint",
	[FIELD_UNSIGNED32] = "varint",
	[FIELD_UNSIGNED64] = "varint",
	[FIELD_FLOAT64] = "bytes",
	[FIELD_BOOLEAN] = "varint",
	[FIELD_MAC_ADDRESS] = "varint",
	[FIELD_OCTETS_3] = "bytes",
	[FIELD_IPV4_ADDRESS] = "bytes",
	[FIELD_IPV6_ADDRESS] = "bytes",
	[FIELD_DATE_TIME_MILLISECONDS] = "varint",
	[FIELD_DATE_TIME_MICROSECONDS] = "varint",
	[FIELD_DATE_TIME_NANOSECONDS] = "varint",
	[FIELD_STRING] = "string",
};

/* Length and semantics; pmacct has no floating point: raw is octets in hexadecimal. */
static const char *const pmacct_types[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = "len=1 semantics=u_int",
	[FIELD_UNSIGNED16] = "len=2 semantics=u_int",
	[FIELD_UNSIGNED32] = "len=4 semantics=u_int",
	[FIELD_UNSIGNED64] = "len=8 semantics=u_int",
	[FIELD_FLOAT64] = "len=8 semantics=raw",
	[FIELD_BOOLEAN] = "len=1 semantics=u_int",
	[FIELD_MAC_ADDRESS] = "len=6 semantics=mac",
	[FIELD_OCTETS_3] = "len=3 semantics=raw",
	[FIELD_IPV4_ADDRESS] = "len=4 semantics=ip",
	[FIELD_IPV6_ADDRESS] = "len=16 semantics=ip",
	[FIELD_DATE_TIME_MILLISECONDS] = "len=8 semantics=u_int",
	[FIELD_DATE_TIME_MICROSECONDS] = "len=8 semantics=u_int",
	[FIELD_DATE_TIME_NANOSECONDS] = "len=8 semantics=u_int",
	[FIELD_STRING] = "len=vlen semantics=str",
};

const struct pack packs[] = {
	{
		.collector = "libfixbuf",
		.where = "ipfixDump --element-file FILE, and YAF's other tools",
		.begin = libfixbuf_begin,
	},
	{
		.collector = "ipfixcol2",
		.where =
			"/etc/libfds/user/elements/weir.xml; ipfixcol2 -e names another folder than "
			"/etc/libfds",
		.begin = ipfixcol2_begin,
		.element = ipfixcol2_element,
		.end = ipfixcol2_end,
	},
	{
		.collector = "goflow2",
		.where = "goflow2 -produce sample -mapping FILE",
		.notes =
			"It has no floating point: means and deviations are shown as the eight octets "
			"of a\nfloat64, in hexadecimal.",
		.comment = "# ",
		.types = goflow2_types,
		.reverse = true,
		.iana_reverse = true,
		.begin = goflow2_begin,
		.end = goflow2_end,
	},
	{
		.collector = "logstash",
		.where = "codec => netflow { ipfix_definitions => \"FILE\" }",
		.notes = "It drops every template that has an element it does not know.",
		.comment = "# ",
		.types = logstash_types,
		.reverse = true,
		.begin = list_begin,
		.element = logstash_element,
	},
	{
		.collector = "telegraf",
		.where = "[[inputs.netflow]] private_enterprise_number_files = [\"FILE\"]",
		.notes =
			"It calls the reverse of our elements rev_ and the name by itself. A Telegraf "
			"that does\nnot know the data types float64 and bool can be given hex "
			"instead.",
		.comment = "# ",
		.types = telegraf_types,
		.iana_reverse = true,
		.element = telegraf_element,
	},
	{
		.collector = "pmacct",
		.where = "aggregate_primitives: FILE in nfacctd.conf; then aggregate by the names",
		.notes =
			"nfacctd takes 64 of them at most: those of the reverse direction begin with "
			"a ! here; take it\naway from what you aggregate by, and put it before what "
			"you do not need. It has no floating\npoint: means and deviations are shown "
			"as the eight octets of a float64, in hexadecimal.",
		.comment = "! ",
		.types = pmacct_types,
		.reverse = true,
		.iana_reverse = true,
		.element = pmacct_element,
	},
	{
		.collector = "vflow",
		.where = "append it to the ipfix.elements that vflow came with: "
			 ">>/etc/vflow/ipfix.elements",
		.notes =
			"vflow knows nothing that is not in that file: do not put this in its place.",
		.comment = "# ",
		.reverse = true,
		.iana_reverse = true,
		.begin = list_begin,
		.element = vflow_element,
	},
	{
		.collector = "graylog",
		.where =
			"IPFIX field definitions of the IPFIX input, which takes one such file: send "
			"records of one direction (--uniflow)",
		.reverse = true,
		.begin = graylog_begin,
		.element = graylog_element,
		.end = graylog_end,
	},
	{
		.collector = "filebeat",
		.where = "custom_definitions: [FILE] of an input of type netflow",
		.notes = "Filebeat writes the names with underscores: netflow.tcp_rtt_minimum.",
		.comment = "# ",
		.types = logstash_types,
		.reverse = true,
		.begin = list_begin,
		.element = logstash_element,
	},
};

const size_t packs_count = G_N_ELEMENTS(packs);

static const char *type_of(const struct pack *pack, const struct field *field)
{
	return pack->types ? pack->types[field->type] : field_type_name(field->type);
}

struct walk {
	const struct pack *pack;
	guint32 pen;
	size_t number;
	pack_each *each;
	void *data;
};

static void visit(struct walk *walk, const struct field *field, bool reverse)
{
	g_autofree char *name = reverse ? field_reverse_name(field) : g_strdup(field->name);
	const struct pack_element element = {
		.field = field,
		.reverse = reverse,
		.pen = field->own ? walk->pen : FIELD_PEN_REVERSE,
		.id = field->own && reverse ? field->id | FIELD_REVERSE_BIT : field->id,
		.name = name,
		.type = type_of(walk->pack, field),
		.number = walk->number++,
	};

	walk->each(walk->data, &element);
}

static void visit_all(struct walk *walk, bool own, bool reverse)
{
	for (size_t i = 0; i < fields_count; i++) {
		if (fields[i].own == own && (!reverse || fields[i].direction == FIELD_OF_SIDE))
			visit(walk, &fields[i], reverse);
	}
}

void pack_for_each(const struct pack *pack, guint32 pen, pack_each *each, void *data)
{
	struct walk walk = { .pack = pack, .pen = pen, .each = each, .data = data };

	visit_all(&walk, true, false);
	if (pack->reverse)
		visit_all(&walk, true, true);
	if (pack->iana_reverse)
		visit_all(&walk, false, true);
}

static void write_comment(GString *out, const struct pack *pack, guint32 pen)
{
	g_autofree char *text = g_strdup_printf(
		"SPDX-License-Identifier: BSD-2-Clause\n"
		"The information elements of weir for %s, under enterprise number %u;\n"
		"made by `weir elements --for %s`. Where this file goes:\n"
		"%s\n%s",
		pack->collector, pen, pack->collector, pack->where, pack->notes ? pack->notes : "");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i]; i++) {
		if (*lines[i])
			g_string_append_printf(out, "%s%s\n", pack->comment, lines[i]);
	}
}

struct writing {
	const struct pack *pack;
	GString *out;
	guint32 pen; /* of the element before: a format that sorts by it begins a new list */
};

static void write_element(void *data, const struct pack_element *element)
{
	struct writing *writing = data;

	if (element->number > 0 && element->pen != writing->pen && writing->pack->begin)
		writing->pack->begin(writing->out, writing->pack, element->pen);
	writing->pen = element->pen;
	writing->pack->element(writing->out, element);
}

void pack_write(GString *out, const struct pack *pack, guint32 pen)
{
	struct writing writing = { .pack = pack, .out = out, .pen = pen };

	if (pack->comment)
		write_comment(out, pack, pen);
	if (pack->begin)
		pack->begin(out, pack, pen);
	if (pack->element)
		pack_for_each(pack, pen, write_element, &writing);
	if (pack->end)
		pack->end(out, pack, pen);
}
