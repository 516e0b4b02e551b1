/* SPDX-License-Identifier: BSD-2-Clause */
/* A spool goes from one sender to the next: first the one lets go of it, then the other sends. The
 * test is the collector, so it decides when a session ends. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "export/encoder.h"
#include "export/sender.h"
#include "test_folder.h"
#include "unit.h"

#define LIMIT_MS 120000
#define BLOCK	 65536 /* octets of a message */
#define MANY	 400

struct place {
	int listener;
	guint16 port;
};

static char *folder;

static int make_folder(void)
{
	folder = test_folder_new();
	return folder == NULL;
}

static int remove_folder(void)
{
	test_folder_remove(&folder);
	return 0;
}

/* --- the collector --- */

/* A port that nobody listens at yet. */
static struct place reserve(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	struct place place = { .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	CU_ASSERT_EQUAL_FATAL(
		bind(place.listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(place.listener, (struct sockaddr *)&address, &length), 0);
	place.port = ntohs(address.sin_port);
	return place;
}

static void start(const struct place *place)
{
	CU_ASSERT_EQUAL_FATAL(listen(place->listener, 8), 0);
}

static bool is_ready(int fd, int wait_ms)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, wait_ms) == 1;
}

static int next_session(const struct place *place)
{
	CU_ASSERT_TRUE_FATAL(is_ready(place->listener, LIMIT_MS));
	return accept4(place->listener, NULL, NULL, SOCK_CLOEXEC);
}

/* The number of the session's next message; 0: it ended. */
static guint next_number(int session)
{
	g_autofree char *text = g_malloc0(BLOCK + 1);
	size_t got = 0;

	while (got < BLOCK) {
		ssize_t more;

		CU_ASSERT_TRUE_FATAL(is_ready(session, LIMIT_MS));
		more = recv(session, text + got, BLOCK - got, 0);
		if (more <= 0)
			return 0;
		got += (size_t)more;
	}
	return (guint)g_ascii_strtoull(text, NULL, 10);
}

static void check_numbers(int session, guint first, guint last)
{
	for (guint number = first; number <= last; number++)
		CU_ASSERT_EQUAL_FATAL(next_number(session), number);
}

/* --- the senders --- */

static struct sender *make(const struct place *place, bool inherits)
{
	g_autoptr(GPtrArray) introduction = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	struct sender *sender = sender_new(
		&(struct sender_options){
			.url = "it",
			.form = &json_encoder,
			.transport = &tcp_transport,
			.place = { .host = "127.0.0.1", .port = place->port, .timeout_s = 120 },
			.queue_octets = 64 << 20,
			.linger_s = 120,
			.spool = folder,
			.spool_octets = 64 << 20,
			.inherits = inherits,
		},
		introduction, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sender);
	return sender;
}

static void put(struct sender *sender, guint first, guint last)
{
	for (guint number = first; number <= last; number++) {
		g_autofree char *text = g_strdup_printf("%*u\n", BLOCK - 1, number);
		struct message *message = message_new((const guint8 *)text, BLOCK);

		message->records = 1;
		message->flows = (struct tally){ .flows = 1, .packets = 1, .octets = 100 };
		sender_put(sender, message);
		message_unref(message);
	}
	sender_wake(sender);
}

/* Ends it, and its session in order. */
static void check_end(struct sender *sender, int session)
{
	sender_end(sender);
	CU_ASSERT_EQUAL(next_number(session), 0);
	close(session);
	CU_ASSERT_TRUE(sender_finish(sender, NULL));
	sender_free(sender);
}

