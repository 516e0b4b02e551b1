/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as text, written straight into a buffer that the caller made large enough: this is where
 * the time of the text forms goes, so no format strings, no allocation and no locale. Each returns
 * the end of what it wrote; nothing ends in '\0'. */
#ifndef WEIR_EXPORT_PRINT_H
#define WEIR_EXPORT_PRINT_H

#include "flow/text.h"

/* Room for any one value. */
#define PRINT_MAX 48

/* The text of the day printed last: times come in order, more or less. */
struct print_day {
	guint64 day; /* since 1970; G_MAXUINT64: none yet */
	char text[10];
};
#define PRINT_DAY_INIT          \
	{                       \
		G_MAXUINT64, "" \
	}

char *print_u64(char *to, guint64 value);
/* With leading zeros; higher digits are not printed. */
char *print_digits(char *to, guint64 value, guint digits);
/* The shortest decimal text that reads back as the same number; "null" where there is none. */
char *print_double(char *to, double value);
/* "2026-11-21" of nanoseconds since 1970. */
char *print_date(char *to, guint64 time_ns, struct print_day *day);
/* "07:34:00.123", with 0 to 9 digits of the second, the rest cut off. */
char *print_clock(char *to, guint64 time_ns, guint digits);
char *print_ipv4(char *to, const guint8 octets[4]);
/* As inet_ntop writes it. */
char *print_ipv6(char *to, const guint8 octets[16]);
/* In quotation marks, with what JSON wants escaped; always UTF-8, whatever the text holds. */
#define PRINT_JSON_TEXT_MAX (2 + FLOW_TEXT_MAX * 6)
char *print_json_text(char *to, const struct flow_text *text);
char *print_mac(char *to, const guint8 octets[6]);
/* Two digits an octet (RFC 7373, 4.2). */
char *print_octets(char *to, const guint8 *octets, size_t count);

#endif
