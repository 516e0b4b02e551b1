/* SPDX-License-Identifier: BSD-2-Clause */
/* Help on 80 columns: readings of commands.def and options.def. */
#include "setup/help.h"

#include <stdbool.h>
#include <string.h>

#include "export/packs.h"
#include "setup/options.h"

#define WIDTH	      80
#define OPTION_COLUMN 27
#define PACK_COLUMN   13
#define CHOICE_COLUMN 8

/* Words of text from a column on; the caller has brought the line to that column. */
static void print_wrapped(const char *text, size_t column, FILE *to)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	size_t at = column;

	for (guint i = 0; words[i]; i++) {
		size_t length = strlen(words[i]);

		if (i > 0 && at + 1 + length >= WIDTH) {
			fprintf(to, "\n%*s", (int)column, "");
			at = column;
		} else if (i > 0) {
			fputc(' ', to);
			at++;
		}
		fputs(words[i], to);
		at += length;
	}
	fputc('\n', to);
}

static char *option_label(const struct option_row *row)
{
	g_autofree char *letter =
		row->letter ? g_strdup_printf("-%c, ", row->letter) : g_strdup("    ");

	return g_strdup_printf("  %s--%s%s%s%s", letter,
			       row->type == OPTION_TYPE_SWITCH ? "[no-]" : "", row->name,
			       row->argument ? " " : "", row->argument ? row->argument : "");
}

/* More choices than a line holds go on in the next one. Returns the column it ends in. */
static size_t print_label(const char *label, FILE *to)
{
	size_t at = 0;

	while (*label) {
		size_t length = strcspn(label, "|");

		length += label[length] != '\0';
		if (at + length >= WIDTH) {
			fprintf(to, "\n%*s", CHOICE_COLUMN, "");
			at = CHOICE_COLUMN;
		}
		fprintf(to, "%.*s", (int)length, label);
		label += length;
		at += length;
	}
	return at;
}

static void print_option(const struct option_row *row, FILE *to)
{
	g_autofree char *label = option_label(row);
	g_autofree char *text = row->standard ? g_strdup_printf("%s [%s]", row->help, row->standard)
					      : g_strdup(row->help);
	size_t length = print_label(label, to);

	if (length >= OPTION_COLUMN)
		fprintf(to, "\n%*s", OPTION_COLUMN, "");
	else
		fprintf(to, "%*s", (int)(OPTION_COLUMN - length), "");
	print_wrapped(text, OPTION_COLUMN, to);
}

static void print_group(enum command_id command, const struct option_section *section, FILE *to)
{
	bool configurable = option_rows[OPTION_CONFIG].commands & (1u << command);
	bool begun = false;

	for (guint id = 0; id < OPTIONS; id++) {
		const struct option_row *row = &option_rows[id];

		if (!(row->commands & (1u << command)) ||
		    g_strcmp0(row->section, section->name) != 0)
			continue;
		if (!begun && section->name && configurable)
			fprintf(to, "\n%s, section [%s] of a configuration file:\n", section->title,
				section->name);
		else if (!begun)
			fprintf(to, "\n%s:\n", section->title);
		begun = true;
		print_option(row, to);
	}
}

/* Every collector and where it wants its file. */
static void print_packs(FILE *to)
{
	fputs("\nWhere the file goes:\n", to);
	for (size_t i = 0; i < packs_count; i++) {
		fprintf(to, "  %-11s", packs[i].collector);
		print_wrapped(packs[i].where, PACK_COLUMN, to);
	}
}

static void print_examples(const struct command_example *examples, FILE *to)
{
	fputs("\nExamples:\n", to);
	for (guint i = 0; i < COMMAND_EXAMPLES; i++)
		fprintf(to, "  %s\n      %s\n", examples[i].line, examples[i].what);
}

void help_print_command(enum command_id command, FILE *to)
{
	const struct command *row = &commands[command];

	fprintf(to, "weir %s - %s\n\nUsage: weir %s %s\n\n", row->name, row->summary, row->name,
		row->arguments);
	print_wrapped(row->description, 0, to);
	for (guint i = 0; i < option_sections_count; i++)
		print_group(command, &option_sections[i], to);
	if (command == COMMAND_ELEMENTS)
		print_packs(to);
	print_examples(row->examples, to);
	if (command == COMMAND_REPLAY)
		fputs("\nIn a configuration file the names are the same, under their section; a list\n"
		      "is written with semicolons: to = json+file:a.json;ipfix+file:a.ipfix\n",
		      to);
}

void help_print_overview(FILE *to)
{
	static const struct command_example examples[COMMAND_EXAMPLES] = {
		{ "weir replay capture.pcap", "flows of a capture file, a line each" },
		{ "weir replay --to ipfix+file:flows.ipfix capture.pcap", "the same as IPFIX" },
		{ "weir replay --help", "everything replay can be told" },
	};

	fputs("weir - flow records from packets\n\nUsage: weir COMMAND [OPTION...]\n\nCommands:\n",
	      to);
	for (guint i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  --help       print this help; after a command, its own\n"
	      "  --version    print the version\n",
	      to);
	print_examples(examples, to);
	fputs("\nExit status: 0 done, 1 failed, 2 wrong usage.\n", to);
}
