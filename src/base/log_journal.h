/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal's own protocol: an event is a datagram of fields, which journalctl can be asked for.
 * See systemd's JOURNAL_NATIVE_PROTOCOL. */
#ifndef WEIR_BASE_LOG_JOURNAL_H
#define WEIR_BASE_LOG_JOURNAL_H

#include <glib.h>
#include <stdbool.h>

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* The name: capital letters, digits and underscores, of which the first is no underscore. */
struct log_journal_field {
	const char *name;
	const char *value;
};

/* Never waits. False: nobody takes it there. */
bool log_journal_send(const char *path, const struct log_journal_field *fields, guint count);

#endif
