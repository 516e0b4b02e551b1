/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the URL of a destination. Everything wrong with it is the user's to mend, so errors say
 * what would be right. */
#include "export/destination_url.h"

#include <string.h>

#include "base/error.h"
#include "base/quantity.h"
#include "export/file_pattern.h"

#define TRANSPORT_FILE "file"
#define SPOOL_OCTETS   (1u << 30)

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

static bool no_transport(const struct destination_url *parsed, const char *transport, size_t length,
			 const char *url, GError **error)
{
	const char *carry = parsed->ops->transports;

	return usage(error, url,
		     "there is no transport \"%.*s\" for %s; there is " TRANSPORT_FILE "%s%s",
		     (int)length, transport, parsed->ops->scheme, *carry ? " " : "", carry);
}

static bool carries(const struct encoder_ops *form, const char *transport, size_t length)
{
	g_auto(GStrv) names = g_strsplit(form->transports, " ", -1);
	g_autofree char *name = g_strndup(transport, length);

	return g_strv_contains((const char *const *)names, name);
}

/* SCHEME+TRANSPORT: ; returns what follows. */
static const char *parse_head(const char *url, const char *label, struct destination_url *parsed,
			      GError **error)
{
	size_t scheme_length = strcspn(url, "+:?");
	const char *transport = url + scheme_length + 1;
	size_t transport_length;

	if (g_str_has_prefix(url, "udp://")) { /* the usual */
		parsed->ops = &ipfix_encoder;
		transport = url;
	} else if (url[scheme_length] != '+') {
		usage(error, label,
		      "write SCHEME+TRANSPORT:PLACE, as in json+file:flows.json or "
		      "ipfix+udp://collector:4739");
		return NULL;
	} else {
		parsed->ops = encoder_by_scheme(url, scheme_length);
	}
	if (parsed->ops == NULL) {
		g_autofree char *known = known_schemes();

		usage(error, label, "there is no form \"%.*s\"; the forms are %s",
		      (int)scheme_length, url, known);
		return NULL;
	}
	transport_length = strcspn(transport, ":?");
	if (transport[transport_length] == ':' && transport_length == strlen(TRANSPORT_FILE) &&
	    strncmp(transport, TRANSPORT_FILE, transport_length) == 0)
		return transport + transport_length + 1;
	if (transport[transport_length] == ':' && carries(parsed->ops, transport, transport_length))
		parsed->transport = transport_by_name(transport, transport_length);
	if (parsed->transport != NULL)
		return transport + transport_length + 1;
	no_transport(parsed, transport, transport_length, label, error);
	return NULL;
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

static bool for_files(const struct destination_url *parsed, const char *name, const char *url,
		      GError **error)
{
	return parsed->transport == NULL ||
	       usage(error, url, "%s= is for files, not for collectors", name);
}

static bool set_rotate(struct destination_url *parsed, const char *value, const char *url,
		       GError **error)
{
	const guint64 second_ns = 1000000000;
	guint64 period_ns;

	if (!for_files(parsed, "rotate", url, error))
		return false;
	if (!quantity_parse(QUANTITY_DURATION, value, &period_ns) || period_ns == 0 ||
	    period_ns % second_ns != 0)
		return usage(error, url,
			     "rotate= wants whole seconds, as 30s, 5m or 1h, not \"%s\"", value);
	parsed->rotate_ns = period_ns;
	return true;
}

static bool set_rotate_size(struct destination_url *parsed, const char *value, const char *url,
			    GError **error)
{
	guint64 octets;

	if (!for_files(parsed, "rotate-size", url, error))
		return false;
	if (!quantity_parse(QUANTITY_COUNT, value, &octets) || octets == 0)
		return usage(error, url,
			     "rotate-size= wants octets, as 500k, 100M or 1G, not \"%s\"", value);
	parsed->rotate_octets = octets;
	return true;
}

static bool set_gzip(struct destination_url *parsed, const char *value, const char *url,
		     GError **error)
{
	if (!for_files(parsed, "gzip", url, error))
		return false;
	parsed->gzip = strcmp(value, "yes") == 0;
	return parsed->gzip || strcmp(value, "no") == 0 ||
	       usage(error, url, "gzip= wants yes or no, not \"%s\"", value);
}

static bool set_spool(struct destination_url *parsed, const char *value, const char *url,
		      GError **error)
{
	if (parsed->transport == NULL || parsed->transport->datagrams)
		return usage(error, url,
			     "spool= is for collectors that say what they have got: tcp and the "
			     "like");
	if (*value == '\0')
		return usage(error, url, "spool= wants the name of a folder");
	g_free(parsed->spool);
	parsed->spool = g_strdup(value);
	return true;
}

static bool set_spool_size(struct destination_url *parsed, const char *value, const char *url,
			   GError **error)
{
	const guint64 least = 1000000;

	if (!quantity_parse(QUANTITY_COUNT, value, &parsed->spool_octets) ||
	    parsed->spool_octets < least)
		return usage(error, url,
			     "spool-size= wants octets from 1M up, as 100M or 4G, not \"%s\"",
			     value);
	return true;
}

static const struct {
	const char *name;
	bool (*set)(struct destination_url *parsed, const char *value, const char *url,
		    GError **error);
} options[] = {
	{ "template", set_template }, { "domain", set_domain },
	{ "mtu", set_mtu },	      { "rotate", set_rotate },
	{ "gzip", set_gzip },	      { "rotate-size", set_rotate_size },
	{ "spool", set_spool },	      { "spool-size", set_spool_size },
};

/* Numbers that only collectors have. */
static const struct {
	const char *name;
	size_t offset;
	guint64 low;
	guint64 high;
	guint64 standard;
	const char *unit;
} numbers[] = {
	{ "queue", offsetof(struct destination_url, queue_octets), 65536, 1u << 31, 16u << 20,
	  "octets" },
	{ "refresh", offsetof(struct destination_url, refresh_s), 0, 86400, 60, "seconds" },
	{ "refresh-messages", offsetof(struct destination_url, refresh_messages), 0, G_MAXUINT32,
	  4096, "messages" },
	{ "pace", offsetof(struct destination_url, pace), 0, 10000000, G_MAXUINT64,
	  "messages a second" },
	{ "linger", offsetof(struct destination_url, linger_s), 0, 3600, 5, "seconds" },
	{ "timeout", offsetof(struct destination_url, timeout_s), 1, 3600, 10, "seconds" },
	{ "renew", offsetof(struct destination_url, renew_s), 0, 86400, 300, "seconds" },
};

/* Words that only transports with certificates have. */
static const struct {
	const char *name;
	size_t offset;
} words[] = {
	{ "ca", offsetof(struct destination_url, ca) },
	{ "cert", offsetof(struct destination_url, cert) },
	{ "key", offsetof(struct destination_url, key) },
	{ "name", offsetof(struct destination_url, name) },
};

static char **word_of(struct destination_url *parsed, size_t i)
{
	return (char **)((char *)parsed + words[i].offset);
}

static void set_standards(struct destination_url *parsed)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		*(guint64 *)((char *)parsed + numbers[i].offset) = numbers[i].standard;
	parsed->spool_octets = SPOOL_OCTETS;
}

