/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log_journal.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A value of several lines comes with its length. */
static void add_field(GString *message, const struct log_journal_field *field)
{
	const guint64 length = strlen(field->value);
	const guint64 little = GUINT64_TO_LE(length);

	g_string_append(message, field->name);
	if (strchr(field->value, '\n')) {
		g_string_append_c(message, '\n');
		g_string_append_len(message, (const char *)&little, sizeof(little));
	} else {
		g_string_append_c(message, '=');
	}
	g_string_append(message, field->value);
	g_string_append_c(message, '\n');
}

/* A socket an event: there are few, and the journal may begin anew at any time. */
static bool send_to(const char *path, const GString *message)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	bool sent;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	sent = sendto(fd, message->str, message->len, MSG_NOSIGNAL,
		      (const struct sockaddr *)&address, sizeof(address)) >= 0;
	close(fd);
	return sent;
}

bool log_journal_send(const char *path, const struct log_journal_field *fields, guint count)
{
	GString *message = g_string_new(NULL);
	bool sent;

	for (guint i = 0; i < count; i++)
		add_field(message, &fields[i]);
	sent = send_to(path, message);
	g_string_free(message, TRUE);
	return sent;
}
