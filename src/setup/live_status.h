/* SPDX-License-Identifier: BSD-2-Clause */
/* What others hear of a run: the service manager, that it goes on and how it is; the log, what
 * becomes of its interfaces. */
#ifndef WEIR_SETUP_LIVE_STATUS_H
#define WEIR_SETUP_LIVE_STATUS_H

#include "base/log.h"
#include "service/notify.h"
#include "setup/live.h"

struct live_status {
	struct notify *notify; /* NULL: nobody asks */
	const struct live_options *options;
	void (*settle)(void *data, struct account *ret_account);
	void *data;
	bool begun;	/* what links tell now is news to those who want quiet too */
	gint64 seen_us; /* when the work was seen to have gone on */
};

/* Now and then: when the work has gone on last, of its parts the one it was longest ago for. */
void live_status_turn(struct live_status *status, gint64 seen_us);

/* What happens to interfaces, a line each; of the kind of links_tell. data: the status. */
void live_status_link(void *data, enum log_level level, const char *interface, const char *news);

#endif
