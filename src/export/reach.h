/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of a name, one after the other, until one does. */
#ifndef WEIR_EXPORT_REACH_H
#define WEIR_EXPORT_REACH_H

#include <gio/gio.h>
#include <stdbool.h>

/* Tries one address; false with the error if it does not do. */
typedef bool reach_try(void *data, GSocketAddress *address, GCancellable *stop, GError **error);

/* With no address that does, the error says what came of each. */
bool reach_any(GSocketConnectable *place, reach_try *attempt, void *data, GCancellable *stop,
	       GError **error);

/* A socket for datagrams to it, not yet connected, which holds what one call hands over; NULL: none
 * can be had. */
GSocket *reach_datagrams(GSocketAddress *address, GError **error);

#endif
