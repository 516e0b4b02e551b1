/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/reach.h"

#include <sys/socket.h>

#include "base/error.h"

#define SEND_BUFFER (4 << 20)

/* What each address said, one after the other, and once where all say the same. */
struct told {
	GString *text;
	GError *first;
	bool differ;
};

static void add_error(struct told *told, GSocketAddress *address, GError *error)
{
	GSocketConnectable *place = G_SOCKET_CONNECTABLE(address);
	g_autofree char *name = g_socket_connectable_to_string(place);

	g_string_append_printf(told->text, "%s%s: %s", told->first ? "; " : "", name,
			       error->message);
	if (!told->first) {
		told->first = error;
		return;
	}
	told->differ |= !g_str_equal(told->first->message, error->message);
	g_error_free(error);
}

/* found: why there was no other address, or NULL; takes it. */
static void tell(struct told *told, GError *found, GError **error)
{
	const bool stopped = g_error_matches(found, G_IO_ERROR, G_IO_ERROR_CANCELLED);

	if (told->first && told->differ && !stopped) {
		g_set_error_literal(error, told->first->domain, told->first->code, told->text->str);
	} else if (told->first && !stopped) {
		g_propagate_error(error, g_steal_pointer(&told->first));
	} else if (found) {
		g_propagate_error(error, g_steal_pointer(&found));
	} else {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "the name has no address");
	}
	g_clear_error(&told->first);
	g_clear_error(&found);
}

bool reach_any(GSocketConnectable *place, reach_try *attempt, void *data, GCancellable *stop,
	       GError **error)
{
	g_autoptr(GSocketAddressEnumerator) addresses = g_socket_connectable_enumerate(place);
	struct told told = { .text = g_string_new(NULL) };
	GError *found = NULL;
	GSocketAddress *address;
	bool good = false;

	while (!good && (address = g_socket_address_enumerator_next(addresses, stop, &found))) {
		GError *one = NULL;

		good = attempt(data, address, stop, &one);
		if (one)
			add_error(&told, address, one);
		g_object_unref(address);
	}
	if (good) {
		g_clear_error(&told.first);
		g_clear_error(&found);
	} else {
		tell(&told, found, error);
	}
	g_string_free(told.text, TRUE);
	return good;
}

GSocket *reach_datagrams(GSocketAddress *address, GError **error)
{
	GSocket *datagrams = g_socket_new(g_socket_address_get_family(address),
					  G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);

	/* More than the default; the kernel may give less. */
	if (datagrams)
		g_socket_set_option(datagrams, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER, NULL);
	return datagrams;
}