/* 0: it is none of the numbers; 1: taken; -1: an error. */
static int set_number(struct destination_url *parsed, const char *name, size_t length,
		      const char *value, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		guint64 *place = (guint64 *)((char *)parsed + numbers[i].offset);

		if (strlen(numbers[i].name) != length ||
		    strncmp(numbers[i].name, name, length) != 0)
			continue;
		if (parsed->transport != NULL &&
		    g_ascii_string_to_unsigned(value, 10, numbers[i].low, numbers[i].high, place,
					       NULL))
			return 1;
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    parsed->transport == NULL ? "%s= is for collectors, not for files"
						      : "%s= wants %s from %" G_GUINT64_FORMAT
							" to %" G_GUINT64_FORMAT ", not \"%s\"",
			    numbers[i].name, numbers[i].unit, numbers[i].low, numbers[i].high,
			    value);
		return -1;
	}
	return 0;
}

static int take_word(char **place, const char *value)
{
	g_free(*place);
	*place = g_strdup(value);
	return 1;
}

/* 0: it is none of the words; 1: taken; -1: an error. */
static int set_word(struct destination_url *parsed, const char *name, size_t length,
		    const char *value, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strlen(words[i].name) != length || strncmp(words[i].name, name, length) != 0)
			continue;
		if (parsed->transport == NULL || !parsed->transport->secure)
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
				    "%s= is for tls and dtls, which have certificates",
				    words[i].name);
		else if (*value == '\0')
			g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s= has no value",
				    words[i].name);
		else
			return take_word(word_of(parsed, i), value);
		return -1;
	}
	return 0;
}

static bool no_option(const char *option, size_t length, const char *url, GError **error)
{
	g_auto(GStrv) keys = destination_url_keys();
	g_autofree char *list = g_strjoinv(", ", keys);

	return usage(error, url, "there is no option \"%.*s\"; the options are %s", (int)length,
		     option, list);
}

static bool parse_option(struct destination_url *parsed, const char *option, const char *url,
			 GError **error)
{
	size_t length = strcspn(option, "=");
	g_autofree char *value = NULL;
	int taken;

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
	taken = set_number(parsed, option, length, value, error);
	if (taken == 0)
		taken = set_word(parsed, option, length, value, error);
	if (taken < 0)
		g_prefix_error(error, "destination \"%s\": ", url);
	return taken != 0 ? taken > 0 : no_option(option, length, url, error);
}

