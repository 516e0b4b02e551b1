/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/gio_classes.h"

#include <gio/gio.h>
#include <gio/gunixconnection.h>
#include <gio/gunixsocketaddress.h>

static gpointer make(gpointer unused)
{
	const GType classes[] = {
		G_TYPE_CANCELLABLE,
		G_TYPE_TASK,
		G_TYPE_SOCKET,
		G_TYPE_SOCKET_CLIENT,
		G_TYPE_SOCKET_SERVICE,
		G_TYPE_TCP_CONNECTION,
		G_TYPE_UNIX_CONNECTION,
		G_TYPE_INET_ADDRESS,
		G_TYPE_INET_SOCKET_ADDRESS,
		G_TYPE_UNIX_SOCKET_ADDRESS,
		G_TYPE_NETWORK_ADDRESS,
		G_TYPE_PROXY_ADDRESS,
		G_TYPE_PROXY_ADDRESS_ENUMERATOR,
		G_TYPE_RESOLVER,
		G_TYPE_TLS_CERTIFICATE,
		G_TYPE_TLS_CONNECTION,
		G_TYPE_TLS_DATABASE,
		G_TYPE_TLS_INTERACTION,
		G_TYPE_BUFFERED_INPUT_STREAM,
		G_TYPE_MEMORY_OUTPUT_STREAM,
	};

	for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
		g_type_class_ref(classes[i]); /* and keeps it */
	g_type_ensure(G_TYPE_TLS_CLIENT_CONNECTION);
	g_type_ensure(G_TYPE_TLS_SERVER_CONNECTION);
	g_type_ensure(G_TYPE_DTLS_CLIENT_CONNECTION);
	return unused;
}

void gio_classes_make(void)
{
	static GOnce once = G_ONCE_INIT;

	g_once(&once, make, NULL);
}
