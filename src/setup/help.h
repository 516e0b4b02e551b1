/* SPDX-License-Identifier: BSD-2-Clause */
/* Help on 80 columns: readings of commands.def and options.def. */
#ifndef WEIR_SETUP_HELP_H
#define WEIR_SETUP_HELP_H

#include <stdio.h>

#include "setup/commands.h"

void help_print_command(enum command_id command, FILE *to);
/* Of weir itself: every command in a line. */
void help_print_overview(FILE *to);
/* All of weir, as JSON. */
void help_print_json(FILE *to);

#endif
