/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of options record is a row of columns here; what fills it is a list of values in the
 * same order. */
#include "export/ipfix_options.h"

#include <string.h>

#include "export/ipfix_model.h"

#define COLUMNS_MAX	       8
#define RECORD_MAX	       64 /* octets in memory */
/* An interface's texts: together they fit the shortest message there may be. */
#define NAME_MAX_OCTETS	       230
#define DESCRIPTION_MAX_OCTETS 254

/* Numbers of PSAMP's and NetFlow's registries of sampling algorithms. */
#define SELECTOR_SYSTEMATIC 1
#define SELECTOR_UNIFORM    4
#define SAMPLING_SYSTEMATIC 1
#define SAMPLING_RANDOM	    2
#define SELECTOR_ID	    1 /* a run has one */

struct option_column {
	const char *name;
	guint16 length;
};

/* In memory only: what follows must be aligned. */
static const char padding[] = "paddingOctets";

struct option_kind {
	guint16 scopes;
	struct option_column columns[COLUMNS_MAX];
};

/* In the order of their ids. */
enum option_id {
	OPTION_METERING,
	OPTION_IGNORED,
	OPTION_NOT_SENT,
	OPTION_EXPORTER,
	OPTION_KEYS,
	OPTION_INTERFACE,
	OPTION_EVERY_NTH, /* where sampling is on: one of these two */
	OPTION_AT_RANDOM,
	OPTION_SELECTED,
	OPTION_DATABASE,
	OPTION_KINDS,
};

/* An interval of time is told by two times of one element (RFC 7011, section 4.2). */
static const struct option_kind kinds[OPTION_KINDS] = {
	[OPTION_METERING] = { 1,
			      { { "observationDomainId", 4 },
				{ "exportedMessageTotalCount", 8 },
				{ "exportedFlowRecordTotalCount", 8 },
				{ "exportedOctetTotalCount", 8 } } },
	[OPTION_IGNORED] = { 1,
			     { { "observationDomainId", 4 },
			       { "ignoredPacketTotalCount", 8 },
			       { "ignoredOctetTotalCount", 8 },
			       { "observationTimeMilliseconds", 8 },
			       { "observationTimeMilliseconds", 8 } } },
	[OPTION_NOT_SENT] = { 1,
			      { { "exportingProcessId", 4 },
				{ "notSentFlowTotalCount", 8 },
				{ "notSentPacketTotalCount", 8 },
				{ "notSentOctetTotalCount", 8 },
				{ "observationTimeMilliseconds", 8 },
				{ "observationTimeMilliseconds", 8 } } },
	[OPTION_EXPORTER] = { 1,
			      { { "exportingProcessId", 4 },
				{ "observationDomainId", 4 },
				{ "systemInitTimeMilliseconds", 8 } } },
	[OPTION_KEYS] = { 1, { { "templateId", 2 }, { "flowKeyIndicator", 8 } } },
	[OPTION_INTERFACE] = { 1,
			       { { "ingressInterface", 4 },
				 { padding, 4 },
				 { "interfaceName", FB_IE_VARLEN },
				 { "interfaceDescription", FB_IE_VARLEN } } },
	[OPTION_EVERY_NTH] = { 1,
			       { { "selectorId", 8 },
				 { "selectorAlgorithm", 2 },
				 { "samplingPacketInterval", 4 },
				 { "samplingPacketSpace", 4 },
				 { "samplingInterval", 4 },
				 { "samplingAlgorithm", 1 } } },
	[OPTION_AT_RANDOM] = { 1,
			       { { "selectorId", 8 },
				 { "selectorAlgorithm", 2 },
				 { "samplingProbability", 8 },
				 { "samplingInterval", 4 },
				 { "samplingAlgorithm", 1 } } },
	[OPTION_SELECTED] = { 1,
			      { { "selectorId", 8 },
				{ "selectorIdTotalPktsObserved", 8 },
				{ "selectorIdTotalPktsSelected", 8 } } },
	[OPTION_DATABASE] = { 2,
			      { { "observationDomainId", 4 },
				{ padding, 4 },
				{ "geoDatabaseType", FB_IE_VARLEN },
				{ "geoDatabaseBuildTime", 8 } } },
};

