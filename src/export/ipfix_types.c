/* SPDX-License-Identifier: BSD-2-Clause */
/* Own options records instead of libfixbuf's metadata mode: that one wants automatic messages, and
 * it would describe every enterprise element it knows, not only those of the template. */
#include "export/ipfix_types.h"

#include <string.h>

#include "export/ipfix_model.h"

/* The record in memory; the order of its members is that of type_columns. */
struct type_record {
	guint32 pen;
	guint16 id;
	guint16 units;
	guint8 data_type;
	guint8 semantics;
	guint8 padding[6];
	guint64 range_begin;
	guint64 range_end;
	fbVarfield_t name;
	fbVarfield_t description;
};

_Static_assert(sizeof(struct type_record) == 32 + 2 * sizeof(fbVarfield_t), "no padding");

/* Of those members, octets on the wire; the strings are told apart. */
#define TYPE_RECORD_FIXED     26
#define TYPE_TEMPLATE_COLUMNS 9
#define TYPE_TEMPLATE_SCOPES  2

struct ipfix_types {
	guint16 template_id;
	GPtrArray *elements; /* const fbInfoElement_t *, of the model */
};

static bool add_template(fbSession_t *session, fbInfoModel_t *model, bool internal, guint16 id,
			 GError **fixbuf)
{
	fbInfoElementSpec_t specs[] = {
		{ (char *)(guintptr) "privateEnterpriseNumber", 4, 0 },
		{ (char *)(guintptr) "informationElementId", 2, 0 },
		{ (char *)(guintptr) "informationElementUnits", 2, 0 },
		{ (char *)(guintptr) "informationElementDataType", 1, 0 },
		{ (char *)(guintptr) "informationElementSemantics", 1, 0 },
		{ (char *)(guintptr) "paddingOctets", 6, 1 },
		{ (char *)(guintptr) "informationElementRangeBegin", 8, 0 },
		{ (char *)(guintptr) "informationElementRangeEnd", 8, 0 },
		{ (char *)(guintptr) "informationElementName", FB_IE_VARLEN, 0 },
		{ (char *)(guintptr) "informationElementDescription", FB_IE_VARLEN, 0 },
		FB_IESPEC_NULL,
	};
	fbTemplate_t *template = fbTemplateAlloc(model);

	/* The padding has flag 1, so only the internal template gets it. */
	if (!fbTemplateAppendSpecArray(template, specs, internal ? 1 : 0, fixbuf)) {
		fbTemplateFreeUnused(template);
		return false;
	}
	fbTemplateSetOptionsScope(template, TYPE_TEMPLATE_SCOPES);
	return fbSessionAddTemplate(session, internal, id, template, fixbuf) == id;
}

/* Every own element once, though both forms of the record have it. */
static bool add(struct ipfix_types *types, fbInfoModel_t *model,
		const struct template_column *column, guint32 pen, GError **error)
{
	const fbInfoElement_t *element;

	if (!column->field->own)
		return true;
	element = ipfix_model_element(model, column, pen, error);
	if (element == NULL)
		return false;
	if (!g_ptr_array_find(types->elements, element, NULL))
		g_ptr_array_add(types->elements, (gpointer)(guintptr)element);
	return true;
}

static bool collect(struct ipfix_types *types, fbInfoModel_t *model,
		    const struct encoder_options *options, GError **error)
{
	static const char *const in_options[] = { "geoDatabaseType", "geoDatabaseBuildTime" };
	const struct record_template *layout = options->record_template;
	const bool used[2] = { layout->ipv4, layout->ipv6 };

	for (int form = 0; form < 2; form++) {
		const GArray *columns = layout->columns[form];

		for (guint i = 0; used[form] && i < columns->len; i++) {
			if (!add(types, model, &g_array_index(columns, struct template_column, i),
				 options->pen, error))
				return false;
		}
	}
	/* Options tell them (ipfix_options.c), whether records do or not. */
	for (guint i = 0; layout->places && i < G_N_ELEMENTS(in_options); i++) {
		const struct template_column column = { .field = field_by_name(in_options[i]),
							.name = (char *)(guintptr)in_options[i] };

		if (!add(types, model, &column, options->pen, error))
			return false;
	}
	return true;
}

struct ipfix_types *ipfix_types_new(fbInfoModel_t *model, fbSession_t *session,
				    const struct encoder_options *options, guint16 template_id,
				    GError **error)
{
	struct ipfix_types *types = g_new0(struct ipfix_types, 1);
	GError *fixbuf = NULL;

	types->template_id = template_id;
	types->elements = g_ptr_array_new();
	if (!collect(types, model, options, error) || types->elements->len == 0) {
		ipfix_types_free(types);
		return NULL;
	}
	if (!add_template(session, model, true, template_id, &fixbuf) ||
	    !add_template(session, model, false, template_id, &fixbuf)) {
		ipfix_error(error, fixbuf, "cannot make the template of element types");
		ipfix_types_free(types);
		return NULL;
	}
	return types;
}

void ipfix_types_free(struct ipfix_types *types)
{
	if (types == NULL)
		return;
	g_ptr_array_free(types->elements, TRUE);
	g_free(types);
}

/* RFC 7011, section 7: the length takes one octet or three. */
static size_t string_length(const fbVarfield_t *string)
{
	return (string->len < 255 ? 1 : 3) + string->len;
}

static void set_string(fbVarfield_t *string, const char *text)
{
	string->buf = (guint8 *)(guintptr)text;
	string->len = text != NULL ? strlen(text) : 0;
}

static bool send_record(const struct ipfix_types *types, const fbInfoElement_t *element,
			struct ipfix_message *message, GError **error)
{
	struct type_record record = {
		.pen = element->ent,
		.id = element->num,
		.units = (guint16)FB_IE_UNITS(element->flags),
		.data_type = (guint8)element->type,
		.semantics = (guint8)FB_IE_SEMANTIC(element->flags),
	};

	set_string(&record.name, element->ref.name);
	set_string(&record.description, element->description);
	return ipfix_message_add_record(message,
					&(struct ipfix_record){
						.template_id = types->template_id,
						.length = TYPE_RECORD_FIXED +
							  string_length(&record.name) +
							  string_length(&record.description),
						.octets = (guint8 *)&record,
						.size = sizeof(record),
					},
					error);
}

bool ipfix_types_send(const struct ipfix_types *types, struct ipfix_message *message,
		      GError **error)
{
	if (!ipfix_message_add_template(message, types->template_id, true,
					6 + TYPE_TEMPLATE_COLUMNS * 4, error))
		return false;
	for (guint i = 0; i < types->elements->len; i++) {
		if (!send_record(types, g_ptr_array_index(types->elements, i), message, error))
			return false;
	}
	return true;
}
