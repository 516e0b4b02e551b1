/* SPDX-License-Identifier: BSD-2-Clause */
/* The account above, flows below, newest first. A flow takes one line where both of its ends fit
 * into it, else two: nobody can look up half an address. */
#include "setup/live_frame.h"

#include <string.h>

#include "base/quantity.h"
#include "export/cell.h"

#define WIDE	    120 /* columns from which both directions are told apart */
#define FLOWS_LEAST 5	/* rows the account leaves to the flows */

enum width {
	WIDTH_CLOCK = 8,
	WIDTH_END = 7,
	WIDTH_ARROW = 3,
	WIDTH_ENDS_LEAST = 12,
};

/* Rows are written from the top. */
struct page {
	GString *out;
	guint rows;
	guint columns;
	guint row; /* rows written */
};

static guint16 port_of(const struct flow_key *key, guint16 port_be)
{
	/* There ICMP keeps its identifier. */
	return key->proto == 1 || key->proto == 58 ? 0 : GUINT16_FROM_BE(port_be);
}

struct live_flow live_flow_of(const struct flow_record *record)
{
	const struct flow *flow = &record->flow;
	const struct flow_key *key = &flow->key;
	const enum flow_side_index first = flow_initiator(flow);
	const bool low_first = first == FLOW_FROM_LOW;
	struct live_flow line = {
		.first_ns = flow_first_ns(flow),
		.last_ns = flow_last_ns(flow),
		.port = { port_of(key, low_first ? key->low_port : key->high_port),
			  port_of(key, low_first ? key->high_port : key->low_port) },
		.proto = key->proto,
		.version = key->version,
		.end = (guint8)record->end,
	};

	memcpy(line.address[0], low_first ? key->low : key->high, 16);
	memcpy(line.address[1], low_first ? key->high : key->low, 16);
	for (int i = 0; i < 2; i++) {
		const struct flow_side *side = &flow->side[i == 0 ? first : !first];

		line.packets[i] = side->packets;
		line.octets[i] = side->octets;
	}
	return line;
}

static void put_row(struct page *page, const char *text, bool bold)
{
	guint column = 0;

	if (page->row == page->rows)
		return;
	g_string_append_printf(page->out, "\033[%u;1H%s", ++page->row, bold ? "\033[1m" : "");
	for (; *text && column < page->columns; text++, column++)
		g_string_append_c(page->out, g_ascii_isprint(*text) ? *text : '?');
	if (bold)
		g_string_append(page->out, "\033[0m");
	if (column < page->columns)
		g_string_append(page->out, "\033[K");
}

static guint rows_left(const struct page *page)
{
	return page->rows - page->row;
}

static void put_title(struct page *page, const struct live_frame *frame)
{
	guint64 seconds = (guint64)frame->run_us / G_USEC_PER_SEC;
	g_autofree char *packets = quantity_short(MAX(frame->packets_s, 0));
	g_autofree char *bits = quantity_short(MAX(frame->bits_s, 0));
	g_autofree char *title = g_strdup_printf(
		"weir run %s  %" G_GUINT64_FORMAT ":%02u:%02u  %s packets/s  %s bits/s",
		frame->title, seconds / 3600, (guint)(seconds / 60 % 60), (guint)(seconds % 60),
		packets, bits);

	put_row(page, title, true);
	put_row(page, frame->hint, false);
}

/* What does not fit into a row is cut where it explains, and has a row of its own where it counts.
 */
static void put_account_row(struct page *page, const char *text)
{
	const bool fits = strlen(text) <= MAX(page->columns, ACCOUNT_COUNTS);
	const char *tail = fits ? NULL : text + ACCOUNT_COUNTS;
	g_autofree char *head = NULL;

	if (!tail || !g_ascii_isdigit(tail[strspn(tail, " ")])) {
		put_row(page, text, false);
		return;
	}
	head = g_strndup(text, ACCOUNT_COUNTS);
	put_row(page, head, false);
	put_row(page, tail, false);
}

static void put_account(struct page *page, const struct account *account)
{
	g_autofree char *text = account_to_text(account);
	g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
	guint count = g_strv_length(lines);
	guint room = rows_left(page) > FLOWS_LEAST ? rows_left(page) - FLOWS_LEAST : 1;
	guint whole = count <= room ? count : room - 1;

	for (guint i = 0; i < whole; i++)
		put_account_row(page, lines[i]);
	if (whole < count) {
		g_autofree char *more = g_strdup_printf(
			"(%u more lines of the account in a higher window)", count - whole);

		put_row(page, more, false);
	}
}

static bool is_wide(const struct page *page)
{
	return page->columns >= WIDE;
}

/* Columns before the ends. */
static size_t ends_at(const struct page *page)
{
	return WIDTH_CLOCK + 1 + CELL_PROTOCOL + 1 + (is_wide(page) ? CELL_DURATION + 1 : 0);
}

