/* SPDX-License-Identifier: BSD-2-Clause */
/* libfixbuf knows IANA's registry, the field table knows ours. Where both know an element they
 * must agree; a record that a collector reads differently than we meant it is worse than none. */
#include "export/ipfix_model.h"

#include "base/error.h"
#include "export/netflow9_numbers.h"

static const guint8 model_types[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = FB_UINT_8,
	[FIELD_UNSIGNED16] = FB_UINT_16,
	[FIELD_UNSIGNED32] = FB_UINT_32,
	[FIELD_UNSIGNED64] = FB_UINT_64,
	[FIELD_FLOAT64] = FB_FLOAT_64,
	[FIELD_BOOLEAN] = FB_BOOL,
	[FIELD_MAC_ADDRESS] = FB_MAC_ADDR,
	[FIELD_OCTETS_3] = FB_OCTET_ARRAY,
	[FIELD_IPV4_ADDRESS] = FB_IP4_ADDR,
	[FIELD_IPV6_ADDRESS] = FB_IP6_ADDR,
	[FIELD_DATE_TIME_MILLISECONDS] = FB_DT_MILSEC,
	[FIELD_DATE_TIME_MICROSECONDS] = FB_DT_MICROSEC,
	[FIELD_DATE_TIME_NANOSECONDS] = FB_DT_NANOSEC,
	[FIELD_STRING] = FB_STRING,
};

_Static_assert(FIELD_SIZE_VARIABLE == FB_IE_VARLEN, "one word for it");

/* What libfixbuf turns round on the wire. */
static bool has_byte_order(enum field_type type)
{
	switch (type) {
	case FIELD_UNSIGNED8:
	case FIELD_BOOLEAN:
	case FIELD_MAC_ADDRESS:
	case FIELD_OCTETS_3:
	case FIELD_IPV6_ADDRESS:
	case FIELD_STRING:
		return false;
	default:
		return true;
	}
}

/* IANA registry "IPFIX Information Element Units". */
static guint32 units_number(const char *units)
{
	static const char *const names[] = {
		"none",	       "bits",		"octets",	"packets",
		"flows",       "seconds",	"milliseconds", "microseconds",
		"nanoseconds", "4-octet words", "messages",	"hops",
		"entries",     "frames",	"ports",	"inferred",
	};

	for (guint32 i = 0; units != NULL && i < G_N_ELEMENTS(names); i++) {
		if (g_str_equal(units, names[i]))
			return i;
	}
	return 0;
}

static void add_element(fbInfoModel_t *model, const struct field *field, guint32 pen)
{
	/* libfixbuf copies both strings, though its struct does not say const. */
	fbInfoElement_t element = FB_IE_INIT_FULL(
		field->name, pen, field->id, (guint16)field_type_size(field->type), 0, 0, 0,
		model_types[field->type], (char *)(guintptr)field->description);

	element.flags = (guint32)field->semantics << 8 | units_number(field->units) << 16;
	if (has_byte_order(field->type))
		element.flags |= FB_IE_F_ENDIAN;
	if (field->direction == FIELD_OF_SIDE)
		element.flags |= FB_IE_F_REVERSIBLE;
	fbInfoModelAddElement(model, &element);
}

static void add_ntop(fbInfoModel_t *model, const struct netflow9_number *number)
{
	static const guint8 types[] = { [1] = FB_UINT_8, [2] = FB_UINT_16, [4] = FB_UINT_32 };
	const bool is_text = number->unit == UNIT_TEXT || number->unit == UNIT_DEGREES;
	guint16 id = NTOP_ID(number->number);
	fbInfoElement_t element =
		FB_IE_INIT_FULL(number->ntop, NTOP_PEN, id, number->octets, FB_IE_F_ENDIAN, 0, 0,
				is_text ? FB_STRING : types[number->octets], NULL);

	if (is_text)
		element.flags = 0;
	if (number->unit == UNIT_TEXT)
		element.len = FB_IE_VARLEN;
	fbInfoModelAddElement(model, &element);
}

