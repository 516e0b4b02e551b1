/* SPDX-License-Identifier: BSD-2-Clause */
/* One JSON object a line. The template is compiled into a plan at start: the text of each key,
 * ready to copy, and the function that writes its value. Lines gather in a buffer of about 64 KiB.
 */
#include <string.h>

#include "export/encoder.h"
#include "export/print.h"

#define CHUNK	  (64 * 1024)
#define KEY_SHORT 32

typedef char *put_value(char *to, const union field_value *value, struct print_day *day);

struct step {
	const struct template_column *column;
	put_value *put;
	bool of_reverse_time; /* absent where the responder sent nothing */
	size_t key_length;
	char *key; /* ,"name": */
};

struct encoder {
	const struct record_template *record_template;
	encoder_sink *sink;
	void *sink_data;
	struct print_day day;
	struct step *steps[2]; /* like columns of the template */
	guint64 *ret_records;  /* of the call in hand */
	size_t used;
	char *buffer; /* CHUNK and the longest line */
};

static char *put_number(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	return print_u64(to, value->number);
}

static char *put_real(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	return print_double(to, value->real);
}

static char *put_boolean(char *to, const union field_value *value, struct print_day *day)
{
	const char *text = value->number ? "true" : "false";
	size_t length = strlen(text);

	(void)day;
	memcpy(to, text, length);
	return to + length;
}

static char *put_mac(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	*to++ = '"';
	to = print_mac(to, value->octets);
	*to++ = '"';
	return to;
}

static char *put_octets_3(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	*to++ = '"';
	to = print_octets(to, value->octets, 3);
	*to++ = '"';
	return to;
}

static char *put_ipv4(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	*to++ = '"';
	to = print_ipv4(to, value->octets);
	*to++ = '"';
	return to;
}

static char *put_ipv6(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	*to++ = '"';
	to = print_ipv6(to, value->octets);
	*to++ = '"';
	return to;
}

static char *put_time(char *to, guint64 time_ns, guint digits, struct print_day *day)
{
	*to++ = '"';
	to = print_date(to, time_ns, day);
	*to++ = 'T';
	to = print_clock(to, time_ns, digits);
	*to++ = 'Z';
	*to++ = '"';
	return to;
}

static char *put_milliseconds(char *to, const union field_value *value, struct print_day *day)
{
	return put_time(to, value->number, 3, day);
}

static char *put_microseconds(char *to, const union field_value *value, struct print_day *day)
{
	return put_time(to, value->number, 6, day);
}

static char *put_nanoseconds(char *to, const union field_value *value, struct print_day *day)
{
	return put_time(to, value->number, 9, day);
}

static char *put_text(char *to, const union field_value *value, struct print_day *day)
{
	(void)day;
	return print_json_text(to, &value->text);
}

static put_value *const put_by_type[FIELD_TYPES] = {
	[FIELD_UNSIGNED8] = put_number,
	[FIELD_UNSIGNED16] = put_number,
	[FIELD_UNSIGNED32] = put_number,
	[FIELD_UNSIGNED64] = put_number,
	[FIELD_FLOAT64] = put_real,
	[FIELD_BOOLEAN] = put_boolean,
	[FIELD_MAC_ADDRESS] = put_mac,
	[FIELD_OCTETS_3] = put_octets_3,
	[FIELD_IPV4_ADDRESS] = put_ipv4,
	[FIELD_IPV6_ADDRESS] = put_ipv6,
	[FIELD_DATE_TIME_MILLISECONDS] = put_milliseconds,
	[FIELD_DATE_TIME_MICROSECONDS] = put_microseconds,
	[FIELD_DATE_TIME_NANOSECONDS] = put_nanoseconds,
	[FIELD_STRING] = put_text,
};

static size_t longest_value(enum field_type type)
{
	return type == FIELD_STRING ? PRINT_JSON_TEXT_MAX : PRINT_MAX;
}

static bool is_time(const struct field *field)
{
	return field->type >= FIELD_DATE_TIME_MILLISECONDS &&
	       field->type <= FIELD_DATE_TIME_NANOSECONDS;
}

