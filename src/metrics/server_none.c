/* SPDX-License-Identifier: BSD-2-Clause */
/* Where there is no libsoup. */
#include "base/error.h"
#include "metrics/address.h"
#include "metrics/server.h"

static void refuse(const char *address, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "--metrics %s: this weir is built without HTTP; build it with libsoup-3.0-dev",
		    address);
}

GPtrArray *metrics_addresses(const char *text, G_GNUC_UNUSED bool open, GError **error)
{
	refuse(text, error);
	return NULL;
}

struct metrics_server *metrics_server_new(const struct metrics_options *options, GError **error)
{
	refuse(options->address, error);
	return NULL;
}

void metrics_server_free(struct metrics_server *server)
{
	(void)server;
}

void metrics_server_start(struct metrics_server *server)
{
	(void)server;
}

bool metrics_server_turn(struct metrics_server *server)
{
	(void)server;
	return false;
}

void metrics_server_publish(struct metrics_server *server, struct metrics_page *page,
			    struct health *health)
{
	(void)server;
	metrics_page_free(page);
	health_free(health);
}

void metrics_server_end(struct metrics_server *server)
{
	(void)server;
}
