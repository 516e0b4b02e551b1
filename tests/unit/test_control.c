/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "serve/ask.h"
#include "serve/control_parts.h"
#include "unit.h"

#define LONG_ANSWER (1u << 20)
#define LIMIT_US    (60 * G_USEC_PER_SEC)

struct fixture {
	char *folder;
	char *path;
	struct control *control;
	guint changes;
	GQueue replies; /* that are owed */
};

static bool say(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	(void)data;
	(void)error;
	json_builder_set_member_name(answer, "said");
	json_builder_add_string_value(answer, argument);
	return true;
}

static bool say_much(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	g_autofree char *text = g_strnfill(LONG_ANSWER, 'x');

	(void)argument;
	return say(data, text, answer, error);
}

static bool change(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	struct fixture *fixture = data;

	fixture->changes++;
	return say(data, argument, answer, error);
}

static bool fail(void *data, const char *argument, JsonBuilder *answer, GError **error)
{
	if (answer)
		say(data, argument, answer, error);
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, "it \"cannot\" be");
	return false;
}

static bool later(void *data, const char *argument, struct control_reply *reply, GError **error)
{
	struct fixture *fixture = data;

	if (*argument)
		return fail(data, argument, NULL, error);
	g_queue_push_tail(&fixture->replies, reply);
	return true;
}

static const struct control_verb verbs[] = {
	{ .name = "say", .handle = say },
	{ .name = "much", .handle = say_much },
	{ .name = "change", .changes = true, .handle = change },
	{ .name = "fail", .handle = fail },
	{ .name = "later", .begin = later },
	{ .name = NULL },
};

