/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/kernel_load.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "capture/kernel_needs.h"
#include "capture/kernel_tables.h"

/* The most that kernels since 5.2 take is much more, but nobody reads that. Only the pages that are
 * written are ever there. */
#define LOG_OCTETS (16u << 20)

/* What the verifier adds after the reason: its figures. */
static bool is_figure(const char *line)
{
	static const char *const figures[] = { "processed ", "verification time ", "stack depth ",
					       "mark_precise:" };

	for (size_t i = 0; i < G_N_ELEMENTS(figures); i++) {
		if (g_str_has_prefix(line, figures[i]))
			return true;
	}
	return line[0] == '\0';
}

char *kernel_load_reason(const char *log)
{
	g_auto(GStrv) lines = g_strsplit(log, "\n", -1);

	for (guint i = g_strv_length(lines); i > 0; i--) {
		const char *line = g_strstrip(lines[i - 1]);

		if (!is_figure(line))
			return g_strdup(line);
	}
	return NULL;
}

/* The file's name, where it could be written; a file of that name is replaced, a link of that name
 * not followed. */
static char *keep_log(const char *log)
{
	g_autofree char *here = g_get_current_dir();
	const char *const folders[] = { here, g_get_tmp_dir() };

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(folders[i], KERNEL_LOAD_LOG, NULL);

		if (g_file_set_contents(path, log, -1, NULL))
			return g_steal_pointer(&path);
	}
	return NULL;
}

static bool refused(const struct bpf_program *program, const char *log, GError **error)
{
	g_autofree char *reason = kernel_load_reason(log);
	g_autofree char *path = keep_log(log);

	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "meter in the kernel: the verifier refused %s: %s (%s %s)%s",
		    bpf_program__name(program), reason ? reason : "no reason given",
		    path ? "its log is" : "its log could not be written:",
		    path ? path : KERNEL_LOAD_LOG, kernel_btf_missing(KERNEL_BTF));
	return false;
}

/* Without a log it was not the verifier: a map, or the right to load at all. */
static bool not_loaded(int code, GError **error)
{
	if (code != ENOMEM)
		return kernel_fail(error, "the kernel refused the program", code);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "meter in the kernel: its maps: %s; lower --max-flows or --ring",
		    g_strerror(code));
	return false;
}

bool kernel_load(struct bpf_object *object, GError **error)
{
	g_autofree char *log = g_malloc(LOG_OCTETS);
	const struct bpf_program *culprit = NULL;
	struct bpf_program *program;
	int code;

	log[0] = '\0';
	/* One room for all: the first refusal ends the loading, and programs that are taken leave
	 * nothing in it. */
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_log_buf(program, log, LOG_OCTETS);
	}
	code = -bpf_object__load(object);
	if (!code)
		return true;
	bpf_object__for_each_program(program, object)
	{
		if (!culprit && bpf_program__fd(program) < 0)
			culprit = program;
	}
	return log[0] && culprit ? refused(culprit, log, error) : not_loaded(code, error);
}
