/* SPDX-License-Identifier: BSD-2-Clause */
/* Two threads that use sockets for the first time at once, in one process after the other: of those
 * that have not made the classes before, two in a hundred stand still for good. */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/gio_classes.h"
#include "unit.h"

#define PROCESSES 200
#define LIMIT_S	  120

static gpointer use_a_client(gpointer unused)
{
	g_object_unref(g_socket_client_new());
	return unused;
}

static void use_sockets(void)
{
	GThread *thread;

	gio_classes_make();
	thread = g_thread_new("client", use_a_client, NULL);
	g_object_unref(g_unix_socket_address_new("/nowhere"));
	g_thread_join(thread);
}

static bool comes_to_an_end(void)
{
	pid_t child = fork();
	int status;

	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		alarm(LIMIT_S);
		use_sockets();
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status);
}

static void never_stand_still(void)
{
	for (int i = 0; i < PROCESSES; i++)
		CU_ASSERT_TRUE_FATAL(comes_to_an_end());
}

static CU_TestInfo class_tests[] = {
	{ "threads that use sockets for the first time do not wait for each other",
	  never_stand_still },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "gio_classes", NULL, NULL, NULL, NULL, class_tests },
	CU_SUITE_INFO_NULL,
};
