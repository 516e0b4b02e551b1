/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/netflow9_numbers.h"

#include <string.h>

#define NS_PER_MS 1000000
#define US_PER_MS 1000

enum {
	FORWARD = false,
	REVERSE = true,
};

const struct netflow9_number netflow9_numbers[] = {
#define V9(element, side, number, octets, unit, kind) \
	{ #element, side, number, octets, UNIT_##unit, KIND_##kind, NULL },
#define NTOP(element, side, number, octets, unit, kind, name) \
	{ #element, side, NTOP_FIRST + (number), octets, UNIT_##unit, KIND_##kind, #name },
#define OURS(element, id, octets, unit) \
	{ #element, FORWARD, OURS_FIRST + (id), octets, UNIT_##unit, KIND_ANY, NULL },
#include "export/netflow9_numbers.def"
#undef OURS
#undef NTOP
#undef V9
};

const size_t netflow9_numbers_count = G_N_ELEMENTS(netflow9_numbers);

bool netflow9_number_is_for(const struct netflow9_number *number, const struct field *field,
			    bool reverse, bool biflow)
{
	if (number->reverse != reverse || strcmp(number->element, field->name) != 0)
		return false;
	return number->kind == KIND_ANY || biflow == (number->kind == KIND_BIFLOW);
}

const struct netflow9_number *ntop_number_of(const struct field *field, bool reverse, bool biflow)
{
	for (size_t i = 0; field->own && i < netflow9_numbers_count; i++) {
		const struct netflow9_number *number = &netflow9_numbers[i];

		if (number->ntop && netflow9_number_is_for(number, field, reverse, biflow))
			return number;
	}
	return NULL;
}

guint64 netflow9_unit_value(enum netflow9_unit unit, const union field_value *value,
			    const struct netflow_time *time)
{
	switch (unit) {
	case UNIT_UPTIME:
		return netflow_time_of(time, value->number);
	case UNIT_MILLISECONDS:
		return value->number / NS_PER_MS;
	case UNIT_LOW_OCTET:
		return value->number & G_MAXUINT8;
	case UNIT_US_HALF_AS_MS:
		return value->number / 2 / US_PER_MS;
	case UNIT_REAL_US_AS_MS:
		return (guint64)(value->real / US_PER_MS);
	case UNIT_AS_IT_IS:
	case UNIT_OCTETS:
	case UNIT_TEXT:
	case UNIT_DEGREES:
		break;
	}
	return value->number;
}

void netflow9_degrees(double degrees, bool known, guint8 *to, guint8 octets)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	memset(to, 0, octets);
	/* A fifth digit is a metre. */
	if (known && g_ascii_formatd(text, sizeof(text), "%.5f", degrees))
		memcpy(to, text, MIN(strlen(text), octets));
}

guint64 netflow9_fit(guint64 number, guint8 octets)
{
	if (octets < sizeof(number))
		number = MIN(number, (G_GUINT64_CONSTANT(1) << 8 * octets) - 1);
	return number;
}
