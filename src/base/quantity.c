/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people write them. A fraction is taken digit by digit out of the unit, so 0.001s is a
 * million nanoseconds and 1.5 of something indivisible is refused. */
#include "base/quantity.h"

#include <string.h>

struct unit {
	const char *suffix;
	guint64 scale;
};

static const struct unit duration_units[] = {
	{ "", 1000000000 },  { "ns", 1 },	   { "us", 1000 },	   { "ms", 1000000 },
	{ "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
	{ NULL, 0 },
};

static const struct unit count_units[] = {
	{ "", 1 }, { "k", 1000 }, { "K", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, { NULL, 0 },
};

static const struct unit number_units[] = {
	{ "", 1 },
	{ NULL, 0 },
};

static const struct unit *const units_of[] = {
	[QUANTITY_NUMBER] = number_units,
	[QUANTITY_COUNT] = count_units,
	[QUANTITY_DURATION] = duration_units,
};

static bool scale_of(const struct unit *units, const char *suffix, guint64 *ret_scale)
{
	for (; units->suffix; units++) {
		if (strcmp(units->suffix, suffix) == 0) {
			*ret_scale = units->scale;
			return true;
		}
	}
	return false;
}

static bool add_digits(const char *digits, size_t count, guint64 scale, guint64 *value)
{
	guint64 whole = 0;

	for (size_t i = 0; i < count; i++) {
		if (!g_uint64_checked_mul(&whole, whole, 10) ||
		    !g_uint64_checked_add(&whole, whole, (guint64)(digits[i] - '0')))
			return false;
	}
	return g_uint64_checked_mul(&whole, whole, scale) &&
	       g_uint64_checked_add(value, *value, whole);
}

static bool add_fraction(const char *digits, size_t count, guint64 scale, guint64 *value)
{
	for (size_t i = 0; i < count; i++) {
		if (digits[i] == '0' && scale % 10 != 0)
			continue;
		if (scale % 10 != 0)
			return false;
		scale /= 10;
		if (!g_uint64_checked_add(value, *value, scale * (guint64)(digits[i] - '0')))
			return false;
	}
	return true;
}

static bool parse_hexadecimal(const char *digits, guint64 *ret_value)
{
	return g_ascii_isxdigit(digits[0]) &&
	       g_ascii_string_to_unsigned(digits, 16, 0, G_MAXUINT64, ret_value, NULL);
}

bool quantity_parse(enum quantity_kind kind, const char *text, guint64 *ret_value)
{
	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	const char *fraction = rest;
	size_t fraction_digits = 0;
	guint64 value = 0;
	guint64 scale;

	if (kind == QUANTITY_NUMBER && g_str_has_prefix(text, "0x"))
		return parse_hexadecimal(text + 2, ret_value);
	if (whole == 0)
		return false;
	if (*rest == '.') {
		fraction = rest + 1;
		fraction_digits = strspn(fraction, "0123456789");
		rest = fraction + fraction_digits;
		if (fraction_digits == 0)
			return false;
	}
	if (!scale_of(units_of[kind], rest, &scale) || !add_digits(text, whole, scale, &value) ||
	    !add_fraction(fraction, fraction_digits, scale, &value))
		return false;
	*ret_value = value;
	return true;
}

char *quantity_format(enum quantity_kind kind, guint64 value)
{
	const struct unit *best = NULL;

	for (const struct unit *unit = units_of[kind]; unit->suffix; unit++) {
		bool named = kind != QUANTITY_DURATION || *unit->suffix;

		if (named && value != 0 && value % unit->scale == 0 &&
		    (!best || unit->scale > best->scale))
			best = unit;
	}
	if (!best)
		return g_strdup("0");
	return g_strdup_printf("%" G_GUINT64_FORMAT "%s", value / best->scale, best->suffix);
}

char *quantity_short(double number)
{
	static const char units[] = { 0, 'k', 'M', 'G', 'T' };
	guint unit = 0;

	while (number >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
		number /= 1000;
		unit++;
	}
	if (unit == 0)
		return g_strdup_printf("%.0f", number);
	return g_strdup_printf("%.*f%c",
			       number < 10    ? 2
			       : number < 100 ? 1
					      : 0,
			       number, units[unit]);
}
