/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/destination_keys.h"

#define EVERY	   "every destination"
#define FILES	   "files"
#define COLLECTORS "collectors"
#define DATAGRAMS  "collectors over UDP and DTLS"
#define STREAMS	   "collectors over TCP, TLS and SCTP"
#define SECURE	   "collectors over TLS and DTLS"

const struct destination_key destination_keys[] = {
	{ "template", "NAME|FILE", NULL, EVERY,
	  "layout of its records; else that of --template, or without one what suits the form: v9, "
	  "v5 or standard" },
	{ "domain", "N", NULL, EVERY, "observation domain of its messages; else that of --domain" },
	{ "mtu", "OCTETS", NULL, EVERY,
	  "octets of a message at most; else 1400 over UDP, 1300 over DTLS, and what suits the form" },
	{ "rotate", "TIME", NULL, FILES,
	  "begin a new file at every multiple of this; the path is a pattern of strftime, in UTC" },
	{ "rotate-size", "OCTETS", NULL, FILES,
	  "begin a new file before this one gets longer, as 100M" },
	{ "gzip", "yes|no", "no", FILES, "compress the file" },
	{ "spool", "FOLDER", NULL, STREAMS,
	  "keep what the collector cannot take here, and send it first when it can" },
	{ "spool-size", "OCTETS", "1073741824", STREAMS, "what the spool may hold" },
	{ "queue", "OCTETS", "16777216", COLLECTORS, "what may wait for the collector in memory" },
	{ "refresh", "SECONDS", "60", DATAGRAMS, "tell templates again so often; 0: never" },
	{ "refresh-messages", "N", "4096", DATAGRAMS,
	  "and whenever so many messages have gone; 0: never" },
	{ "pace", "N", NULL, COLLECTORS,
	  "messages a second at most, 0: no limit; else a replay over datagrams sends 10000, the "
	  "rest as fast as it comes" },
	{ "linger", "SECONDS", "5", COLLECTORS,
	  "how long the end of a run waits for what is on its way" },
	{ "timeout", "SECONDS", "10", COLLECTORS,
	  "of connecting, and of a collector that takes nothing" },
	{ "renew", "SECONDS", "300", "collectors over DTLS",
	  "begin a new session after so long, since a collector that was restarted cannot say so; "
	  "0: never" },
	{ "ca", "FILE", NULL, SECURE,
	  "PEM file of the authorities whose certificates are good; else the system's" },
	{ "cert", "FILE", NULL, SECURE, "PEM file of the certificate to show" },
	{ "key", "FILE", NULL, SECURE, "PEM file of its key" },
	{ "name", "NAME", NULL, SECURE,
	  "that the collector's certificate must have; else its host's" },
};

const gsize destination_keys_count = G_N_ELEMENTS(destination_keys);
