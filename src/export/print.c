/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, times and addresses as text, at the speed of a flow record. */
#include "export/print.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"

#define DAY_S	  86400
#define SECOND_NS 1000000000

static const char hex[] = "0123456789abcdef";

/* clang-format off */
#define PAIRS_OF(tens) tens "0" tens "1" tens "2" tens "3" tens "4" tens "5" tens "6" tens "7" tens "8" tens "9"
static const char pairs[] =
	PAIRS_OF("0") PAIRS_OF("1") PAIRS_OF("2") PAIRS_OF("3") PAIRS_OF("4")
	PAIRS_OF("5") PAIRS_OF("6") PAIRS_OF("7") PAIRS_OF("8") PAIRS_OF("9");
/* clang-format on */

static inline guint digits_of(guint64 value)
{
	guint digits = 1;

	for (; value >= 10000; value /= 10000)
		digits += 4;
	return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *print_u64(char *to, guint64 value)
{
	char *end = to + digits_of(value);
	char *at = end;

	while (value >= 100) {
		at -= 2;
		memcpy(at, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(to, pairs + value * 2, 2);
	else
		*to = (char)('0' + value);
	return end;
}

char *print_digits(char *to, guint64 value, guint digits)
{
	guint left = digits;

	for (; left >= 2; value /= 100) {
		left -= 2;
		memcpy(to + left, pairs + value % 100 * 2, 2);
	}
	if (left == 1)
		*to = (char)('0' + value % 10);
	return to + digits;
}

/* Any number, by trial: fewer digits may read back, 17 always do. */
static char *print_double_slow(char *to, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	size_t length;

	for (int digits = 1; digits <= 17; digits++) {
		char format[8];

		g_snprintf(format, sizeof(format), "%%.%dg", digits);
		g_ascii_formatd(text, sizeof(text), format, value);
		if (g_ascii_strtod(text, NULL) == value)
			break;
	}
	length = strlen(text);
	memcpy(to, text, length);
	return to + length;
}

/* Digits of mantissa / 2^shift below the point, as few as tell it from both neighbours (Steele and
 * White). In quarters of the last place, so that half of the narrower gap below a power of two is
 * whole; with shift <= 58 ten times the rest still fits a word. */
static char *print_fraction(char *to, guint64 mantissa, guint shift)
{
	const guint64 one = (guint64)1 << (shift + 2);
	const bool even = !(mantissa & 1); /* a tie rounds to even: the bounds read back too */
	guint64 rest = (mantissa & ((one >> 2) - 1)) << 2;
	guint64 above = 2;
	guint64 below = mantissa == (guint64)1 << 52 ? 1 : 2;

	for (;;) {
		bool low;
		bool high;
		char digit;

		rest *= 10;
		above *= 10;
		below *= 10;
		digit = (char)('0' + (rest >> (shift + 2)));
		rest &= one - 1;
		low = even ? rest <= below : rest < below;
		high = even ? rest + above >= one : rest + above > one;
		if (low && high)
			digit = (char)(digit + (rest >= one / 2));
		else if (high)
			digit++;
		*to++ = digit;
		if (low || high)
			return to;
	}
}

char *print_double(char *to, double value)
{
	guint64 bits;
	guint64 mantissa;
	int shift;

	memcpy(&bits, &value, sizeof(bits));
	if ((bits >> 52 & 0x7ff) == 0x7ff) {
		memcpy(to, "null", 4);
		return to + 4;
	}
	if (bits == 0) {
		*to++ = '0';
		return to;
	}
	mantissa = (bits & (((guint64)1 << 52) - 1)) | (guint64)1 << 52;
	shift = 1075 - (int)(bits >> 52); /* a sign makes it negative */
	if (shift < 0 || shift > 58)
		return print_double_slow(to, value);
	to = print_u64(to, mantissa >> shift);
	if (!(mantissa & (((guint64)1 << shift) - 1)))
		return to;
	*to++ = '.';
	return print_fraction(to, mantissa, (guint)shift);
}

static void set_day(struct print_day *day, guint64 number)
{
	time_t seconds = (time_t)(number * DAY_S);
	struct tm tm;
	char *at;

	gmtime_r(&seconds, &tm);
	at = print_digits(day->text, (guint64)tm.tm_year + 1900, 4);
	*at++ = '-';
	at = print_digits(at, (guint64)tm.tm_mon + 1, 2);
	*at++ = '-';
	print_digits(at, (guint64)tm.tm_mday, 2);
	day->day = number;
}

char *print_date(char *to, guint64 time_ns, struct print_day *day)
{
	guint64 number = time_ns / SECOND_NS / DAY_S;

	if (number != day->day)
		set_day(day, number);
	memcpy(to, day->text, sizeof(day->text));
	return to + sizeof(day->text);
}

char *print_clock(char *to, guint64 time_ns, guint digits)
{
	static const guint32 unit[] = { SECOND_NS, 100000000, 10000000, 1000000, 100000,
					10000,	   1000,      100,	10,	 1 };
	guint32 second = (guint32)(time_ns / SECOND_NS % DAY_S);
	guint32 fraction = (guint32)(time_ns % SECOND_NS) / unit[digits];

	memcpy(to, pairs + second / 3600 * 2, 2);
	to[2] = ':';
	memcpy(to + 3, pairs + second / 60 % 60 * 2, 2);
	to[5] = ':';
	memcpy(to + 6, pairs + second % 60 * 2, 2);
	to += 8;
	if (digits == 0)
		return to;
	*to++ = '.';
	return print_digits(to, fraction, digits);
}

static inline char *print_octet(char *to, guint8 octet)
{
	const char *pair = pairs + (gsize)(octet % 100) * 2;

	if (octet >= 100)
		*to++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*to++ = pair[0];
	*to++ = pair[1];
	return to;
}

char *print_ipv4(char *to, const guint8 octets[4])
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*to++ = '.';
		to = print_octet(to, octets[i]);
	}
	return to;
}

static char *print_group(char *to, guint16 group)
{
	for (int shift = 12; shift >= 0; shift -= 4)
		if (group >> shift || shift == 0)
			*to++ = hex[group >> shift & 0xf];
	return to;
}

struct run {
	int start;
	int length;
};

/* The first of the longest runs of zero groups; one alone is no run. */
static struct run zero_run(const guint16 groups[8])
{
	struct run best = { -1, 1 };
	int start = 0;

	for (int i = 0; i < 8; i++) {
		if (groups[i] != 0)
			start = i + 1;
		else if (i + 1 - start > best.length)
			best = (struct run){ start, i + 1 - start };
	}
	return best;
}

char *print_ipv6(char *to, const guint8 octets[16])
{
	guint16 groups[8];
	struct run run;
	bool ends_in_ipv4;

	for (int i = 0; i < 8; i++)
		groups[i] = load_be16(octets + i * 2);
	run = zero_run(groups);
	/* IPv4-compatible and IPv4-mapped addresses, as the C library sees them. */
	ends_in_ipv4 =
		run.start == 0 && (run.length == 6 || (run.length == 5 && groups[5] == 0xffff));
	for (int i = 0; i < 8; i++) {
		if (i == run.start) {
			*to++ = ':';
			i += run.length - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i > 0)
			*to++ = ':';
		if (i == 6 && ends_in_ipv4)
			return print_ipv4(to, octets + 12);
		to = print_group(to, groups[i]);
	}
	return to;
}

char *print_mac(char *to, const guint8 octets[6])
{
	for (int i = 0; i < 6; i++) {
		if (i > 0)
			*to++ = ':';
		*to++ = hex[octets[i] >> 4];
		*to++ = hex[octets[i] & 0xf];
	}
	return to;
}

char *print_octets(char *to, const guint8 *octets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		*to++ = hex[octets[i] >> 4];
		*to++ = hex[octets[i] & 0xf];
	}
	return to;
}