/* What is left for the ends, with the blank that follows them. */
static size_t ends_width(const struct page *page)
{
	size_t amounts = (is_wide(page) ? 4 : 2) * (CELL_AMOUNT + 1);
	size_t others = ends_at(page) + 1 + amounts + WIDTH_END;

	return page->columns > others + WIDTH_ENDS_LEAST ? page->columns - others
							 : WIDTH_ENDS_LEAST;
}

static void put_heading(struct page *page)
{
	bool wide = is_wide(page);
	int amount = wide ? 2 * CELL_AMOUNT + 1 : CELL_AMOUNT;
	g_autofree char *text = g_strdup_printf(
		"%-*s %*s%s%-*s %-*s %*s %*s %s", WIDTH_CLOCK, "UTC", wide ? CELL_DURATION : 0,
		wide ? "TIME" : "", wide ? " " : "", CELL_PROTOCOL, "PROTO", (int)ends_width(page),
		"SOURCE > DESTINATION", amount, wide ? "PACKETS" : "PKTS", amount,
		wide ? "OCTETS" : "OCTS", "END");

	put_row(page, "", false);
	put_row(page, text, true);
}

static void put_amounts(GString *line, const guint64 amounts[2], bool both)
{
	struct cell cell = { 0 };

	cell_amount(&cell, both ? amounts[0] : amounts[0] + amounts[1]);
	cell_put_right(line, &cell, CELL_AMOUNT);
	if (!both)
		return;
	cell.length = 0;
	cell_amount(&cell, amounts[1]);
	cell_put_right(line, &cell, CELL_AMOUNT);
}

static void put_when(GString *line, const struct live_flow *flow, bool wide)
{
	guint64 duration = flow->last_ns > flow->first_ns ? flow->last_ns - flow->first_ns : 0;
	struct cell cell = { 0 };

	cell.length = (size_t)(print_clock(cell.text, flow->first_ns, 0) - cell.text);
	cell_put_left(line, &cell, WIDTH_CLOCK);
	cell.length = 0;
	if (wide) {
		cell_duration(&cell, duration);
		cell_put_right(line, &cell, CELL_DURATION);
		cell.length = 0;
	}
	cell_protocol(&cell, flow->proto);
	cell_put_left(line, &cell, CELL_PROTOCOL);
}

static struct cell end_of(const struct live_flow *flow, int i)
{
	const bool ipv6 = flow->version == 6;
	struct cell cell = { 0 };

	cell_end(&cell, ipv6, flow->address[i] + (ipv6 ? 0 : 12), flow->port[i]);
	return cell;
}

static bool put_flow(struct page *page, const struct live_flow *flow)
{
	const size_t width = ends_width(page);
	struct cell source = end_of(flow, 0);
	struct cell destination = end_of(flow, 1);
	const bool together = source.length + WIDTH_ARROW + destination.length <= width;
	g_autoptr(GString) line = g_string_new(NULL);

	if (rows_left(page) < (together ? 1 : 2))
		return false;
	if (together) {
		cell_string(&source, " > ");
		memcpy(source.text + source.length, destination.text, destination.length);
		source.length += destination.length;
	}
	put_when(line, flow, is_wide(page));
	cell_put_left(line, &source, width);
	put_amounts(line, flow->packets, is_wide(page));
	put_amounts(line, flow->octets, is_wide(page));
	g_string_append(line, cell_end_word(flow->end));
	put_row(page, line->str, false);
	if (!together) {
		g_string_truncate(line, 0);
		cell_put_blanks(line, 0, ends_at(page) - 2);
		g_string_append(line, "> ");
		g_string_append_len(line, destination.text, (gssize)destination.length);
		put_row(page, line->str, false);
	}
	return true;
}

static void put_flows(struct page *page, const struct live_frame *frame)
{
	guint64 known = MIN(frame->flows_count, LIVE_FLOWS);

	for (guint64 i = 1; i <= known; i++) {
		guint64 index = (frame->flows_count - i) % LIVE_FLOWS;

		if (!put_flow(page, &frame->flows[index]))
			return;
	}
}

GString *live_frame_draw(const struct live_frame *frame, guint rows, guint columns)
{
	struct page page = { .out = g_string_new(NULL), .columns = columns };

	page.rows = frame->said && rows > 1 ? rows - 1 : rows;
	put_title(&page, frame);
	put_account(&page, frame->account);
	put_heading(&page);
	put_flows(&page, frame);
	if (page.row < page.rows)
		g_string_append_printf(page.out, "\033[%u;1H\033[J", page.row + 1);
	if (page.rows < rows) {
		page.row = page.rows++;
		put_row(&page, frame->said, false);
	}
	return page.out;
}
