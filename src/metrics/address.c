/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/address.h"

#include <string.h>

#include "base/error.h"

static bool fail(GError **error, const char *text, const char *why)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "--metrics %s: %s; give an address and a port, as [::1]:9481 or "
		    "127.0.0.1:9481, or a port",
		    text, why);
	return false;
}

/* "[ADDRESS]:PORT", "ADDRESS:PORT", ":PORT" or "PORT"; ret_host: NULL where there is no colon. */
static bool split(const char *text, char **ret_host, guint *ret_port, GError **error)
{
	const char *colon = strrchr(text, ':');
	const char *digits = colon ? colon + 1 : text;
	g_autofree char *host = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
	guint64 port;

	if (!g_ascii_string_to_unsigned(digits, 10, 1, 65535, &port, NULL))
		return fail(error, text, "there is no port from 1 to 65535 at its end");
	if (host && host[0] == '[') {
		gsize length = strlen(host);

		if (host[length - 1] != ']' || length < 3)
			return fail(error, text, "there is no address in the brackets");
		host[length - 1] = '\0';
		memmove(host, host + 1, length - 1);
	} else if (host && strchr(host, ':')) {
		return fail(error, text, "an IPv6 address is to be in brackets");
	}
	*ret_host = g_steal_pointer(&host);
	*ret_port = (guint)port;
	return true;
}

static void add(GPtrArray *addresses, GInetAddress *address, guint port)
{
	g_ptr_array_add(addresses, g_inet_socket_address_new(address, (guint16)port));
	g_object_unref(address);
}

static bool add_named(GPtrArray *addresses, const char *host, guint port)
{
	GInetAddress *address = g_inet_address_new_from_string(host);

	if (!address)
		return false;
	add(addresses, address, port);
	return true;
}

static bool is_loopback(const GPtrArray *addresses)
{
	for (guint i = 0; i < addresses->len; i++) {
		GInetSocketAddress *address = g_ptr_array_index(addresses, i);

		if (!g_inet_address_get_is_loopback(g_inet_socket_address_get_address(address)))
			return false;
	}
	return true;
}

GPtrArray *metrics_addresses(const char *text, bool open, GError **error)
{
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_object_unref);
	g_autofree char *host = NULL;
	guint port;

	if (!split(text, &host, &port, error))
		return NULL;
	if (!host || strcmp(host, "localhost") == 0) {
		add(addresses, g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV6), port);
		add(addresses, g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4), port);
	} else if (!*host) {
		add(addresses, g_inet_address_new_any(G_SOCKET_FAMILY_IPV6), port);
	} else if (!add_named(addresses, host, port)) {
		fail(error, text, "that is no address");
		return NULL;
	}
	if (!open && !is_loopback(addresses)) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "--metrics %s: other hosts could read it there; --metrics-open allows "
			    "that, [::1]:%u is for this host alone",
			    text, port);
		return NULL;
	}
	return g_steal_pointer(&addresses);
}
