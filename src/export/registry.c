/* SPDX-License-Identifier: BSD-2-Clause */
/* Readings of the field table for people and for other programs' configuration. */
#include "export/registry.h"

#include <string.h>

/* As IANA's registry spells them. */
static const char *const semantics_names[] = {
	[FIELD_SEMANTICS_DEFAULT] = "default",	[FIELD_QUANTITY] = "quantity",
	[FIELD_TOTAL_COUNTER] = "totalCounter", [FIELD_DELTA_COUNTER] = "deltaCounter",
	[FIELD_IDENTIFIER] = "identifier",	[FIELD_FLAGS] = "flags",
};

static const char *const detail_names[FLOW_DETAILS] = {
	[FLOW_DETAIL_BASIC] = "basic",
	[FLOW_DETAIL_TCP] = "tcp",
	[FLOW_DETAIL_FULL] = "full",
};

const char *registry_semantics_name(enum field_semantics semantics)
{
	return semantics_names[semantics];
}

const char *registry_detail_name(enum flow_detail detail)
{
	return detail_names[detail];
}

static void write_record(GString *out, const struct field *field, guint32 pen)
{
	g_autofree char *text = g_markup_escape_text(field->description, -1);

	g_string_append(out, "    <record>\n");
	g_string_append_printf(out, "      <name>%s</name>\n", field->name);
	g_string_append_printf(out, "      <dataType>%s</dataType>\n",
			       field_type_name(field->type));
	g_string_append_printf(out, "      <dataTypeSemantics>%s</dataTypeSemantics>\n",
			       semantics_names[field->semantics]);
	g_string_append_printf(out, "      <cert:enterpriseId>%u</cert:enterpriseId>\n", pen);
	g_string_append_printf(out, "      <elementId>%u</elementId>\n", field->id);
	g_string_append_printf(out, "      <cert:reversible>%s</cert:reversible>\n",
			       field->direction == FIELD_OF_SIDE ? "true" : "false");
	g_string_append(out, "      <status>current</status>\n");
	g_string_append_printf(out, "      <description><paragraph>%s</paragraph></description>\n",
			       text);
	if (field->units)
		g_string_append_printf(out, "      <units>%s</units>\n", field->units);
	g_string_append(out, "    </record>\n");
}

void registry_write_xml(GString *out, guint32 pen)
{
	g_string_append_printf(
		out,
		"<?xml version='1.0' encoding='UTF-8'?>\n"
		"<!-- SPDX-License-Identifier: BSD-2-Clause -->\n"
		"<!-- The information elements of weir, under enterprise number %u; made by `weir elements`.\n"
		"     libfixbuf's tools read it: ipfixDump with the option element-file.\n"
		"     The reverse of a reversible element (RFC 5103) has the same enterprise number, the id\n"
		"     with bit %u set (id + %u), and the name with \"reverse\" before it. -->\n"
		"<registry xmlns=\"http://www.iana.org/assignments\" "
		"xmlns:cert=\"http://www.cert.org/ipfix\" id=\"ipfix\">\n"
		"  <title>Information elements of weir</title>\n"
		"  <registry id=\"ipfix-information-elements\">\n"
		"    <title>Information elements of weir</title>\n",
		pen, g_bit_storage(FIELD_REVERSE_BIT) - 1, FIELD_REVERSE_BIT);
	for (size_t i = 0; i < fields_count; i++)
		if (fields[i].own)
			write_record(out, &fields[i], pen);
	g_string_append(out, "  </registry>\n</registry>\n");
}

