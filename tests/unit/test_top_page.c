/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "top/page.h"
#include "unit.h"

struct stand {
	struct top_model *model;
	struct top_history history;
	struct top_ui *ui;
	struct top_table *table;
	struct top_page page;
};

static void add_flow(struct top_model *model, guint8 host, guint64 octets)
{
	const struct top_reading reading = {
		.flow = { .id = host,
			  .end = { { .address = { [10] = 0xff, 0xff, 10, 0, 0, host },
				     .port = 50000 },
				   { .address = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
				     .port = 443 } },
			  .proto = 6,
			  .version = 4,
			  .knows_tcp = true,
			  .rtt_us = 1500 },
		.record = 1,
		.first_ns = 1,
		.finished = true,
		.counts = { .packets = { 10, 5 }, .octets = { octets, 100 } },
	};

	top_model_read(model, &reading);
}

static void stand_up(struct stand *stand, enum top_group group)
{
	memset(stand, 0, sizeof(*stand));
	stand->model = top_model_new(64);
	for (guint8 host = 1; host <= 30; host++)
		add_flow(stand->model, host, host * 1000);
	stand->history = top_history_capture();
	top_history_add(&stand->history, TOP_OCTETS, 0, 1000);
	top_history_add(&stand->history, TOP_OCTETS, 511000000, 4000);
	stand->ui = top_ui_new(group, TOP_BY_OCTETS, NULL, false);
	stand->table = top_table_new(stand->model, &stand->ui->query);
	stand->page = (struct top_page){
		.source = "some.pcap",
		.state = "all read",
		.account = { .known = true,
			     .settled = true,
			     .balanced = true,
			     .seen = 460,
			     .metered = 450,
			     .set_aside = 10 },
		.history = &stand->history,
		.table = stand->table,
		.ui = stand->ui,
	};
}

static void stand_down(struct stand *stand)
{
	top_table_free(stand->table);
	top_ui_free(stand->ui);
	top_model_free(stand->model);
}

static struct top_grid *drawn(struct stand *stand, guint rows, guint columns)
{
	top_ui_settle(stand->ui, stand->table, top_page_rows(rows));
	return top_page_draw(&stand->page, rows, columns);
}

static void check_row(const struct top_grid *grid, guint row, const char *expected)
{
	g_autofree char *text = top_grid_row(grid, row);

	CU_ASSERT_STRING_EQUAL(text, expected);
}

static void test_usual(void)
{
	struct stand stand;
	struct top_grid *grid;

	stand_up(&stand, TOP_HOSTS);
	grid = drawn(&stand, 24, 80);
	check_row(
		grid, 0,
		" weir top  some.pcap                                                   all read");
	check_row(
		grid, 1,
		" balanced  seen 460  metered 450  set aside 10  dropped 0 packets  cache 0 flows");
	check_row(
		grid, 5,
		" hosts by octets                                                        1 of 31");
	check_row(
		grid, 6,
		"HOST                             % OCTETS   SENT  RECVD  PKTS FLOWS  RETR    RTT");
	check_row(
		grid, 7,
		"192.0.2.1                    100.0   468k  3.00k   465k   450    30     0  1.5ms");
	check_row(
		grid, 8,
		"10.0.0.30                      6.4  30.1k  30.0k    100    15     1     0  1.5ms");
	check_row(
		grid, 21,
		"10.0.0.17                      3.7  17.1k  17.0k    100    15     1     0  1.5ms");
	check_row(
		grid, 22,
		"total                        100.0   468k   465k  3.00k   450    30     0  1.5ms");
	check_row(
		grid, 23,
		" ? help  g group  s sort  / filter  Enter into  Backspace back  p pause  q quit");
	CU_ASSERT_EQUAL(grid->cells[7 * 80].look, TOP_SELECTED);
	CU_ASSERT_EQUAL(grid->cells[8 * 80].look, TOP_PLAIN);
	top_grid_free(grid);
	stand_down(&stand);
}

static void test_graph(void)
{
	struct stand stand;
	struct top_grid *grid;

	stand_up(&stand, TOP_HOSTS);
	grid = drawn(&stand, 24, 80);
	check_row(
		grid, 2,
		" octets/s   9.77k :                                                  % max 406k");
	top_grid_free(grid);
	stand.page.utf8 = true;
	grid = drawn(&stand, 24, 80);
	check_row(
		grid, 2,
		" octets/s   9.77k ▂                                                  █ max 406k");
	top_grid_free(grid);
	grid = drawn(&stand, 40, 80);
	check_row(
		grid, 2,
		" octets/s   9.77k                                                    █ max 406k");
	check_row(grid, 4,
		  "                  ▆                                                  █");
	top_grid_free(grid);
	stand_down(&stand);
}

