/* SPDX-License-Identifier: BSD-2-Clause */
/* How each collector writes an element down. Names are letters and digits, so that no format needs
 * to quote them. */
#include "export/packs_formats.h"

#include "export/registry.h"

/* MAX_CUSTOM_PRIMITIVES of pmacct is 64, but it cannot use the last. */
#define PMACCT_MOST	      63
/* goflow2 puts what it is told into protobuf fields of these numbers: beyond its own, which are
 * below 1000, and beyond those that protobuf keeps for itself. */
#define GOFLOW2_INDEX	      20000
#define GOFLOW2_INDEX_REVERSE 60000

void libfixbuf_begin(GString *out, G_GNUC_UNUSED const struct pack *pack, guint32 pen)
{
	registry_write_xml(out, pen);
}

/* Mode individual: an element of the flow has no reverse, which mode split would give it. */
void ipfixcol2_begin(GString *out, const struct pack *pack, guint32 pen)
{
	g_string_append_printf(
		out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
		"<!-- SPDX-License-Identifier: BSD-2-Clause\n"
		"     The information elements of weir for ipfixcol2, under enterprise number %u;\n"
		"     made by `weir elements`. Where this file goes:\n"
		"     %s -->\n"
		"<ipfix-elements>\n"
		"  <scope>\n"
		"    <pen>%u</pen>\n"
		"    <name>weir</name>\n"
		"    <biflow mode=\"individual\"/>\n"
		"  </scope>\n",
		pen, pack->where, pen);
}

void ipfixcol2_element(GString *out, const struct pack_element *element)
{
	const struct field *field = element->field;

	g_string_append_printf(out,
			       "  <element>\n"
			       "    <id>%u</id>\n"
			       "    <name>%s</name>\n"
			       "    <dataType>%s</dataType>\n"
			       "    <dataSemantics>%s</dataSemantics>\n",
			       element->id, element->name, element->type,
			       registry_semantics_name(field->semantics));
	if (field->units)
		g_string_append_printf(out, "    <units>%s</units>\n", field->units);
	g_string_append(out, "    <status>current</status>\n");
	if (field->direction == FIELD_OF_SIDE)
		g_string_append_printf(out, "    <biflowId>%u</biflowId>\n",
				       element->id | FIELD_REVERSE_BIT);
	g_string_append(out, "  </element>\n");
}

void ipfixcol2_end(GString *out, G_GNUC_UNUSED const struct pack *pack, G_GNUC_UNUSED guint32 pen)
{
	g_string_append(out, "</ipfix-elements>\n");
}

static void goflow2_field(void *data, const struct pack_element *element)
{
	g_string_append_printf(data, "    - %s\n", element->name);
}

static void goflow2_protobuf(void *data, const struct pack_element *element)
{
	bool iana = !element->field->own;

	g_string_append_printf(data,
			       "    - name: %s\n"
			       "      index: %u\n"
			       "      type: %s\n",
			       element->name,
			       (iana ? GOFLOW2_INDEX_REVERSE : GOFLOW2_INDEX) + element->id,
			       element->type);
}

static void goflow2_render(void *data, const struct pack_element *element)
{
	if (element->field->type == FIELD_MAC_ADDRESS)
		g_string_append_printf(data, "    %s: mac\n", element->name);
}

static void goflow2_mapping(void *data, const struct pack_element *element)
{
	g_string_append_printf(data,
			       "    - field: %u\n"
			       "      penprovided: true\n"
			       "      pen: %u\n"
			       "      destination: %s\n",
			       element->id, element->pen, element->name);
}

/* goflow2 shows the fields that are listed, and all of its own only where none is. */
void goflow2_begin(GString *out, const struct pack *pack, guint32 pen)
{
	static const char *const own[] = {
		"type",
		"time_received_ns",
		"sequence_num",
		"sampling_rate",
		"sampler_address",
		"time_flow_start_ns",
		"time_flow_end_ns",
		"bytes",
		"packets",
		"src_addr",
		"dst_addr",
		"etype",
		"proto",
		"src_port",
		"dst_port",
		"in_if",
		"out_if",
		"tcp_flags",
	};

	g_string_append(out, "formatter:\n  fields:\n");
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
		g_string_append_printf(out, "    - %s\n", own[i]);
	pack_for_each(pack, pen, goflow2_field, out);
	g_string_append(out, "  key:\n    - sampler_address\n  protobuf:\n");
	pack_for_each(pack, pen, goflow2_protobuf, out);
	g_string_append(out, "  render:\n    time_received_ns: datetimenano\n");
	pack_for_each(pack, pen, goflow2_render, out);
}

void goflow2_end(GString *out, const struct pack *pack, guint32 pen)
{
	g_string_append(out, "ipfix:\n  mapping:\n");
	pack_for_each(pack, pen, goflow2_mapping, out);
}

void list_begin(GString *out, G_GNUC_UNUSED const struct pack *pack, guint32 pen)
{
	g_string_append_printf(out, "%u:\n", pen);
}

void logstash_element(GString *out, const struct pack_element *element)
{
	g_string_append_printf(out, "  %u:\n  - %s\n  - :%s\n", element->id, element->type,
			       element->name);
}

void vflow_element(GString *out, const struct pack_element *element)
{
	g_string_append_printf(out, "  %u:\n  - %s\n  - %s\n", element->id, element->name,
			       element->type);
}

/* The prefix is what Telegraf itself gives to elements with the reverse bit, which IANA's lack. */
void telegraf_element(GString *out, const struct pack_element *element)
{
	g_string_append_printf(out, "%u.%u,%s%s,%s\n", element->pen, element->id,
			       element->reverse ? "rev_" : "", element->field->name, element->type);
}

void pmacct_element(GString *out, const struct pack_element *element)
{
	bool left_out = element->reverse || element->number >= PMACCT_MOST;

	g_string_append_printf(out, "%sname=%s field_type=%u:%u %s\n", left_out ? "! " : "",
			       element->name, element->pen, element->id, element->type);
}

void graylog_begin(GString *out, G_GNUC_UNUSED const struct pack *pack, guint32 pen)
{
	g_string_append_printf(
		out, "{\n  \"enterprise_number\": %u,\n  \"information_elements\": [", pen);
}

void graylog_element(GString *out, const struct pack_element *element)
{
	g_string_append_printf(out,
			       "%s\n    { \"element_id\": %u, \"name\": \"%s\", \"data_type\": "
			       "\"%s\" }",
			       element->number > 0 ? "," : "", element->id, element->name,
			       element->type);
}

void graylog_end(GString *out, G_GNUC_UNUSED const struct pack *pack, G_GNUC_UNUSED guint32 pen)
{
	g_string_append(out, "\n  ]\n}\n");
}