void registry_write_elements(GString *out, guint32 pen)
{
	g_string_append_printf(out, "%-10s %-27s %-20s %-12s %-12s %-6s %-6s %s\n", "ELEMENT",
			       "NAME", "TYPE", "SEMANTICS", "UNITS", "DETAIL", "OF", "MEANING");
	for (size_t i = 0; i < fields_count; i++) {
		const struct field *field = &fields[i];
		g_autofree char *number = field->own ? g_strdup_printf("%u/%u", pen, field->id)
						     : g_strdup_printf("%u", field->id);

		g_string_append_printf(
			out, "%-10s %-27s %-20s %-12s %-12s %-6s %-6s %s\n", number, field->name,
			field_type_name(field->type), semantics_names[field->semantics],
			field->units ? field->units : "-", detail_names[field->detail],
			field->direction == FIELD_OF_SIDE ? "side" : "flow", field->description);
	}
	g_string_append(out,
			"\nAn element of a side is about the packets that the source sends, and "
			"has a reverse, about those of the\ndestination: reverseOctetDeltaCount "
			"is the octetDeltaCount of the responder.\n");
}

/* The first comment of a shipped template after its licence says what it is for. */
char *registry_template_purpose(const struct template_builtin *builtin)
{
	const char *start = strchr(builtin->text, '\n');
	const char *end = start ? strchr(start + 1, '\n') : NULL;

	if (!end || !g_str_has_prefix(start + 1, "# "))
		return g_strdup("");
	return g_strndup(start + 3, (gsize)(end - start - 3));
}

void registry_write_templates(GString *out)
{
	g_string_append_printf(out, "%-10s %-8s %5s %5s %-6s %s\n", "TEMPLATE", "FLOW", "IPV4",
			       "IPV6", "DETAIL", "MEANING");
	for (const struct template_builtin *builtin = template_builtins; builtin->name; builtin++) {
		g_autofree char *what = registry_template_purpose(builtin);
		g_autoptr(GError) error = NULL;
		struct record_template *form =
			record_template_load(builtin->name, TEMPLATE_AS_WRITTEN, &error);

		if (!form)
			g_error("built-in template: %s", error->message);
		g_string_append_printf(out, "%-10s %-8s %5u %5u %-6s %s\n", builtin->name,
				       form->biflow ? "biflow" : "uniflow", form->columns[0]->len,
				       form->columns[1]->len, detail_names[form->detail], what);
		record_template_free(form);
	}
}

static const struct template_column *column_at(const GArray *columns, guint at)
{
	return at < columns->len ? &g_array_index(columns, struct template_column, at) : NULL;
}

/* The file's order again, from the columns of both IP versions: what both have is the next of
 * both. */
static void write_columns(GString *out, const struct record_template *form)
{
	guint i = 0;
	guint j = 0;

	for (;;) {
		const struct template_column *of_ipv4 = column_at(form->columns[0], i);
		const struct template_column *of_ipv6 = column_at(form->columns[1], j);
		bool shared = of_ipv4 && of_ipv6 && of_ipv4->field == of_ipv6->field;

		if (!of_ipv4 && !of_ipv6)
			return;
		if (of_ipv4 && (shared || !of_ipv6 || of_ipv4->field->version == 4)) {
			g_string_append_printf(out, "%s\n", of_ipv4->name);
			i++;
			j += shared;
		} else {
			g_string_append_printf(out, "%s\n", of_ipv6->name);
			j++;
		}
	}
}

bool registry_write_template(GString *out, const char *name_or_path,
			     enum template_direction direction, GError **error)
{
	struct record_template *form = record_template_load(name_or_path, direction, error);

	if (!form)
		return false;
	for (const struct template_builtin *builtin = template_builtins; builtin->name; builtin++) {
		if (direction == TEMPLATE_AS_WRITTEN && strcmp(builtin->name, name_or_path) == 0) {
			g_string_append(out, builtin->text);
			record_template_free(form);
			return true;
		}
	}
	g_string_append_printf(out, "flow %s\nip %s\n", form->biflow ? "biflow" : "uniflow",
			       form->ipv4 && form->ipv6 ? "both"
			       : form->ipv4		? "4"
							: "6");
	if (form->ntop)
		g_string_append(out, "enterprise ntop\n");
	write_columns(out, form);
	record_template_free(form);
	return true;
}
