/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/settings.h"

#include <net/if.h>
#include <string.h>

#include "base/error.h"
#include "capture/filter.h"
#include "metrics/address.h"
#include "metrics/certificate.h"
#include "metrics/secret.h"
#include "service/privileges.h"
#include "setup/instance_parts.h"
#include "setup/live_metrics.h"
#include "setup/places.h"
#include "setup/stage_options.h"

enum hook_choice {
	HOOK_AUTO,
	HOOK_XDP,
	HOOK_XDP_GENERIC,
	HOOK_TC,
	HOOK_PACKET,
};

#define DIRECTION_IN 0

static bool is_given(const struct options *options, enum option_id id)
{
	return options->values[id].origin != OPTION_NOT_GIVEN;
}

/* Contradictions of one option: those of others are told of them. */
static bool check_option(const struct options *options, enum option_id id, GError **error)
{
	enum option_id about = OPTIONS;
	GError *fault = NULL;

	if (options_check(options, &about, &fault) || about != id) {
		g_clear_error(&fault);
		return true;
	}
	g_propagate_error(error, fault);
	return false;
}

static bool check_directions(const struct options *options, GError **error)
{
	return check_option(options, OPTION_BIFLOW, error);
}

static bool check_pen(const struct options *options, GError **error)
{
	return check_option(options, OPTION_PEN, error);
}

static bool check_drop(const struct options *options, GError **error)
{
	const guint64 hook = options->values[OPTION_HOOK].number;

	if (!options->values[OPTION_DROP].number ||
	    (hook != HOOK_TC && hook != HOOK_PACKET &&
	     options->values[OPTION_DIRECTION].number == DIRECTION_IN))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "--drop: only XDP drops, and only what comes in; leave it out, or --hook and "
		    "--direction");
	return false;
}

static bool check_filter(const struct options *options, GError **error)
{
	const char *text = options->values[OPTION_FILTER].text;
	struct filter *filter = text ? filter_new(text, error) : NULL;
	const bool in_kernel =
		options->arguments && options->values[OPTION_HOOK].number != HOOK_PACKET;
	guint steps;
	bool good = !text || (filter && (!in_kernel || filter_code(filter, &steps, error)));

	filter_free(filter);
	return good;
}

static bool is_interface(const char *name, GError **error)
{
	if (*name && strlen(name) < IF_NAMESIZE && !strpbrk(name, "/ "))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s: no interface has such a name; 'ip link' lists those there are", name);
	return false;
}

static bool check_interfaces(const struct options *options, GError **error)
{
	char **names = options->arguments;

	for (guint i = 0; names && names[i]; i++) {
		if (!is_interface(names[i], error))
			return false;
		if (!g_strv_contains((const char *const *)names + i + 1, names[i]))
			continue;
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "%s: named twice; name each interface once", names[i]);
		return false;
	}
	return true;
}

static bool check_instance(const struct options *options, GError **error)
{
	const char *name = options->values[OPTION_INSTANCE].text;

	return !name || instance_name_is_fit(name, error);
}

static bool check_mirror(const struct options *options, GError **error)
{
	const struct tunnel_options alone = { .mirrors = options->values[OPTION_MIRROR].text };
	struct meter_tunnels tunnels;

	return tunnels_parse(&alone, &tunnels, error);
}

static bool check_tunnel_ports(const struct options *options, GError **error)
{
	const struct tunnel_options alone = { .ports = options->values[OPTION_TUNNEL_PORTS].text };
	struct meter_tunnels tunnels;

	return tunnels_parse(&alone, &tunnels, error);
}

static bool check_user(const struct options *options, GError **error)
{
	const char *name = options_user(options);
	struct privileges_user user;

	return !name || privileges_find_user(name, &user, error);
}

static bool check_metrics(const struct options *options, GError **error)
{
	const char *text = options->values[OPTION_METRICS].text;
	const bool open = options->values[OPTION_METRICS_OPEN].number;
	GPtrArray *addresses = text ? metrics_addresses(text, open, error) : NULL;

	if (addresses)
		g_ptr_array_unref(addresses);
	return addresses || !text;
}

static bool check_metrics_open(const struct options *options, GError **error)
{
	return live_metrics_is_of_use(options, OPTION_METRICS_OPEN, error);
}

static bool check_metrics_cert(const struct options *options, GError **error)
{
	const char *certificate = options->values[OPTION_METRICS_CERT].text;
	const char *key = options->values[OPTION_METRICS_KEY].text;

	return !certificate || (live_metrics_is_of_use(options, OPTION_METRICS_CERT, error) &&
				certificate_is_whole(certificate, key, error) &&
				certificate_is_good(certificate, error));
}

/* What is wrong with the certificate alone is told of that. */
static bool check_metrics_key(const struct options *options, GError **error)
{
	const char *certificate = options->values[OPTION_METRICS_CERT].text;
	const char *key = options->values[OPTION_METRICS_KEY].text;
	g_autoptr(GTlsCertificate) loaded = NULL;

	if (!key)
		return true;
	if (!live_metrics_is_of_use(options, OPTION_METRICS_KEY, error) ||
	    !certificate_is_whole(certificate, key, error) ||
	    !secret_is_private("--metrics-key", key, error))
		return false;
	if (!certificate_is_good(certificate, NULL))
		return true;
	loaded = certificate_load(certificate, key, error);
	return loaded;
}

static bool check_metrics_token(const struct options *options, GError **error)
{
	const char *path = options->values[OPTION_METRICS_TOKEN_FILE].text;
	struct secret secret;

	return !path || (live_metrics_is_of_use(options, OPTION_METRICS_TOKEN_FILE, error) &&
			 secret_read(path, &secret, error));
}

/* Databases are opened by the run itself. */
static bool check_geo(const struct options *options, GError **error)
{
	struct places_options wanted = places_options_of(options);
	struct places *places;

	wanted.quiet = true;
	places = is_given(options, OPTION_GEO) ? places_new(&wanted, error) : NULL;
	places_free(places);
	return places || !is_given(options, OPTION_GEO);
}

static const struct {
	enum option_id about;
	bool of_run; /* and not before it, or at its beginning */
	bool (*check)(const struct options *options, GError **error);
} checks[] = {
	{ OPTION_BIFLOW, false, check_directions },
	{ OPTION_PEN, false, check_pen },
	{ OPTION_DROP, true, check_drop },
	{ OPTION_FILTER, true, check_filter },
	{ OPTION_INTERFACE, true, check_interfaces },
	{ OPTION_INSTANCE, false, check_instance },
	{ OPTION_MIRROR, false, check_mirror },
	{ OPTION_TUNNEL_PORTS, false, check_tunnel_ports },
	{ OPTION_GEO, false, check_geo },
	{ OPTION_USER, false, check_user },
	{ OPTION_METRICS, false, check_metrics },
	{ OPTION_METRICS_OPEN, false, check_metrics_open },
	{ OPTION_METRICS_CERT, false, check_metrics_cert },
	{ OPTION_METRICS_KEY, false, check_metrics_key },
	{ OPTION_METRICS_TOKEN_FILE, false, check_metrics_token },
};

void settings_check_all(const struct options *options, settings_fault *fault, void *data)
{
	for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
		GError *error = NULL;

		if (!checks[i].check(options, &error))
			fault(data, checks[i].about, error);
	}
}

bool settings_check_run(const struct options *options, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
		if (checks[i].of_run && !checks[i].check(options, error))
			return false;
	}
	return true;
}
