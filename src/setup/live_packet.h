/* SPDX-License-Identifier: BSD-2-Clause */
/* Live without BPF: packet sockets and the native table. */
#ifndef WEIR_SETUP_LIVE_PACKET_H
#define WEIR_SETUP_LIVE_PACKET_H

#include "setup/live.h"

/* As live_run(), which calls this for ATTACH_PACKET. */
bool live_packet_run(const struct live_options *options, struct account *ret_account,
		     GError **error);

#endif
