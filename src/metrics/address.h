/* SPDX-License-Identifier: BSD-2-Clause */
/* Where to serve: "[::1]:9481", "127.0.0.1:9481", "localhost:9481"; "9481" alone is this host's own
 * loopback, ":9481" is every address. */
#ifndef WEIR_METRICS_ADDRESS_H
#define WEIR_METRICS_ADDRESS_H

#include <gio/gio.h>
#include <stdbool.h>

/* One or, of loopback without an address, two; of GSocketAddress, free with g_ptr_array_unref. What
 * others than this host can reach has to be asked for: open. */
GPtrArray *metrics_addresses(const char *text, bool open, GError **error);

#endif