static void test_narrow(void)
{
	struct stand stand;
	struct top_grid *grid;

	stand_up(&stand, TOP_HOSTS);
	grid = drawn(&stand, 12, 40);
	check_row(grid, 0, " weir top  some.pcap           all read");
	check_row(grid, 2, " octets/s   9.77k :          % max 93.8k");
	check_row(grid, 4, "HOST                      % OCTETS  PKTS");
	check_row(grid, 5, "192.0.2.1             100.0   468k   450");
	top_grid_free(grid);
	grid = drawn(&stand, 2, 20);
	check_row(grid, 0, "192.0.2.1       468k");
	check_row(grid, 1, "10.0.0.30      30.1k");
	top_grid_free(grid);
	stand_down(&stand);
}

/* Whatever the size, every cell is there and every group fits in. */
static void test_all_sizes(void)
{
	for (guint group = 0; group < TOP_GROUPS; group++) {
		struct stand stand;

		stand_up(&stand, (enum top_group)group);
		for (guint rows = 1; rows < 60; rows++) {
			for (guint columns = 1; columns < 140; columns += 3) {
				struct top_grid *grid = drawn(&stand, rows, columns);

				CU_ASSERT_EQUAL(grid->rows, rows);
				CU_ASSERT_EQUAL(grid->columns, columns);
				CU_ASSERT_TRUE(top_page_rows(rows) >= 1);
				top_grid_free(grid);
			}
		}
		stand_down(&stand);
	}
}

static void test_long_labels(void)
{
	struct stand stand;
	struct top_grid *grid;

	stand_up(&stand, TOP_FLOWS_EACH);
	grid = drawn(&stand, 24, 60);
	check_row(grid, 6, "FLOW                                          % OCTETS  PKTS");
	check_row(grid, 7, "TCP 10.0.0.30:50000 > 192.0.2.1:443         6.4  30.1k    15");
	top_grid_free(grid);
	grid = drawn(&stand, 24, 30);
	check_row(grid, 7, "TCP 10.0.0.~2.0.2.1:443  30.1k");
	top_grid_free(grid);
	stand_down(&stand);
}

static void test_wide_characters(void)
{
	struct top_grid *grid = top_grid_new(1, 6);

	CU_ASSERT_EQUAL(top_grid_put(grid, 0, 0, 6, "a中b"), 4);
	check_row(grid, 0, "a中b");
	CU_ASSERT_EQUAL(top_grid_put(grid, 0, 4, 6, "中x"), 2);
	check_row(grid, 0, "a中b中");
	CU_ASSERT_EQUAL(top_grid_put(grid, 0, 5, 6, "中"), 0);
	CU_ASSERT_EQUAL(top_grid_put(grid, 0, 0, 6, "\033[1m"), 4);
	check_row(grid, 0, "?[1m中");
	top_grid_free(grid);
}

static void test_states(void)
{
	struct stand stand;
	struct top_grid *grid;

	stand_up(&stand, TOP_HOSTS);
	stand.page.account.balanced = false;
	stand.page.trouble = true;
	stand.page.state = "gone";
	stand.ui->mode = TOP_FILTERING;
	g_string_assign(stand.ui->input, "tcp");
	stand.ui->paused = true;
	grid = drawn(&stand, 24, 80);
	CU_ASSERT_EQUAL(grid->cells[0].look, TOP_BAD);
	CU_ASSERT_EQUAL(grid->cells[80].look, TOP_BAD);
	check_row(
		grid, 1,
		" NOT BALANCED  seen 460  metered 450  set aside 10  dropped 0 packets  cache 0 f");
	check_row(
		grid, 5,
		" hosts by octets  PAUSED                                                1 of 31");
	check_row(grid, 23, " filter: tcp_");
	top_grid_free(grid);
	stand_down(&stand);
}

static CU_TestInfo tests[] = {
	{ "80 by 24 has all of it", test_usual },
	{ "a graph reaches from its least to its most", test_graph },
	{ "a small window leaves out what matters less", test_narrow },
	{ "every size can be drawn", test_all_sizes },
	{ "a long label loses its middle", test_long_labels },
	{ "characters of two columns and none keep the columns", test_wide_characters },
	{ "trouble, pause and a filter on its way are told", test_states },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "top_page", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