static void waits_for_the_end_in_order(void)
{
	struct place place = reserve();
	struct sender *one = make(&place, false);
	struct sender *heir;
	int first;
	int second;

	start(&place);
	put(one, 1, 1);
	first = next_session(&place);
	check_numbers(first, 1, 1);
	CU_ASSERT_TRUE(sender_hand_over(one));
	heir = make(&place, true);
	put(heir, 2, 2);
	/* Its session ends from its side; we have not ended it. */
	CU_ASSERT_EQUAL(next_number(first), 0);
	CU_ASSERT_TRUE(sender_is_healthy(heir));
	CU_ASSERT_FALSE(is_ready(place.listener, 0));
	close(first);
	second = next_session(&place);
	check_numbers(second, 2, 2);
	CU_ASSERT_TRUE(sender_finish(one, NULL));
	CU_ASSERT_EQUAL(sender_counts(one)->flows, 1);
	CU_ASSERT_EQUAL(sender_counts(one)->spooled_flows, 0);
	CU_ASSERT_EQUAL(sender_counts(heir)->recovered, 0);
	sender_free(one);
	check_end(heir, second);
	close(place.listener);
}

/* More than a socket holds, to a collector that does not read. */
static void is_cut_off_and_nothing_is_lost(void)
{
	struct place place = reserve();
	struct sender *one = make(&place, false);
	struct sender *heir;
	guint arrived = 0;
	guint number;
	int first;
	int second;

	start(&place);
	put(one, 1, MANY);
	first = next_session(&place);
	CU_ASSERT_EQUAL(next_number(first), 1);
	CU_ASSERT_TRUE(sender_hand_over(one));
	heir = make(&place, true);
	put(heir, MANY + 1, MANY + 1);
	CU_ASSERT_TRUE(sender_hurry(one, NULL));
	CU_ASSERT(sender_counts(one)->spooled_flows > 0);
	CU_ASSERT_EQUAL(sender_counts(one)->flows + sender_counts(one)->spooled_flows, MANY);
	sender_free(one);
	second = next_session(&place);
	for (arrived = 1; (number = next_number(first)) != 0; arrived = number)
		CU_ASSERT_EQUAL(number, arrived + 1);
	close(first);
	/* What it may not have read comes again. */
	number = next_number(second);
	CU_ASSERT(1 <= number && number <= arrived + 1);
	check_numbers(second, number + 1, MANY + 1);
	check_end(heir, second);
	close(place.listener);
}

static void goes_through_one_that_never_had_it(void)
{
	struct place place = reserve(); /* nobody is there */
	struct sender *one = make(&place, false);
	struct sender *between;
	struct sender *last;
	int session;

	put(one, 1, 1);
	CU_ASSERT_FALSE(sender_hand_over(one));
	between = make(&place, true);
	put(between, 2, 2);
	sender_end(between);
	CU_ASSERT_FALSE(sender_is_over(between));
	CU_ASSERT_TRUE(sender_hurry(one, NULL));
	CU_ASSERT_EQUAL(sender_counts(one)->spooled_flows, 1);
	CU_ASSERT_TRUE(sender_hurry(between, NULL));
	CU_ASSERT_EQUAL(sender_counts(between)->spooled_flows, 1);
	last = make(&place, true);
	put(last, 3, 3);
	start(&place);
	session = next_session(&place);
	check_numbers(session, 1, 3);
	sender_free(one);
	sender_free(between);
	check_end(last, session);
	close(place.listener);
}

static void another_process_keeps_it(void)
{
	struct place place = reserve();
	struct sender *one = make(&place, false);
	struct sender *heir = make(&place, true);

	put(heir, 2, 2);
	/* Nobody lets go of it, and its time is over: what it has is lost, and it says so. */
	CU_ASSERT_FALSE(sender_hurry(heir, NULL));
	CU_ASSERT_EQUAL(sender_counts(heir)->failed_flows, 1);
	sender_free(heir);
	CU_ASSERT_TRUE(sender_hurry(one, NULL));
	sender_free(one);
	close(place.listener);
}

static CU_TestInfo sender_tests[] = {
	{ "the next sends only after the end in order of the one before",
	  waits_for_the_end_in_order },
	{ "one that is cut off loses nothing, and what is older comes first",
	  is_cut_off_and_nothing_is_lost },
	{ "a spool is handed on through one that never had it",
	  goes_through_one_that_never_had_it },
	{ "what cannot be kept is counted as lost", another_process_keeps_it },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sender", make_folder, remove_folder, NULL, NULL, sender_tests },
	CU_SUITE_INFO_NULL,
};
