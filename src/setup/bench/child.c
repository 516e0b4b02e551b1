/* SPDX-License-Identifier: BSD-2-Clause */
/* The result comes back through a pipe: first whether it is one, then its octets or the error. */
#include "setup/bench/child.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define RESULT_MAX 4096 /* a pipe takes so much at once without a reader */

struct answer {
	_Alignas(max_align_t) guint8 octets[RESULT_MAX]; /* the result, or the error's text */
	bool good;
};

static bool read_answer(int from, struct answer *ret_answer)
{
	guint8 *at = (guint8 *)ret_answer;
	size_t left = sizeof(*ret_answer);

	while (left) {
		ssize_t got = read(from, at, left);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		left -= (size_t)got;
	}
	return true;
}

static bool write_answer(int to, const struct answer *answer)
{
	const guint8 *at = (const guint8 *)answer;
	size_t left = sizeof(*answer);

	while (left) {
		ssize_t put = write(to, at, left);

		if (put < 0 && errno != EINTR)
			return false;
		at += MAX(put, 0);
		left -= (size_t)MAX(put, 0);
	}
	return true;
}

/* In the child; never returns. */
static void answer_and_exit(child_work *work, const void *data, int to)
{
	struct answer answer = { 0 };
	g_autoptr(GError) error = NULL;

	/* A parent that is killed takes its work along. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	answer.good = work(data, answer.octets, &error);
	if (!answer.good)
		g_strlcpy((char *)answer.octets, error->message, sizeof(answer.octets));
	_exit(write_answer(to, &answer) ? 0 : 1);
}

static bool wait_for(pid_t pid, struct rusage *ret_usage)
{
	int status;

	while (wait4(pid, &status, 0, ret_usage) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool fail_system(GError **error, const char *what)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", what, g_strerror(errno));
	return false;
}

bool child_run(child_work *work, const void *data, struct child_result *result, GError **error)
{
	struct answer answer;
	struct rusage usage;
	int ends[2];
	bool answered;
	pid_t pid;

	g_assert(result->size <= RESULT_MAX);
	if (pipe(ends))
		return fail_system(error, "pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		answer_and_exit(work, data, ends[1]);
	close(ends[1]);
	answered = pid > 0 && read_answer(ends[0], &answer);
	close(ends[0]);
	if (pid < 0)
		return fail_system(error, "fork");
	if (!wait_for(pid, &usage) || !answered) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "stopped before its end");
		return false;
	}
	if (!answer.good) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s", (char *)answer.octets);
		return false;
	}
	memcpy(result->octets, answer.octets, result->size);
	result->peak_octets = (guint64)usage.ru_maxrss * 1024;
	return true;
}