/* One column's: a number, a real number as its octets, or a text. */
struct option_value {
	guint64 number;
	struct flow_text text;
};

struct ipfix_options {
	struct encoder_options chosen;
	guint16 first_id;
};

static bool is_wanted(const struct ipfix_options *options, enum option_id kind)
{
	const struct encoder_options *chosen = &options->chosen;

	if (kind == OPTION_EVERY_NTH)
		return chosen->sampling > 1 && !chosen->random_sampling;
	if (kind == OPTION_AT_RANDOM)
		return chosen->sampling > 1 && chosen->random_sampling;
	if (kind == OPTION_SELECTED)
		return chosen->sampling > 1;
	if (kind == OPTION_DATABASE)
		return chosen->record_template->places;
	return true;
}

static guint16 id_of(const struct ipfix_options *options, enum option_id kind)
{
	return (guint16)(options->first_id + kind);
}

static fbTemplate_t *make_template(fbInfoModel_t *model, const struct option_kind *kind,
				   bool internal, GError **fixbuf)
{
	fbTemplate_t *template = fbTemplateAlloc(model);

	for (guint i = 0; i < COLUMNS_MAX && kind->columns[i].name; i++) {
		const struct option_column *column = &kind->columns[i];
		fbInfoElementSpec_t spec = { (char *)(guintptr)column->name, column->length, 0 };

		if (column->name == padding && !internal)
			continue;
		if (!fbTemplateAppendSpec(template, &spec, 0, fixbuf)) {
			fbTemplateFreeUnused(template);
			return NULL;
		}
	}
	fbTemplateSetOptionsScope(template, kind->scopes);
	return template;
}

static bool add_template(fbInfoModel_t *model, fbSession_t *session, guint16 id,
			 const struct option_kind *kind, GError **error)
{
	GError *fixbuf = NULL;

	for (int internal = 0; internal < 2; internal++) {
		fbTemplate_t *template = make_template(model, kind, internal, &fixbuf);

		if (!template ||
		    fbSessionAddTemplate(session, internal, id, template, &fixbuf) != id) {
			ipfix_error(error, fixbuf, "cannot make an IPFIX options template");
			return false;
		}
	}
	return true;
}

struct ipfix_options *ipfix_options_new(fbInfoModel_t *model, fbSession_t *session,
					const struct encoder_options *chosen, guint16 first_id,
					GError **error)
{
	struct ipfix_options *options = g_new0(struct ipfix_options, 1);

	options->chosen = *chosen;
	options->first_id = first_id;
	for (enum option_id kind = 0; kind < OPTION_KINDS; kind++) {
		if (is_wanted(options, kind) &&
		    !add_template(model, session, id_of(options, kind), &kinds[kind], error)) {
			ipfix_options_free(options);
			return NULL;
		}
	}
	return options;
}

void ipfix_options_free(struct ipfix_options *options)
{
	g_free(options);
}

/* In a template: our own have an enterprise number. */
static size_t specifier_length(const struct option_column *column)
{
	const struct field *field = field_by_name(column->name);

	if (column->name == padding)
		return 0;
	return field && field->own ? 8 : 4;
}

bool ipfix_options_send_templates(const struct ipfix_options *options,
				  struct ipfix_message *message, GError **error)
{
	for (enum option_id kind = 0; kind < OPTION_KINDS; kind++) {
		size_t length = 6;

		if (!is_wanted(options, kind))
			continue;
		for (guint i = 0; i < COLUMNS_MAX && kinds[kind].columns[i].name; i++)
			length += specifier_length(&kinds[kind].columns[i]);
		if (!ipfix_message_add_template(message, id_of(options, kind), true, length, error))
			return false;
	}
	return true;
}

