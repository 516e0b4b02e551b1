/* SPDX-License-Identifier: BSD-2-Clause */
/* The data section: "Output Data Section" of the MaxMind DB file format specification 2.0. */
#include "enrich/mmdb_value.h"

#include <assert.h>
#include <string.h>

/* Types as the format numbers them; from TYPE_EXTENDED on in an octet of their own. */
enum {
	TYPE_POINTER = 1,
	TYPE_UTF8 = 2,
	TYPE_DOUBLE = 3,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_EXTENDED = 8,
	TYPE_UINT64 = 9,
	TYPE_ARRAY = 11,
	TYPE_BOOLEAN = 14,
};

/* A size that does not fit in five bits goes on in one, two or three octets, counted from here. */
#define SIZE_1	    29
#define SIZE_2	    (SIZE_1 + 256)
#define SIZE_3	    (SIZE_2 + 65536)
#define SIZE_BEYOND (SIZE_3 + (1 << 24))

/* Offsets that do not fit in a pointer of one, two or three octets more; longer ones have four. */
#define POINTER_2 (1 << 11)
#define POINTER_3 (POINTER_2 + (1 << 19))
#define POINTER_4 (POINTER_3 + (1 << 27))

#define NOT_WRITTEN G_MAXUINT32
#define HEAD_MAX    5

struct mmdb_value {
	guint32 number; /* in mmdb_values.all */
	guint32 size;	/* as the control octet tells it */
	guint32 length; /* of payload */
	guint32 least;	/* octets it takes in a file, at the least */
	guint8 type;
	guint8 payload[]; /* octets of the file; of maps and arrays, the numbers of what is in them
			   */
};

struct mmdb_values {
	GHashTable *unique; /* a set */
	GPtrArray *all;
};

struct mmdb_data {
	const struct mmdb_values *values;
	GByteArray *octets;
	GArray *offsets; /* guint32, by the value's number */
};