static struct fixture *set_up(guint patience_ms)
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	fixture->folder = g_dir_make_tmp("weir-control-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->folder, "weir.sock", NULL);
	fixture->control = control_new(&(struct control_options){ .path = fixture->path,
								  .verbs = verbs,
								  .data = fixture,
								  .patience_ms = patience_ms },
				       NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->control);
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	control_free(fixture->control);
	CU_ASSERT_FALSE(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
	g_rmdir(fixture->folder);
	g_free(fixture->path);
	g_free(fixture->folder);
	g_free(fixture);
}

static int try_connect(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, fixture->path, sizeof(address.sun_path));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void turn(void)
{
	if (!g_main_context_iteration(NULL, FALSE))
		g_usleep(1000);
}

/* What comes until the line ends or the other side closes. */
static char *read_line(int fd)
{
	g_autoptr(GString) line = g_string_new(NULL);
	const gint64 until = g_get_monotonic_time() + LIMIT_US;

	while (g_get_monotonic_time() < until) {
		char octet;
		ssize_t got = read(fd, &octet, 1);

		if (got == 0 || (got < 0 && errno != EAGAIN) || (got > 0 && octet == '\n'))
			break;
		if (got > 0)
			g_string_append_c(line, octet);
		else
			turn();
	}
	return g_strdup(line->str);
}

static bool is_closed(int fd)
{
	const gint64 until = g_get_monotonic_time() + LIMIT_US;

	while (g_get_monotonic_time() < until) {
		char octets[4096];
		ssize_t got = read(fd, octets, sizeof(octets));

		if (got == 0 || (got < 0 && errno != EAGAIN))
			return true;
		if (got < 0)
			turn();
	}
	return false;
}

static void expect(int fd, const char *request, size_t length, const char *answer)
{
	g_autofree char *line = NULL;

	CU_ASSERT_EQUAL(write(fd, request, length), (ssize_t)length);
	line = read_line(fd);
	CU_ASSERT_STRING_EQUAL(line, answer);
}

static void expect_line(int fd, const char *request, const char *answer)
{
	expect(fd, request, strlen(request), answer);
}

static void test_answers(void)
{
	struct fixture *fixture = set_up(0);
	int fd = try_connect(fixture);

	expect_line(fd, "say hello world \n",
		    "{\"status\":0,\"answer\":{\"said\":\"hello world\"}}");
	expect_line(fd, "say\r\n", "{\"status\":0,\"answer\":{\"said\":\"\"}}");
	expect_line(fd, "change\n", "{\"status\":0,\"answer\":{\"said\":\"\"}}");
	CU_ASSERT_EQUAL(fixture->changes, 1);
	expect_line(fd, "fail\n", "{\"status\":1,\"error\":\"it \\\"cannot\\\" be\"}");
	expect_line(fd, "dance\n",
		    "{\"status\":2,\"error\":\"there is no verb \\\"dance\\\"; there is "
		    "say, much, change, fail, later\"}");
	CU_ASSERT_TRUE(control_busy(fixture->control));
	close(fd);
	tear_down(fixture);
}

static void test_pieces(void)
{
	struct fixture *fixture = set_up(0);
	int fd = try_connect(fixture);
	g_autofree char *second = NULL;

	CU_ASSERT_EQUAL(write(fd, "sa", 2), 2);
	for (int i = 0; i < 10; i++)
		turn();
	expect_line(fd, "y a\nsay b\n", "{\"status\":0,\"answer\":{\"said\":\"a\"}}");
	second = read_line(fd);
	CU_ASSERT_STRING_EQUAL(second, "{\"status\":0,\"answer\":{\"said\":\"b\"}}");
	close(fd);
	tear_down(fixture);
}

static void test_garbage(void)
{
	struct fixture *fixture = set_up(0);
	g_autofree char *endless = g_strnfill(CONTROL_REQUEST, 'a');
	int fd = try_connect(fixture);

	expect(fd, "say\0x\n", 6, "{\"status\":2,\"error\":\"a request is a line of text\"}");
	expect_line(fd, "\xff\xfe\n",
		    "{\"status\":2,\"error\":\"a request is a line of UTF-8 text\"}");
	expect_line(fd, "\n",
		    "{\"status\":2,\"error\":\"there is no verb \\\"\\\"; there is say, much, "
		    "change, fail, later\"}");
	expect(fd, endless, CONTROL_REQUEST, "{\"status\":2,\"error\":\"the request has no end\"}");
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
	tear_down(fixture);
}

static void test_slow(void)
{
	struct fixture *fixture = set_up(50);
	int silent = try_connect(fixture);
	int halfway = try_connect(fixture);
	int deaf = try_connect(fixture);

	CU_ASSERT_EQUAL(write(halfway, "say", 3), 3);
	CU_ASSERT_EQUAL(write(deaf, "much\n", 5), 5);
	CU_ASSERT_TRUE(is_closed(silent));
	CU_ASSERT_TRUE(is_closed(halfway));
	while (control_busy(fixture->control))
		turn();
	close(silent);
	close(halfway);
	close(deaf);
	tear_down(fixture);
}

static void test_deaf(void)
{
	struct fixture *fixture = set_up(0);
	int deaf = try_connect(fixture);
	int other = try_connect(fixture);
	g_autofree char *line = NULL;

	CU_ASSERT_EQUAL(write(deaf, "much\n", 5), 5);
	for (int i = 0; i < 100; i++)
		turn();
	expect_line(other, "say a\n", "{\"status\":0,\"answer\":{\"said\":\"a\"}}");
	line = read_line(deaf);
	CU_ASSERT(strlen(line) > LONG_ANSWER);
	close(deaf);
	close(other);
	tear_down(fixture);
}

static void test_many(void)
{
	struct fixture *fixture = set_up(0);
	int fds[CONTROL_CLIENTS + 1];
	g_autofree char *line = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = try_connect(fixture);
		turn();
	}
	line = read_line(fds[CONTROL_CLIENTS]);
	CU_ASSERT_STRING_EQUAL(line, "{\"status\":1,\"error\":\"too many are connected; try again "
				     "later\"}");
	close(fds[0]);
	expect_line(fds[1], "say a\n", "{\"status\":0,\"answer\":{\"said\":\"a\"}}");
	close(fds[CONTROL_CLIENTS]);
	fds[CONTROL_CLIENTS] = try_connect(fixture);
	expect_line(fds[CONTROL_CLIENTS], "say a\n", "{\"status\":0,\"answer\":{\"said\":\"a\"}}");
	for (size_t i = 1; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	tear_down(fixture);
}

static void test_rights(void)
{
	struct fixture *fixture = set_up(0);
	struct control_reply none = { NULL };
	g_autofree char *refused = control_answer(fixture->control, "change", PEER_ASKS, &none);
	g_autofree char *taken = control_answer(fixture->control, "say a", PEER_ASKS, &none);
	struct stat status;

	CU_ASSERT_STRING_EQUAL(refused,
			       "{\"status\":3,\"error\":\"that changes the run, and is for "
			       "root\"}\n");
	CU_ASSERT_EQUAL(fixture->changes, 0);
	CU_ASSERT_STRING_EQUAL(taken, "{\"status\":0,\"answer\":{\"said\":\"a\"}}\n");
	CU_ASSERT_EQUAL(stat(fixture->path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
	tear_down(fixture);
}

static void test_place(void)
{
	struct fixture *fixture = set_up(0);
	g_autoptr(GError) error = NULL;
	g_autofree char *left = g_build_filename(fixture->folder, "left.sock", NULL);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct control *control;

	CU_ASSERT_PTR_NULL(control_new(
		&(struct control_options){ .path = fixture->path, .verbs = verbs }, &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_USAGE));
	CU_ASSERT_TRUE(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
	g_strlcpy(address.sun_path, left, sizeof(address.sun_path));
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	control = control_new(&(struct control_options){ .path = left, .verbs = verbs }, NULL);
	CU_ASSERT_PTR_NOT_NULL(control);
	control_free(control);
	tear_down(fixture);
}

/* --- replies that come later --- */

static void await_replies(struct fixture *fixture, guint count)
{
	const gint64 until = g_get_monotonic_time() + LIMIT_US;

	while (g_queue_get_length(&fixture->replies) < count && g_get_monotonic_time() < until)
		turn();
	CU_ASSERT_EQUAL_FATAL(g_queue_get_length(&fixture->replies), count);
}

static void reply(struct fixture *fixture, const char *answer, const char *lines)
{
	control_reply_done(g_queue_pop_head(&fixture->replies), answer,
			   lines ? g_string_new(lines) : NULL);
}

static void test_later(void)
{
	struct fixture *fixture = set_up(1000);
	int fd = try_connect(fixture);
	const gint64 until = g_get_monotonic_time() + 1500000;
	g_autofree char *first = NULL;

	expect_line(fd, "later now\n", "{\"status\":1,\"error\":\"it \\\"cannot\\\" be\"}");
	CU_ASSERT_EQUAL(write(fd, "later\nsay b\n", 12), 12);
	await_replies(fixture, 1);
	/* Longer than patience would last. */
	while (g_get_monotonic_time() < until)
		turn();
	reply(fixture, "{\"lines\":2}", "one\ntwo\n");
	first = read_line(fd);
	CU_ASSERT_STRING_EQUAL(first, "{\"status\":0,\"answer\":{\"lines\":2}}");
	expect(fd, "", 0, "one");
	expect(fd, "", 0, "two");
	expect(fd, "", 0, "{\"status\":0,\"answer\":{\"said\":\"b\"}}");
	close(fd);
	tear_down(fixture);
}

/* Nobody is left to be told. */
static void test_gone(void)
{
	struct fixture *fixture = set_up(0);
	g_autoptr(GError) error = g_error_new_literal(WEIR_ERROR, WEIR_ERROR_FAILED, "too late");
	int fd = try_connect(fixture);

	CU_ASSERT_EQUAL(write(fd, "later\n", 6), 6);
	await_replies(fixture, 1);
	close(fd);
	while (control_busy(fixture->control))
		turn();
	reply(fixture, "{}", NULL);
	fd = try_connect(fixture);
	CU_ASSERT_EQUAL(write(fd, "later\n", 6), 6);
	await_replies(fixture, 1);
	control_free(fixture->control);
	control_reply_failed(g_queue_pop_head(&fixture->replies), error);
	fixture->control = NULL;
	close(fd);
	tear_down(fixture);
}

struct question {
	const char *path;
	const char *request;
	JsonObject *answer;
	GString *lines; /* NULL: none are wanted */
	GError *error;
	gint done;
};

static gpointer ask(gpointer data)
{
	struct question *question = data;

	question->answer =
		question->lines ? control_ask_lines(question->path, question->request,
						    question->lines, &question->error)
				: control_ask(question->path, question->request, &question->error);
	g_atomic_int_set(&question->done, 1);
	return NULL;
}

static void ask_meanwhile(struct question *question)
{
	GThread *thread = g_thread_new("ask", ask, question);

	while (!g_atomic_int_get(&question->done))
		turn();
	g_thread_join(thread);
}

static void test_ask(void)
{
	struct fixture *fixture = set_up(0);
	struct question good = { .path = fixture->path, .request = "say a" };
	struct question much = { .path = fixture->path, .request = "much" };
	struct question bad = { .path = fixture->path, .request = "fail" };
	struct question unknown = { .path = fixture->path, .request = "dance" };
	g_autoptr(GError) error = NULL;

	ask_meanwhile(&good);
	CU_ASSERT_PTR_NOT_NULL_FATAL(good.answer);
	CU_ASSERT_STRING_EQUAL(json_object_get_string_member(good.answer, "said"), "a");
	json_object_unref(good.answer);
	ask_meanwhile(&much);
	CU_ASSERT_PTR_NOT_NULL_FATAL(much.answer);
	CU_ASSERT_EQUAL(strlen(json_object_get_string_member(much.answer, "said")), LONG_ANSWER);
	json_object_unref(much.answer);
	ask_meanwhile(&bad);
	CU_ASSERT_PTR_NULL(bad.answer);
	CU_ASSERT_TRUE(g_error_matches(bad.error, WEIR_ERROR, WEIR_ERROR_FAILED));
	CU_ASSERT_STRING_EQUAL(bad.error->message, "it \"cannot\" be");
	g_clear_error(&bad.error);
	ask_meanwhile(&unknown);
	CU_ASSERT_TRUE(g_error_matches(unknown.error, WEIR_ERROR, WEIR_ERROR_USAGE));
	g_clear_error(&unknown.error);
	CU_ASSERT_PTR_NULL(control_ask("/nowhere/weir.sock", "say", &error));
	CU_ASSERT_TRUE(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FAILED));
	tear_down(fixture);
}

static void test_ask_lines(void)
{
	struct fixture *fixture = set_up(0);
	g_autofree char *line = g_strnfill(LONG_ANSWER, 'x');
	g_autofree char *lines = g_strdup_printf("%s\n\n%s\n", line, line);
	struct question question = { .path = fixture->path,
				     .request = "later",
				     .lines = g_string_new(NULL) };
	GThread *thread = g_thread_new("ask", ask, &question);

	await_replies(fixture, 1);
	reply(fixture, "{\"lines\":3,\"flows\":7}", lines);
	while (!g_atomic_int_get(&question.done))
		turn();
	g_thread_join(thread);
	CU_ASSERT_PTR_NOT_NULL_FATAL(question.answer);
	CU_ASSERT_EQUAL(json_object_get_int_member(question.answer, "flows"), 7);
	CU_ASSERT_STRING_EQUAL(question.lines->str, lines);
	json_object_unref(question.answer);
	g_string_free(question.lines, TRUE);
	tear_down(fixture);
}

static CU_TestInfo tests[] = {
	{ "a request is answered with a status and a line of JSON", test_answers },
	{ "requests may come in pieces and several at once", test_pieces },
	{ "garbage is told so, and a line without an end ends the connection", test_garbage },
	{ "clients that do nothing are let go", test_slow },
	{ "a client that does not listen keeps nobody waiting", test_deaf },
	{ "no more than so many are connected at a time", test_many },
	{ "who may only ask changes nothing", test_rights },
	{ "a socket left behind is replaced, one in use is not", test_place },
	{ "the asking side passes on answers and errors", test_ask },
	{ "an answer may come later and have lines, and the next request waits", test_later },
	{ "an answer for one who has gone is given up", test_gone },
	{ "the asking side takes all lines of an answer", test_ask_lines },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "control", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