/* As the library wants numbers in memory: in the host's order. */
static void put_number(guint8 *to, guint16 length, guint64 number)
{
	const guint32 word = (guint32)number;
	const guint16 half = (guint16)number;

	switch (length) {
	case 1:
		*to = (guint8)number;
		break;
	case 2:
		memcpy(to, &half, sizeof(half));
		break;
	case 4:
		memcpy(to, &word, sizeof(word));
		break;
	default:
		memcpy(to, &number, sizeof(number));
	}
}

static void put_text(guint8 *to, const struct option_value *value)
{
	const fbVarfield_t text = {
		.buf = (guint8 *)(guintptr)value->text.octets,
		.len = value->text.length,
	};

	memcpy(to, &text, sizeof(text));
}

/* A value a column. */
static bool send_record(const struct ipfix_options *options, enum option_id kind,
			const struct option_value values[COLUMNS_MAX],
			struct ipfix_message *message, GError **error)
{
	_Alignas(fbVarfield_t) guint8 octets[RECORD_MAX] = { 0 };
	struct ipfix_record record = { .template_id = id_of(options, kind), .octets = octets };

	for (guint i = 0; i < COLUMNS_MAX && kinds[kind].columns[i].name; i++) {
		const struct option_column *column = &kinds[kind].columns[i];

		if (column->length == FB_IE_VARLEN) {
			put_text(octets + record.size, &values[i]);
			record.size += sizeof(fbVarfield_t);
			record.length += 1 + values[i].text.length;
			continue;
		}
		put_number(octets + record.size, column->length, values[i].number);
		record.size += column->length;
		record.length += column->name == padding ? 0 : column->length;
	}
	return ipfix_message_add_record(message, &record, error);
}

/* --- what does not change --- */

/* DESIGN 4.1: what makes a flow another one. The identifier of ICMP is not exported. */
static bool is_key(const struct template_column *column)
{
	static const guint16 keys[] = { 4, 7, 8, 11, 12, 27, 28, 58, 60 };

	if (column->field->own || column->reverse)
		return false;
	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (column->field->id == keys[i])
			return true;
	}
	return false;
}

/* The element has room for so many columns; keys stand before that. */
static guint64 key_indicator(const GArray *columns)
{
	guint64 bits = 0;

	for (guint i = 0; i < MIN(columns->len, 64); i++) {
		if (is_key(&g_array_index(columns, struct template_column, i)))
			bits |= G_GUINT64_CONSTANT(1) << i;
	}
	return bits;
}

static bool send_keys(const struct ipfix_options *options, struct ipfix_message *message,
		      GError **error)
{
	const struct record_template *layout = options->chosen.record_template;
	const bool used[2] = { layout->ipv4, layout->ipv6 };

	for (guint form = 0; form < 2; form++) {
		const struct option_value values[COLUMNS_MAX] = {
			{ .number = IPFIX_FIRST_DATA_SET + options->chosen.more_id + form },
			{ .number = key_indicator(layout->columns[form]) },
		};

		if (used[form] && !send_record(options, OPTION_KEYS, values, message, error))
			return false;
	}
	return true;
}

static bool send_sampling(const struct ipfix_options *options, struct ipfix_message *message,
			  GError **error)
{
	const guint32 interval = options->chosen.sampling;
	const double probability = 1.0 / interval;
	const struct option_value every_nth[COLUMNS_MAX] = {
		{ .number = SELECTOR_ID }, { .number = SELECTOR_SYSTEMATIC },
		{ .number = 1 },	   { .number = interval - 1 },
		{ .number = interval },	   { .number = SAMPLING_SYSTEMATIC },
	};
	struct option_value at_random[COLUMNS_MAX] = {
		{ .number = SELECTOR_ID }, { .number = SELECTOR_UNIFORM }, { .number = 0 },
		{ .number = interval },	   { .number = SAMPLING_RANDOM },
	};

	memcpy(&at_random[2].number, &probability, sizeof(probability));
	if (is_wanted(options, OPTION_EVERY_NTH))
		return send_record(options, OPTION_EVERY_NTH, every_nth, message, error);
	if (is_wanted(options, OPTION_AT_RANDOM))
		return send_record(options, OPTION_AT_RANDOM, at_random, message, error);
	return true;
}

