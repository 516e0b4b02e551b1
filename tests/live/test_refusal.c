/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a program the verifier refuses. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broken.skel.h"
#include "capture/kernel_load.h"
#include "unit.h"

static char folder[] = "/tmp/weir-refusal-XXXXXX";

static int silence(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* The message of the refusal; free with g_free. */
static char *refuse(void)
{
	size_t size;
	const void *elf = broken__elf_bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(elf, size, NULL);
	GError *error = NULL;
	char *message;

	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT_FALSE_FATAL(kernel_load(object, &error));
	message = g_strdup(error->message);
	g_error_free(error);
	bpf_object__close(object);
	printf("  %s\n", message);
	return message;
}

static void assert_log(const char *path)
{
	g_autofree char *log = NULL;

	CU_ASSERT_TRUE_FATAL(g_file_get_contents(path, &log, NULL, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "invalid access to packet"));
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "processed "));
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_here(void)
{
	g_autofree char *path = g_build_filename(folder, KERNEL_LOAD_LOG, NULL);
	g_autofree char *message = NULL;

	CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
	message = refuse();
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "the verifier refused broken: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, path));
	CU_ASSERT_PTR_NULL(strchr(message, '\n'));
	assert_log(path);
}

/* The reason is a line of the log, and none of its figures. */
static void test_reason(void)
{
	g_autofree char *message = refuse();

	CU_ASSERT(strstr(message, "invalid access to packet") ||
		  strstr(message, "offset is outside of the packet"));
	CU_ASSERT_PTR_NULL(strstr(message, "processed"));
	unlink(KERNEL_LOAD_LOG);
}

static void test_elsewhere(void)
{
	g_autofree char *path = g_build_filename(folder, KERNEL_LOAD_LOG, NULL);
	g_autofree char *message = NULL;

	CU_ASSERT_EQUAL_FATAL(chdir("/proc"), 0);
	message = refuse();
	CU_ASSERT_PTR_NOT_NULL(strstr(message, path));
	assert_log(path);
}

static CU_TestInfo tests[] = {
	{ "its log is written in the current folder", test_here },
	{ "its reason is told in a line", test_reason },
	{ "its log is written for TMPDIR where it cannot be here", test_elsewhere },
	CU_TEST_INFO_NULL,
};

static int enter(void)
{
	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		exit(77);
	}
	if (!mkdtemp(folder) || setenv("TMPDIR", folder, 1) != 0)
		return 1;
	libbpf_set_print(silence);
	return 0;
}

static int leave(void)
{
	return chdir("/") != 0 || rmdir(folder) != 0;
}

CU_SuiteInfo test_suites[] = {
	{ "a program that is refused", enter, leave, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