/* Returns the longest line these steps make. */
static size_t compile(const GArray *columns, struct step *steps)
{
	size_t longest = sizeof("{}\n") + KEY_SHORT;

	for (guint i = 0; i < columns->len; i++) {
		const struct template_column *column =
			&g_array_index(columns, struct template_column, i);

		steps[i].column = column;
		steps[i].put = put_by_type[column->field->type];
		steps[i].of_reverse_time = column->reverse && is_time(column->field);
		steps[i].key_length = strlen(column->name) + strlen(",\"\":");
		steps[i].key = g_malloc0(MAX(steps[i].key_length + 1, KEY_SHORT));
		g_snprintf(steps[i].key, steps[i].key_length + 1, ",\"%s\":", column->name);
		longest += steps[i].key_length + longest_value(column->field->type);
	}
	return longest;
}

static void json_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(encoder->steps); i++) {
		for (guint j = 0; j < encoder->record_template->columns[i]->len; j++)
			g_free(encoder->steps[i][j].key);
		g_free(encoder->steps[i]);
	}
	g_free(encoder->buffer);
	g_free(encoder);
}

static struct encoder *json_open(const struct encoder_options *options, encoder_sink *sink,
				 void *sink_data, GError **error)
{
	struct encoder *encoder = g_new0(struct encoder, 1);
	size_t longest = 0;

	(void)error;
	encoder->record_template = options->record_template;
	encoder->sink = sink;
	encoder->sink_data = sink_data;
	encoder->day = (struct print_day)PRINT_DAY_INIT;
	for (size_t i = 0; i < G_N_ELEMENTS(encoder->steps); i++) {
		const GArray *columns = options->record_template->columns[i];
		size_t length;

		encoder->steps[i] = g_new0(struct step, columns->len);
		length = compile(columns, encoder->steps[i]);
		longest = MAX(longest, length);
	}
	encoder->buffer = g_malloc(CHUNK + longest);
	return encoder;
}

static bool json_flush(struct encoder *encoder, GError **error)
{
	size_t length = encoder->used;

	encoder->used = 0;
	return length == 0 ||
	       encoder->sink(encoder->sink_data, (const guint8 *)encoder->buffer, length, error);
}

/* The responder's side has no times where it has no packets; forward is the initiator's. */
static bool responded(const struct flow_view *forward)
{
	enum flow_side_index responder =
		forward->from == FLOW_FROM_LOW ? FLOW_FROM_HIGH : FLOW_FROM_LOW;

	return forward->record->flow.side[responder].packets > 0;
}

/* Most keys are short: octets beyond the end cost less than to copy just as many as there are. */
static inline char *put_key(char *to, const struct step *step)
{
	if (step->key_length <= KEY_SHORT)
		memcpy(to, step->key, KEY_SHORT);
	else
		memcpy(to, step->key, step->key_length);
	return to + step->key_length;
}

static bool put_record(void *data, const GArray *columns, const struct flow_view *forward,
		       GError **error)
{
	struct encoder *encoder = data;
	const struct record_template *form = encoder->record_template;
	const struct step *steps = encoder->steps[columns == form->columns[1]];
	const struct record_views views = record_views_of(forward);
	bool with_reverse_times = responded(forward);
	char *line = encoder->buffer + encoder->used;
	char *at = line;

	for (guint i = 0; i < columns->len; i++) {
		const struct step *step = &steps[i];
		union field_value value;

		if (step->of_reverse_time && !with_reverse_times)
			continue;
		if (!record_column_known(step->column, &views))
			continue;
		at = put_key(at, step);
		record_column_value(step->column, &views, &value);
		at = step->put(at, &value, &encoder->day);
	}
	if (at == line)
		at++;
	*line = '{'; /* in the place of the first comma */
	*at++ = '}';
	*at++ = '\n';
	encoder->used = (size_t)(at - encoder->buffer);
	++*encoder->ret_records;
	return encoder->used < CHUNK || json_flush(encoder, error);
}

static bool json_encode(struct encoder *encoder, const struct flow_batch *batch,
			guint64 *ret_records, GError **error)
{
	bool good = true;

	encoder->ret_records = ret_records;
	for (size_t i = 0; i < batch->count && good; i++) {
		struct flow_view flow = flow_view_of(&batch->records[i], &batch->extras[i]);

		good = record_template_apply(encoder->record_template, &flow, put_record, encoder,
					     error);
	}
	encoder->ret_records = NULL;
	return good;
}

const struct encoder_ops json_encoder = {
	.scheme = "json",
	.transports = "tcp tls",
	.open = json_open,
	.encode = json_encode,
	.flush = json_flush,
	.free = json_free,
};
