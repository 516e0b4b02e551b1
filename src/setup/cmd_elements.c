/* SPDX-License-Identifier: BSD-2-Clause */
/* weir elements [--for COLLECTOR] */
#include "export/packs.h"
#include "export/registry.h"
#include "setup/options.h"

static bool elements(const struct options *options, G_GNUC_UNUSED GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	guint32 pen = (guint32)options->values[OPTION_PEN].number;

	if (options->values[OPTION_FOR].origin != OPTION_NOT_GIVEN)
		pack_write(out, &packs[options->values[OPTION_FOR].number], pen);
	else
		registry_write_elements(out, pen);
	fputs(out->str, stdout);
	return true;
}

int cmd_elements(int argc, char **argv)
{
	return command_main(COMMAND_ELEMENTS, argc, argv, elements);
}
