/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/reach.h"

#include "base/error.h"

bool reach_any(GSocketConnectable *place, reach_try *attempt, void *data, GCancellable *stop,
	       GError **error)
{
	g_autoptr(GSocketAddressEnumerator) addresses = g_socket_connectable_enumerate(place);
	GError *last = NULL;
	GError *found = NULL;
	GSocketAddress *address;
	bool good = false;

	while (!good && (address = g_socket_address_enumerator_next(addresses, stop, &found))) {
		g_clear_error(&last);
		good = attempt(data, address, stop, &last);
		g_object_unref(address);
	}
	if (good)
		return true;
	/* What the last address said is worth more than that there is no other. */
	if (last)
		g_clear_error(&found);
	else
		last = found;
	if (last)
		g_propagate_error(error, last);
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "the name has no address");
	return false;
}
