/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/live_status.h"

#define COUNT "%" G_GUINT64_FORMAT

static void tell(const struct live_status *status, const struct account *account)
{
	g_autofree char *interfaces = g_strjoinv(", ", (char **)status->options->interfaces);
	guint64 lost = 0;

	for (size_t i = 0; i < ACCOUNT_DROP_REASONS; i++)
		lost += account->dropped[i].records;
	notify_status(status->notify,
		      "metering %s: " COUNT " packets seen, " COUNT " flows exported, " COUNT
		      " records lost",
		      interfaces, account->seen.packets, account->exported.flows, lost);
}

void live_status_turn(struct live_status *status, gint64 seen_us)
{
	struct account account = { 0 };

	if (seen_us > status->seen_us)
		notify_alive(status->notify);
	status->seen_us = seen_us;
	if (!notify_status_due(status->notify))
		return;
	status->settle(status->data, &account);
	tell(status, &account);
	account_clear(&account);
}

void live_status_link(void *data, enum log_level level, const char *interface, const char *news)
{
	const struct live_status *status = data;

	if (!status->begun && status->options->quiet)
		return;
	if (interface)
		log_about(level, "interface", interface, "%s: %s", interface, news);
	else
		log_say(level, "%s", news);
}
