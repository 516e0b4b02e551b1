/* SPDX-License-Identifier: BSD-2-Clause */
/* Values in few columns, as a person reads them. */
#include "export/cell.h"

#include "flow/flow.h"
#include "flow/protocol.h"

void cell_protocol(struct cell *cell, guint64 protocol)
{
	const char *name = flow_protocol_name(protocol);

	if (name)
		cell_string(cell, name);
	else
		cell_number(cell, protocol);
}

void cell_duration(struct cell *cell, guint64 duration_ns)
{
	static const struct {
		guint64 below_ns;
		guint64 unit_ns;
		guint64 part_ns; /* what the digits after it count; 0: there are none */
		guint digits;
		const char *mark; /* between the two */
		const char *tail;
	} forms[] = {
		{ 1000000, 1000, 0, 0, "us", "" },
		{ 100000000, 1000000, 100000, 1, ".", "ms" },
		{ 1000000000, 1000000, 0, 0, "ms", "" },
		{ 10000000000, 1000000000, 1000000, 3, ".", "s" },
		{ 100000000000, 1000000000, 10000000, 2, ".", "s" },
		{ 1000000000000, 1000000000, 100000000, 1, ".", "s" },
		{ 6000000000000, 60000000000, 1000000000, 2, "m", "s" },
		{ 360000000000000, 3600000000000, 60000000000, 2, "h", "m" },
		{ G_MAXUINT64, 86400000000000, 3600000000000, 2, "d", "h" },
	};
	size_t i = 0;

	while (duration_ns >= forms[i].below_ns && i + 1 < G_N_ELEMENTS(forms))
		i++;
	cell_number(cell, duration_ns / forms[i].unit_ns);
	cell_string(cell, forms[i].mark);
	if (forms[i].part_ns)
		cell_digits(cell, duration_ns % forms[i].unit_ns / forms[i].part_ns,
			    forms[i].digits);
	cell_string(cell, forms[i].tail);
}

void cell_amount(struct cell *cell, guint64 amount)
{
	static const char units[] = "kMGTPE";
	guint64 unit = 1000;
	size_t i = 0;

	if (amount < 10000) {
		cell_number(cell, amount);
		return;
	}
	for (; amount / unit >= 1000; i++)
		unit *= 1000;
	cell_number(cell, amount / unit);
	if (amount / unit < 10) {
		cell_char(cell, '.');
		cell_number(cell, amount % unit / (unit / 10));
	}
	cell_char(cell, units[i]);
}

void cell_end(struct cell *cell, bool ipv6, const guint8 *address, guint64 port)
{
	char *at = cell->text + cell->length;

	if (ipv6 && port)
		*at++ = '[';
	at = ipv6 ? print_ipv6(at, address) : print_ipv4(at, address);
	if (ipv6 && port)
		*at++ = ']';
	if (port) {
		*at++ = ':';
		at = print_u64(at, port);
	}
	cell->length = (size_t)(at - cell->text);
}

const char *cell_end_word(guint64 reason)
{
	static const char *const words[] = {
		[FLOW_END_NONE] = "-",	      [FLOW_END_IDLE] = "idle",
		[FLOW_END_ACTIVE] = "active", [FLOW_END_DETECTED] = "end",
		[FLOW_END_FORCED] = "forced", [FLOW_END_RESOURCES] = "no room",
	};

	return reason < G_N_ELEMENTS(words) ? words[reason] : "-";
}

void cell_put_blanks(GString *out, size_t used, size_t width)
{
	for (; used < width; used++)
		g_string_append_c(out, ' ');
}

void cell_put_left(GString *out, const struct cell *cell, size_t width)
{
	g_string_append_len(out, cell->text, (gssize)cell->length);
	cell_put_blanks(out, cell->length, width);
	g_string_append_c(out, ' ');
}

void cell_put_right(GString *out, const struct cell *cell, size_t width)
{
	cell_put_blanks(out, cell->length, width);
	g_string_append_len(out, cell->text, (gssize)cell->length);
	g_string_append_c(out, ' ');
}