bool ipfix_options_send_fixed(const struct ipfix_options *options, struct ipfix_message *message,
			      GError **error)
{
	return send_keys(options, message, error) && send_sampling(options, message, error);
}

/* --- what does --- */

static guint64 ms(guint64 ns)
{
	return ns / 1000000;
}

static bool send_interface(const struct ipfix_options *options,
			   const struct flow_interface *interface, struct ipfix_message *message,
			   GError **error)
{
	const struct flow_text *name = &interface->name;
	const struct flow_text *description = &interface->description;
	const size_t name_length = flow_text_fit(name, NAME_MAX_OCTETS);
	const size_t description_length = flow_text_fit(description, DESCRIPTION_MAX_OCTETS);
	const struct option_value values[COLUMNS_MAX] = {
		{ .number = interface->index },
		{ .number = 0 },
		{ .text = { name->octets, name_length } },
		{ .text = { description->octets, description_length } },
	};

	return send_record(options, OPTION_INTERFACE, values, message, error);
}

static bool send_database(const struct ipfix_options *options, const struct flow_database *database,
			  struct ipfix_message *message, GError **error)
{
	const struct option_value values[COLUMNS_MAX] = {
		{ .number = options->chosen.domain },
		{ .number = 0 },
		{ .text = { database->type.octets,
			    flow_text_fit(&database->type, NAME_MAX_OCTETS) } },
		{ .number = ms(database->built_ns) },
	};

	return send_record(options, OPTION_DATABASE, values, message, error);
}

static bool send_statistics(const struct ipfix_options *options, struct ipfix_message *message,
			    const struct export_report *report, guint64 *ret_records,
			    GError **error)
{
	const struct export_statistics *run = report->statistics;
	const struct export_counts *counts = report->counts;
	const struct export_not_sent lost = export_not_sent(counts);
	const guint64 domain = options->chosen.domain;
	const struct {
		enum option_id kind;
		struct option_value values[COLUMNS_MAX];
	} records[] = {
		{ OPTION_EXPORTER,
		  { { .number = run->process },
		    { .number = domain },
		    { .number = ms(run->start_ns) } } },
		{ OPTION_METERING,
		  { { .number = domain },
		    { .number = counts->messages },
		    { .number = counts->records },
		    { .number = counts->message_octets } } },
		{ OPTION_IGNORED,
		  { { .number = domain },
		    { .number = run->ignored_packets },
		    { .number = run->ignored_octets },
		    { .number = ms(run->start_ns) },
		    { .number = ms(run->end_ns) } } },
		{ OPTION_NOT_SENT,
		  { { .number = run->process },
		    { .number = lost.flows },
		    { .number = lost.packets },
		    { .number = lost.octets },
		    { .number = ms(run->start_ns) },
		    { .number = ms(run->end_ns) } } },
		{ OPTION_SELECTED,
		  { { .number = SELECTOR_ID },
		    { .number = run->observed_packets },
		    { .number = run->selected_packets } } },
	};

	for (guint i = 0; i < G_N_ELEMENTS(records); i++) {
		if (!is_wanted(options, records[i].kind))
			continue;
		if (!send_record(options, records[i].kind, records[i].values, message, error))
			return false;
		(*ret_records)++;
	}
	return true;
}

bool ipfix_options_report(const struct ipfix_options *options, struct ipfix_message *message,
			  const struct export_report *report, guint64 *ret_records, GError **error)
{
	const struct export_statistics *run = report->statistics;

	/* First what tells of the messages before this one. */
	if (!send_statistics(options, message, report, ret_records, error))
		return false;
	for (size_t i = 0; i < run->interfaces_count; i++) {
		if (!send_interface(options, run->interfaces[i], message, error))
			return false;
		(*ret_records)++;
	}
	for (size_t i = 0; is_wanted(options, OPTION_DATABASE) && i < run->databases_count; i++) {
		if (!send_database(options, run->databases[i], message, error))
			return false;
		(*ret_records)++;
	}
	return true;
}