fbInfoModel_t *ipfix_model_new(guint32 pen)
{
	fbInfoModel_t *model = fbInfoModelAlloc();

	for (size_t i = 0; i < fields_count; i++) {
		if (fields[i].own)
			add_element(model, &fields[i], pen);
		else if (fbInfoModelGetElementByID(model, fields[i].id, 0) == NULL)
			add_element(model, &fields[i], 0); /* younger than the library */
	}
	for (size_t i = 0; i < netflow9_numbers_count; i++) {
		if (netflow9_numbers[i].ntop)
			add_ntop(model, &netflow9_numbers[i]);
	}
	return model;
}

static const fbInfoElement_t *find(fbInfoModel_t *model, const struct template_column *column,
				   guint32 pen)
{
	const struct field *field = column->field;

	if (column->ntop)
		return fbInfoModelGetElementByID(model, NTOP_ID(column->ntop->number), NTOP_PEN);
	if (!field->own)
		return fbInfoModelGetElementByID(model, field->id,
						 column->reverse ? FIELD_PEN_REVERSE : 0);
	return fbInfoModelGetElementByID(
		model, column->reverse ? field->id | FIELD_REVERSE_BIT : field->id, pen);
}

/* The registry says nothing (default) of what older copies of it call a quantity. */
static guint32 semantics(guint32 number)
{
	return number == FIELD_QUANTITY ? FIELD_SEMANTICS_DEFAULT : number;
}

/* Of an octetArray the registry does not say how long it is. */
static bool has_length(const fbInfoElement_t *element, enum field_type type)
{
	return element->len == field_type_size(type) ||
	       (element->len == FB_IE_VARLEN && element->type == FB_OCTET_ARRAY);
}

static const char *disagreement(const fbInfoElement_t *element,
				const struct template_column *column)
{
	const struct field *field = column->field;

	if (element == NULL)
		return "the information model does not have it";
	if (column->ntop)
		return NULL; /* made of the same row */
	if (!g_str_equal(element->ref.name, column->name))
		return "the information model calls it otherwise";
	if (element->type != model_types[field->type])
		return "the information model gives it another type";
	if (!has_length(element, field->type))
		return "the information model gives it another length";
	if (semantics(FB_IE_SEMANTIC(element->flags)) != semantics(field->semantics))
		return "the information model gives it other semantics";
	return NULL;
}

const fbInfoElement_t *ipfix_model_element(fbInfoModel_t *model,
					   const struct template_column *column, guint32 pen,
					   GError **error)
{
	const fbInfoElement_t *element = find(model, column, pen);
	const char *wrong = disagreement(element, column);

	if (wrong != NULL) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "cannot export %s as IPFIX: %s; leave it out of the template",
			    column->name, wrong);
		return NULL;
	}
	return element;
}

static guint16 octets_of(const struct template_column *column, const fbInfoElement_t *element)
{
	return column->ntop ? element->len : (guint16)field_type_size(column->field->type);
}

fbTemplate_t *ipfix_model_template(fbInfoModel_t *model, const GArray *columns, guint32 pen,
				   GError **error)
{
	fbTemplate_t *template = fbTemplateAlloc(model);

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);
		const fbInfoElement_t *element = ipfix_model_element(model, column, pen, error);
		fbInfoElementSpec_t spec;
		GError *fixbuf = NULL;

		if (element == NULL) {
			fbTemplateFreeUnused(template);
			return NULL;
		}
		spec = (fbInfoElementSpec_t){ (char *)(guintptr)element->ref.name,
					      octets_of(column, element), 0 };
		if (!fbTemplateAppendSpec(template, &spec, 0, &fixbuf)) {
			ipfix_error(error, fixbuf, "cannot make the IPFIX template");
			fbTemplateFreeUnused(template);
			return NULL;
		}
	}
	return template;
}

void ipfix_error(GError **error, GError *from, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", what,
		    from != NULL ? from->message : "libfixbuf gave no reason");
	g_clear_error(&from);
}
