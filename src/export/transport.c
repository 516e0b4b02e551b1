/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/transport.h"

#include <string.h>

static const struct transport_ops *const transports[] = {
	&udp_transport, &tcp_transport, &tls_transport, &dtls_transport, &sctp_transport,
};

const struct transport_ops *transport_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < G_N_ELEMENTS(transports); i++) {
		if (strlen(transports[i]->name) == length &&
		    strncmp(transports[i]->name, name, length) == 0)
			return transports[i];
	}
	return NULL;
}

char *transport_names(void)
{
	GString *list = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(transports); i++)
		g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", transports[i]->name);
	return g_string_free(list, FALSE);
}