static char *print_json_control(char *to, guint8 octet)
{
	static const char letters[] = "btnvfr"; /* of 8 to 13; JSON has no \v */

	*to++ = '\\';
	if (octet >= 8 && octet <= 13 && octet != 11) {
		*to++ = letters[octet - 8];
		return to;
	}
	memcpy(to, "u00", 3);
	to[3] = hex[octet >> 4];
	to[4] = hex[octet & 0xf];
	return to + 5;
}

/* A character of more than one octet, or U+FFFD for an octet that belongs to none. */
static char *print_wide(char *to, const char *from, size_t left, size_t *ret_taken)
{
	gunichar character = g_utf8_get_char_validated(from, (gssize)left);

	if (character >= 0x110000) { /* also (gunichar)-1 and -2, what it says of others */
		memcpy(to, "\xef\xbf\xbd", 3);
		*ret_taken = 1;
		return to + 3;
	}
	*ret_taken = (size_t)g_unichar_to_utf8(character, NULL);
	memcpy(to, from, *ret_taken);
	return to + *ret_taken;
}

char *print_json_text(char *to, const struct flow_text *text)
{
	size_t length = MIN(text->length, FLOW_TEXT_MAX);

	*to++ = '"';
	for (size_t i = 0; i < length;) {
		guint8 octet = (guint8)text->octets[i];
		size_t taken = 1;

		if (octet < ' ' || octet == 0x7f) {
			to = print_json_control(to, octet);
		} else if (octet < 0x80) {
			if (octet == '"' || octet == '\\')
				*to++ = '\\';
			*to++ = (char)octet;
		} else {
			to = print_wide(to, text->octets + i, length - i, &taken);
		}
		i += taken;
	}
	*to++ = '"';
	return to;
}
