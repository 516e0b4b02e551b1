/* SPDX-License-Identifier: BSD-2-Clause */
/* made_flows COUNT TEMPLATE URL...: flows of flow_maker.h through the fan-out, for the tests that
 * read the files back. */
#include <stdio.h>
#include <stdlib.h>

#include "export/fanout.h"
#include "flow_maker.h"

static bool write_flows(struct fanout *fanout, guint64 count, GError **error)
{
	g_autofree struct flow_batch *batch = g_new(struct flow_batch, 1);

	for (guint64 done = 0; done < count; done += batch->count) {
		flow_maker_fill(batch, done, count - done);
		if (!fanout_write(fanout, batch, error))
			return false;
	}
	return fanout_finish(fanout, error);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	struct fanout *fanout;
	bool done;

	if (argc < 4) {
		fprintf(stderr, "usage: made_flows COUNT TEMPLATE URL...\n");
		return 2;
	}
	fanout = fanout_new(
		&(struct export_options){
			.to = (const char *const *)(argv + 3),
			.template_name = argv[2],
			.pen = FIELD_PEN_DEFAULT,
			.domain = 7,
		},
		&error);
	done = fanout != NULL && write_flows(fanout, strtoull(argv[1], NULL, 10), &error);
	if (!done)
		fprintf(stderr, "made_flows: %s\n", error->message);
	fanout_free(fanout);
	return !done;
}
