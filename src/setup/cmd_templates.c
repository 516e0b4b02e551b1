/* SPDX-License-Identifier: BSD-2-Clause */
/* weir templates [NAME|FILE] */
#include "export/registry.h"
#include "setup/options.h"

static bool templates(const struct options *options, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!options->arguments)
		registry_write_templates(out);
	else if (!registry_write_template(out, options->arguments[0], options_direction(options),
					  error))
		return false;
	fputs(out->str, stdout);
	return true;
}

int cmd_templates(int argc, char **argv)
{
	return command_main(COMMAND_TEMPLATES, argc, argv, templates);
}
