/* SPDX-License-Identifier: BSD-2-Clause */
/* Which run a command talks to, by the control sockets there are. */
#ifndef WEIR_SETUP_INSTANCE_SOCKET_H
#define WEIR_SETUP_INSTANCE_SOCKET_H

#include <glib.h>

/* Of runs whose sockets are there; NULL-terminated, free with g_strfreev. */
char **instance_socket_names(void);
/* The socket of the run of this name, which may be that of an interface; NULL: of the only run
 * there is. NULL with an error: there is no such run, or more than one. Free with g_free. */
char *instance_socket_find(const char *name, GError **error);

#endif
