/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the URL of a destination. Everything wrong with it is the user's to mend, so errors say
 * what would be right. */
#include "export/destination_url.h"

#include <string.h>

#include "base/error.h"

#define TRANSPORT_FILE "file"

G_GNUC_PRINTF(3, 4)
static bool usage(GError **error, const char *url, const char *format, ...)
{
	va_list arguments;
	char *what;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "destination \"%s\": %s", url, what);
	g_free(what);
	return false;
}

static char *known_schemes(void)
{
	GString *list = g_string_new(NULL);

	for (size_t i = 0; encoders[i] != NULL; i++)
		g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", encoders[i]->scheme);
	return g_string_free(list, FALSE);
}

/* SCHEME+TRANSPORT: ; returns what follows. */
static const char *parse_head(const char *url, struct destination_url *parsed, GError **error)
{
	size_t scheme_length = strcspn(url, "+:?");
	const char *transport = url + scheme_length + 1;
	size_t transport_length;

	if (url[scheme_length] != '+') {
		usage(error, url, "write SCHEME+TRANSPORT:PLACE, as in json+file:flows.json");
		return NULL;
	}
	parsed->ops = encoder_by_scheme(url, scheme_length);
	if (parsed->ops == NULL) {
		g_autofree char *known = known_schemes();

		usage(error, url, "there is no form \"%.*s\"; the forms are %s", (int)scheme_length,
		      url, known);
		return NULL;
	}
	transport_length = strcspn(transport, ":?");
	if (transport[transport_length] != ':' || transport_length != strlen(TRANSPORT_FILE) ||
	    strncmp(transport, TRANSPORT_FILE, transport_length) != 0) {
		usage(error, url,
		      "there is no transport \"%.*s\"; the only one is " TRANSPORT_FILE
		      ", as in %s+" TRANSPORT_FILE ":PATH",
		      (int)transport_length, transport, parsed->ops->scheme);
		return NULL;
	}
	return transport + transport_length + 1;
}

static bool set_template(struct destination_url *parsed, const char *value, const char *url,
			 GError **error)
{
	if (*value == '\0')
		return usage(error, url, "template= wants the name of a template or a file");
	g_free(parsed->template_name);
	parsed->template_name = g_strdup(value);
	return true;
}

static bool set_domain(struct destination_url *parsed, const char *value, const char *url,
		       GError **error)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT32, &number, NULL))
		return usage(error, url, "domain= wants a number up to 4294967295, not \"%s\"",
			     value);
	parsed->has_domain = true;
	parsed->domain = (guint32)number;
	return true;
}

static bool set_mtu(struct destination_url *parsed, const char *value, const char *url,
		    GError **error)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(value, 10, 1, G_MAXUINT16, &number, NULL))
		return usage(error, url, "mtu= wants octets from 1 to 65535, not \"%s\"", value);
	parsed->mtu = (guint16)number;
	return true;
}

static const struct {
	const char *name;
	bool (*set)(struct destination_url *parsed, const char *value, const char *url,
		    GError **error);
} options[] = {
	{ "template", set_template },
	{ "domain", set_domain },
	{ "mtu", set_mtu },
};

static bool parse_option(struct destination_url *parsed, const char *option, const char *url,
			 GError **error)
{
	size_t length = strcspn(option, "=");
	g_autofree char *value = NULL;

	if (option[length] != '=')
		return usage(error, url, "option \"%s\" has no value; write NAME=VALUE", option);
	value = g_uri_unescape_string(option + length + 1, NULL);
	if (value == NULL)
		return usage(error, url, "\"%s\" has a stray %%; write %%25", option);
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		if (strlen(options[i].name) == length &&
		    strncmp(options[i].name, option, length) == 0)
			return options[i].set(parsed, value, url, error);
	}
	return usage(error, url,
		     "there is no option \"%.*s\"; the options are template, domain and "
		     "mtu",
		     (int)length, option);
}

static bool parse_query(struct destination_url *parsed, const char *query, const char *url,
			GError **error)
{
	g_auto(GStrv) parts = g_strsplit(query, "&", -1);

	for (size_t i = 0; parts[i] != NULL; i++) {
		if (!parse_option(parsed, parts[i], url, error))
			return false;
	}
	return true;
}

static bool parse_path(struct destination_url *parsed, const char *rest, const char *url,
		       GError **error)
{
	size_t length = strcspn(rest, "?");

	if (length == 0)
		return usage(error, url, "the path is missing; \"-\" is standard output");
	parsed->path = g_uri_unescape_segment(rest, rest + length, NULL);
	if (parsed->path == NULL)
		return usage(error, url, "the path has a stray %%; write %%25");
	return rest[length] == '\0' || parse_query(parsed, rest + length + 1, url, error);
}

bool destination_url_parse(const char *url, struct destination_url *ret_url, GError **error)
{
	struct destination_url parsed = { 0 };
	const char *rest = parse_head(url, &parsed, error);

	if (rest == NULL || !parse_path(&parsed, rest, url, error)) {
		destination_url_clear(&parsed);
		return false;
	}
	*ret_url = parsed;
	return true;
}

void destination_url_clear(struct destination_url *url)
{
	g_clear_pointer(&url->path, g_free);
	g_clear_pointer(&url->template_name, g_free);
}