static bool parse_query(struct destination_url *parsed, const char *query, const char *url,
			GError **error)
{
	g_auto(GStrv) parts = g_strsplit(query, "&", -1);

	for (size_t i = 0; parts[i] != NULL; i++) {
		if (parse_option(parsed, parts[i], url, error))
			continue;
		parsed->fault = g_strndup(parts[i], strcspn(parts[i], "="));
		return false;
	}
	return true;
}

/* The options come first, as they say whether it is a pattern. */
static bool parse_path(struct destination_url *parsed, const char *rest, const char *url,
		       GError **error)
{
	size_t length = strcspn(rest, "?");
	bool rotated;

	if (length == 0)
		return usage(error, url, "the path is missing; \"-\" is standard output");
	if (rest[length] != '\0' && !parse_query(parsed, rest + length + 1, url, error))
		return false;
	rotated = parsed->rotate_ns != 0 || parsed->rotate_octets != 0;
	parsed->path = rotated ? file_pattern_unescape(rest, rest + length)
			       : g_uri_unescape_segment(rest, rest + length, NULL);
	if (rotated && parsed->path == NULL)
		return usage(error, url,
			     "the path has a stray %%; with rotation there are " FILE_PATTERN_HELP
			     ", and %%%% for itself");
	if (parsed->path == NULL)
		return usage(error, url,
			     "the path has a stray %%; write %%25, or rotate= for times in it");
	if (rotated && strcmp(parsed->path, "-") == 0)
		return usage(error, url, "standard output cannot be rotated; name a file");
	return true;
}

/* What stands where a port does, behind a host; NULL: nothing, or it cannot be told. */
static const char *port_of(const char *place)
{
	const char *colon = strrchr(place, ':');

	if (!colon || colon == place || (strchr(place, ':') != colon && colon[-1] != ']'))
		return NULL;
	return colon + 1;
}

static bool no_place(const char *place, const char *url, GError **error)
{
	const char *port = port_of(place);

	if (port)
		return usage(error, url, "'%s' is no port; write a number from 1 to 65535", port);
	return usage(error, url,
		     "the collector is missing; write //HOST or //HOST:PORT, IPv6 addresses in "
		     "brackets");
}

/* //HOST[:PORT] */
static bool parse_place(struct destination_url *parsed, const char *rest, const char *url,
			GError **error)
{
	const char *host = rest + 2;
	size_t length = g_str_has_prefix(rest, "//") ? strcspn(host, "?") : 0;
	g_autofree char *place = g_strndup(host, length);
	g_autoptr(GNetworkAddress) address = NULL;
	guint16 port = parsed->ops->port ? parsed->ops->port : parsed->transport->port;
	guint16 most;

	if (length > 0)
		address = G_NETWORK_ADDRESS(g_network_address_parse(place, port, NULL));
	if (address == NULL || *g_network_address_get_hostname(address) == '\0' ||
	    g_network_address_get_port(address) == 0)
		return no_place(place, url, error);
	parsed->host = g_strdup(g_network_address_get_hostname(address));
	parsed->port = g_network_address_get_port(address);
	if (host[length] != '\0' && !parse_query(parsed, host + length + 1, url, error))
		return false;
	most = parsed->transport->message_most;
	if (most == 0 || parsed->mtu <= most)
		return true;
	parsed->fault = g_strdup("mtu");
	return usage(error, url, "mtu= of %s is at most %u", parsed->transport->name, most);
}

bool destination_url_parse_as(const char *url, const char *label, struct destination_url *ret_url,
			      char **ret_key, GError **error)
{
	struct destination_url parsed = { 0 };
	const char *rest = parse_head(url, label, &parsed, error);

	set_standards(&parsed);
	if (rest == NULL || (parsed.transport != NULL ? !parse_place(&parsed, rest, label, error)
						      : !parse_path(&parsed, rest, label, error))) {
		if (ret_key != NULL)
			*ret_key = g_steal_pointer(&parsed.fault);
		destination_url_clear(&parsed);
		return false;
	}
	*ret_url = parsed;
	return true;
}

bool destination_url_parse(const char *url, struct destination_url *ret_url, GError **error)
{
	return destination_url_parse_as(url, url, ret_url, NULL, error);
}

char **destination_url_keys(void)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		g_strv_builder_add(names, options[i].name);
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		g_strv_builder_add(names, numbers[i].name);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		g_strv_builder_add(names, words[i].name);
	return g_strv_builder_end(names);
}

char *destination_url_with(const char *url, const char *key, const char *value)
{
	g_autofree char *escaped = g_uri_escape_string(value, "/:,@", FALSE);

	return g_strconcat(url, strchr(url, '?') != NULL ? "&" : "?", key, "=", escaped, NULL);
}

void destination_url_clear(struct destination_url *url)
{
	char **const texts[] = { &url->path, &url->host, &url->spool, &url->template_name,
				 &url->fault };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(texts[i], g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		g_clear_pointer(word_of(url, i), g_free);
}
