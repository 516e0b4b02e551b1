/* SPDX-License-Identifier: BSD-2-Clause */
#include "operate/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "operate/instances.h"
#include "serve/control.h"
#include "setup/config.h"
#include "setup/instance.h"

#define SYSTEMD	   "/run/systemd/system"
#define LOGS	   "/var/log/weir"
#define LOGS_MODE  0755 /* runs of other users open their files again, and make none */
#define PATIENCE_S 60
#define POLL_US	   20000
#define TAIL	   4096
#define WHO	   "weir: "

static char *pid_file(const char *name)
{
	return g_strconcat(CONTROL_FOLDER "/", name, ".pid", NULL);
}

/* Where the configuration does not name another. What is wrong with it the run will tell. */
static char *log_file(const char *name, bool *ret_given_away)
{
	struct options *options = options_new();
	g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *config = instance_config(name);
	char *path;

	options->command = COMMAND_RUN;
	config_read(options, config, faults, NULL);
	*ret_given_away = options_user(options) != NULL;
	path = options->values[OPTION_LOG_FILE].text
		       ? g_canonicalize_filename(options->values[OPTION_LOG_FILE].text, "/")
		       : g_strconcat(LOGS "/", name, ".log", NULL);
	options_free(options);
	return path;
}

static bool has_systemd(void)
{
	return g_file_test(SYSTEMD, G_FILE_TEST_IS_DIR);
}

static bool fail(GError **error, const char *path)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
	return false;
}

/* --- by systemd --- */

/* What it printed is the caller's, where wanted. False: it could not be run, or failed. */
static bool run_tool(char **ret_output, const char *const *words)
{
	g_autofree char *output = NULL;
	int status = -1;

	if (!g_spawn_sync(NULL, (char **)(guintptr)words, NULL,
			  G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output,
			  NULL, &status, NULL))
		return false;
	if (ret_output)
		*ret_output = g_strchomp(g_steal_pointer(&output));
	return g_spawn_check_wait_status(status, NULL);
}

static bool start_unit(const char *name, GError **error)
{
	g_autofree char *unit = g_strconcat("weir@", name, ".service", NULL);
	g_autofree char *last = NULL;

	if (run_tool(NULL, (const char *const[]){ "systemctl", "start", unit, NULL }))
		return true;
	run_tool(&last, (const char *const[]){ "journalctl", "-q", "-u", unit, "-n", "1", "-o",
					       "cat", NULL });
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s did not start: %s", unit,
		    last && *last ? last : "'systemctl status' says more");
	return false;
}

/* --- by itself --- */

static bool have_folder(const char *path, mode_t mode, GError **error)
{
	if (mkdir(path, mode) != 0)
		return errno == EEXIST || fail(error, path);
	/* Whatever the mask of who starts it. */
	return chmod(path, mode) == 0 || fail(error, path);
}

static int open_log(const char *path, bool given_away, GError **error)
{
	int fd;

	if (!have_folder(LOGS, LOGS_MODE, error))
		return -1;
	if (given_away)
		return guarded_append(path, 0640, error);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		fail(error, path);
	return fd;
}

/* In the child, between fork and exec: only what is safe there. */
static void leave_terminal(gpointer data)
{
	(void)data;
	setsid();
	umask(0027);
}

/* log: of this path. */
static bool spawn(const char *name, const char *path, int log, pid_t *ret_process, GError **error)
{
	g_autofree char *config = instance_config(name);
	const char *const words[] = { "/proc/self/exe", "weir", "run",	      "--config", config,
				      "--instance",	name,	"--log-file", path,	  NULL };
	g_autoptr(GError) reason = NULL;
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	GPid process;
	bool good;

	good = g_spawn_async_with_fds("/", (char **)(guintptr)words, NULL,
				      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO,
				      leave_terminal, NULL, &process, nowhere, nowhere, log,
				      &reason);
	close(nowhere);
	if (good)
		*ret_process = process;
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", name, reason->message);
	return good;
}

static bool write_pid(const char *name, pid_t process, GError **error)
{
	g_autofree char *path = pid_file(name);
	g_autofree char *text = g_strdup_printf("%d\n", (int)process);

	return guarded_write(path, text, 0644, error);
}

static bool is_pid(const char *path, pid_t process)
{
	g_autofree char *text = guarded_read(path, NULL, NULL);

	return text && g_ascii_strtoll(text, NULL, 10) == process;
}

/* What was said since; the log may be long. */
static char *last_line(const char *path, goffset from)
{
	g_autofree char *text = g_malloc0(TAIL + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const goffset end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t got = -1;
	char *start;

	if (fd >= 0) {
		got = pread(fd, text, TAIL, MAX(from, end - TAIL));
		close(fd);
	}
	text[MAX(got, 0)] = '\0';
	g_strchomp(text);
	start = strrchr(text, '\n');
	start = start ? start + 1 : text;
	/* A time may stand before that. */
	if (strstr(start, WHO))
		start = strstr(start, WHO) + strlen(WHO);
	return g_strdup(*start ? start : "it said nothing");
}

/* --- until it answers --- */

static bool answers(const char *name, pid_t process)
{
	struct instance_report *report = instance_report_of(name);
	const bool runs =
		report->state == INSTANCE_RUNS && (!process || report->process == (guint64)process);

	instance_report_free(report);
	return runs;
}

/* False: it has ended, or does not answer. */
static bool await_answer(const char *name, pid_t process)
{
	const gint64 until_us = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

	while (g_get_monotonic_time() < until_us) {
		if (process && waitpid(process, NULL, WNOHANG) == process)
			return false;
		if (answers(name, process))
			return true;
		g_usleep(POLL_US);
	}
	return false;
}

static bool start_process(const char *name, pid_t *ret_process, GError **error)
{
	bool given_away;
	g_autofree char *path = log_file(name, &given_away);
	g_autofree char *pid = pid_file(name);
	g_autofree char *last = NULL;
	int log = open_log(path, given_away, error);
	goffset from;
	bool good;

	if (log < 0)
		return false;
	from = lseek(log, 0, SEEK_END);
	good = have_folder(CONTROL_FOLDER, 0711, error) &&
	       spawn(name, path, log, ret_process, error);
	close(log);
	if (!good)
		return false;
	if (!write_pid(name, *ret_process, error)) {
		kill(*ret_process, SIGTERM);
		return false;
	}
	if (await_answer(name, *ret_process))
		return true;
	/* One that hangs is not left behind; one that has ended is nobody any more. Another that
	 * was started at the same time may have the name. */
	kill(*ret_process, SIGTERM);
	if (is_pid(pid, *ret_process))
		unlink(pid);
	last = last_line(path, from);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s did not start: %s (more in %s)", name,
		    last, path);
	return false;
}

bool background_start(const char *name, pid_t *ret_process, GError **error)
{
	struct instance_report *report;

	if (!has_systemd())
		return start_process(name, ret_process, error);
	if (!start_unit(name, error))
		return false;
	if (!await_answer(name, 0)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "weir@%s runs, but does not answer; 'systemctl status' says more",
			    name);
		return false;
	}
	report = instance_report_of(name);
	*ret_process = (pid_t)report->process;
	instance_report_free(report);
	return true;
}

void background_ended(const char *name)
{
	g_autofree char *path = pid_file(name);
	g_autofree char *unit = g_strconcat("weir@", name, ".service", NULL);

	unlink(path);
	if (has_systemd())
		run_tool(NULL, (const char *const[]){ "systemctl", "stop", unit, NULL });
}