static guint value_hash(gconstpointer key)
{
	const struct mmdb_value *value = key;
	guint32 hash = 2166136261u ^ value->type ^ value->size << 8;

	for (guint32 i = 0; i < value->length; i++)
		hash = (hash ^ value->payload[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static gboolean value_equal(gconstpointer a, gconstpointer b)
{
	const struct mmdb_value *one = a;
	const struct mmdb_value *other = b;

	return one->type == other->type && one->size == other->size &&
	       one->length == other->length &&
	       memcmp(one->payload, other->payload, one->length) == 0;
}

struct mmdb_values *mmdb_values_new(void)
{
	struct mmdb_values *values = g_new(struct mmdb_values, 1);

	values->unique = g_hash_table_new(value_hash, value_equal);
	values->all = g_ptr_array_new_with_free_func(g_free);
	return values;
}

void mmdb_values_free(struct mmdb_values *values)
{
	if (!values)
		return;
	g_hash_table_destroy(values->unique);
	g_ptr_array_free(values->all, TRUE);
	g_free(values);
}

static bool is_container(const struct mmdb_value *value)
{
	return value->type == TYPE_MAP || value->type == TYPE_ARRAY;
}

/* Control octet, type octet, octets of the size. */
static guint write_head(guint8 *head, guint8 type, guint32 size)
{
	guint length = 1;

	head[0] = type < TYPE_EXTENDED ? (guint8)(type << 5) : 0;
	if (type >= TYPE_EXTENDED)
		head[length++] = (guint8)(type - TYPE_MAP);
	if (size < SIZE_1) {
		head[0] |= (guint8)size;
	} else if (size < SIZE_2) {
		head[0] |= 29;
		head[length++] = (guint8)(size - SIZE_1);
	} else if (size < SIZE_3) {
		head[0] |= 30;
		head[length++] = (guint8)((size - SIZE_2) >> 8);
		head[length++] = (guint8)(size - SIZE_2);
	} else {
		head[0] |= 31;
		head[length++] = (guint8)((size - SIZE_3) >> 16);
		head[length++] = (guint8)((size - SIZE_3) >> 8);
		head[length++] = (guint8)(size - SIZE_3);
	}
	return length;
}

static const struct mmdb_value *at(const struct mmdb_values *values, guint32 number)
{
	return g_ptr_array_index(values->all, number);
}

static guint32 child_at(const struct mmdb_value *value, guint32 index)
{
	guint32 number;

	memcpy(&number, value->payload + index * sizeof(number), sizeof(number));
	return number;
}

static guint32 child_count(const struct mmdb_value *value)
{
	return value->length / sizeof(guint32);
}

/* The shortest pointer has two octets. */
static guint32 least_octets(const struct mmdb_values *values, const struct mmdb_value *value)
{
	guint8 head[HEAD_MAX];
	guint32 octets = write_head(head, value->type, value->size);

	if (!is_container(value))
		return octets + value->length;
	for (guint32 i = 0; i < child_count(value); i++)
		octets += MIN(2, at(values, child_at(value, i))->least);
	return octets;
}

static const struct mmdb_value *unique(struct mmdb_values *values, guint8 type, guint32 size,
				       const void *payload, guint32 length)
{
	struct mmdb_value *value = g_malloc(sizeof(*value) + length);
	struct mmdb_value *known;

	assert(size < SIZE_BEYOND);
	value->type = type;
	value->size = size;
	value->length = length;
	if (length > 0)
		memcpy(value->payload, payload, length);
	known = g_hash_table_lookup(values->unique, value);
	if (known) {
		g_free(value);
		return known;
	}
	value->number = values->all->len;
	value->least = least_octets(values, value);
	g_ptr_array_add(values->all, value);
	g_hash_table_add(values->unique, value);
	return value;
}

const struct mmdb_value *mmdb_utf8(struct mmdb_values *values, const char *text)
{
	g_autofree char *valid =
		g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
	gsize length;

	if (valid)
		text = valid;
	length = strlen(text);
	assert(length < SIZE_BEYOND);
	return unique(values, TYPE_UTF8, (guint32)length, text, (guint32)length);
}

/* Most significant octet first, without leading zeros. */
static const struct mmdb_value *integer(struct mmdb_values *values, guint8 type, guint64 number)
{
	guint64 octets = GUINT64_TO_BE(number);
	guint32 zeros = 0;

	while (zeros < sizeof(number) && number >> (8 * (sizeof(number) - 1 - zeros)) == 0)
		zeros++;
	return unique(values, type, sizeof(number) - zeros, (guint8 *)&octets + zeros,
		      sizeof(number) - zeros);
}

const struct mmdb_value *mmdb_uint16(struct mmdb_values *values, guint16 number)
{
	return integer(values, TYPE_UINT16, number);
}

const struct mmdb_value *mmdb_uint32(struct mmdb_values *values, guint32 number)
{
	return integer(values, TYPE_UINT32, number);
}

const struct mmdb_value *mmdb_uint64(struct mmdb_values *values, guint64 number)
{
	return integer(values, TYPE_UINT64, number);
}

const struct mmdb_value *mmdb_double(struct mmdb_values *values, double number)
{
	guint64 octets;

	memcpy(&octets, &number, sizeof(octets));
	octets = GUINT64_TO_BE(octets);
	return unique(values, TYPE_DOUBLE, sizeof(octets), &octets, sizeof(octets));
}

/* The truth is the size. */
const struct mmdb_value *mmdb_boolean(struct mmdb_values *values, bool truth)
{
	return unique(values, TYPE_BOOLEAN, truth, NULL, 0);
}

static const struct mmdb_value *container(struct mmdb_values *values, guint8 type, guint32 size,
					  const GArray *numbers)
{
	return unique(values, type, size, numbers->data, numbers->len * (guint)sizeof(guint32));
}

const struct mmdb_value *mmdb_map(struct mmdb_values *values, const struct mmdb_pair *pairs,
				  size_t count)
{
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (size_t i = 0; i < count; i++) {
		if (!pairs[i].value)
			continue;
		g_array_append_val(numbers, mmdb_utf8(values, pairs[i].key)->number);
		g_array_append_val(numbers, pairs[i].value->number);
	}
	return container(values, TYPE_MAP, numbers->len / 2, numbers);
}

const struct mmdb_value *mmdb_array(struct mmdb_values *values,
				    const struct mmdb_value *const *elements, size_t count)
{
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (size_t i = 0; i < count; i++)
		g_array_append_val(numbers, elements[i]->number);
	return container(values, TYPE_ARRAY, numbers->len, numbers);
}

struct mmdb_data *mmdb_data_new(const struct mmdb_values *values)
{
	struct mmdb_data *data = g_new(struct mmdb_data, 1);

	data->values = values;
	data->octets = g_byte_array_new();
	data->offsets = g_array_new(FALSE, FALSE, sizeof(guint32));
	return data;
}

void mmdb_data_free(struct mmdb_data *data)
{
	if (!data)
		return;
	g_byte_array_free(data->octets, TRUE);
	g_array_free(data->offsets, TRUE);
	g_free(data);
}

const guint8 *mmdb_data_octets(const struct mmdb_data *data, gsize *ret_length)
{
	*ret_length = data->octets->len;
	return data->octets->data;
}

/* Values may have been made since the data section was begun. */
static guint32 *offset_of(struct mmdb_data *data, const struct mmdb_value *value)
{
	const guint32 none = NOT_WRITTEN;

	while (data->offsets->len < data->values->all->len)
		g_array_append_val(data->offsets, none);
	return &g_array_index(data->offsets, guint32, value->number);
}

static guint write_pointer(guint8 *pointer, guint32 to)
{
	guint more = to < POINTER_2 ? 1 : to < POINTER_3 ? 2 : to < POINTER_4 ? 3 : 4;
	guint32 rest = to < POINTER_2	? to
		       : to < POINTER_3 ? to - POINTER_2
		       : to < POINTER_4 ? to - POINTER_3
					: to;

	pointer[0] = (guint8)(TYPE_POINTER << 5 | (more - 1) << 3);
	if (more < 4)
		pointer[0] |= (guint8)(rest >> (8 * more));
	for (guint i = 0; i < more; i++)
		pointer[1 + i] = (guint8)(rest >> (8 * (more - 1 - i)));
	return 1 + more;
}

static void put_here(struct mmdb_data *data, const struct mmdb_value *value);

static void put_child(struct mmdb_data *data, const struct mmdb_value *value)
{
	guint32 written = *offset_of(data, value);
	guint8 pointer[HEAD_MAX];
	guint length;

	if (written != NOT_WRITTEN) {
		length = write_pointer(pointer, written);
		if (length < value->least) {
			g_byte_array_append(data->octets, pointer, length);
			return;
		}
	}
	put_here(data, value);
}

/* As deep as the caller nested its values: never as the input says. */
static void put_here(struct mmdb_data *data, const struct mmdb_value *value)
{
	guint32 *offset = offset_of(data, value);
	guint8 head[HEAD_MAX];

	if (*offset == NOT_WRITTEN)
		*offset = data->octets->len;
	g_byte_array_append(data->octets, head, write_head(head, value->type, value->size));
	if (!is_container(value)) {
		g_byte_array_append(data->octets, value->payload, value->length);
		return;
	}
	for (guint32 i = 0; i < child_count(value); i++)
		put_child(data, at(data->values, child_at(value, i)));
}

gsize mmdb_data_put(struct mmdb_data *data, const struct mmdb_value *value)
{
	if (*offset_of(data, value) == NOT_WRITTEN)
		put_here(data, value);
	return *offset_of(data, value);
}
