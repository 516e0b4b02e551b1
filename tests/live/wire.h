/* SPDX-License-Identifier: BSD-2-Clause */
/* A wire for live tests: a pair of veth interfaces, "near" and "far", in a network namespace that
 * only this process has, so that nothing is left of it however the process ends. */
#ifndef WEIR_TESTS_LIVE_WIRE_H
#define WEIR_TESTS_LIVE_WIRE_H

#include <glib.h>

#define NEAR "near"
#define FAR  "far"

/* Enters the namespace; exits with status 77 and the reason where that is not allowed. */
int wire_enter(void);
/* Lays the wire: both ends up, silent, for frames up to 65535 octets of payload. */
void wire_lay(void);
void wire_remove(void);
/* Both ends up, and ready to send: the kernel takes a moment to notice the carrier. */
void wire_up(void);

/* ip(8) with the words of line. */
void wire_ip(const char *line);
/* What ip(8) prints; free with g_free. */
char *wire_ip_output(const char *line);
/* A counter of an interface, of "rx" or "tx". */
guint64 wire_count(const char *ifname, const char *way, const char *counter);

/* A raw socket that sends from this end. */
int wire_sender(const char *ifname);

#endif
