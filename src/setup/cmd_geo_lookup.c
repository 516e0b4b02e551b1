/* SPDX-License-Identifier: BSD-2-Clause */
/* weir geo lookup ADDRESS...: what records hold of an address, by the same way they get it. */
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "enrich/geo_address.h"
#include "setup/places.h"

#define NETWORK	 "network"
#define TYPE	 "databaseType"
#define BUILT	 "databaseBuildTime"
#define NS_PER_S 1000000000

struct asked {
	const char *text;
	guint8 octets[16];
	guint8 version;
	const struct flow_place *place;
	guint bits; /* of its network; of the IPv4 one inside it, where there is one */
};

static bool parse(const char *text, struct asked *asked, GError **error)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);
	gsize length;

	if (!address) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "'%s' is not an address; give IPv4 or IPv6 ones", text);
		return false;
	}
	length = g_inet_address_get_native_size(address);
	*asked = (struct asked){ .text = text, .version = length == 4 ? 4 : 6 };
	if (length == 4)
		memset(asked->octets + 10, 0xff, 2);
	memcpy(asked->octets + 16 - length, g_inet_address_to_bytes(address), length);
	return true;
}

static char *network_of(const struct asked *asked)
{
	struct geo_address prefix = geo_address_of(asked->octets, asked->version);
	const bool ipv4 = geo_address_is_ipv4(&prefix);
	g_autoptr(GInetAddress) address = NULL;
	g_autofree char *text = NULL;
	guint8 octets[16];

	geo_address_cut(&prefix, asked->bits + (ipv4 ? GEO_IPV4_BITS : 0));
	geo_address_octets(&prefix, octets);
	address = g_inet_address_new_from_bytes(octets + (ipv4 ? 12 : 0),
						ipv4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
	text = g_inet_address_to_string(address);
	return g_strdup_printf("%s/%u", text, asked->bits);
}

static char *built_of(const struct flow_database *database)
{
	g_autoptr(GDateTime) time =
		g_date_time_new_from_unix_utc((gint64)(database->built_ns / NS_PER_S));

	return time && database->built_ns ? g_date_time_format_iso8601(time) : NULL;
}

static char *text_of(const struct flow_text *text)
{
	return g_strndup(text->octets, text->length);
}

/* --- for programs --- */

static void add_value(JsonBuilder *json, const struct flow_place *place,
		      enum flow_place_value value)
{
	g_autofree char *text = NULL;

	json_builder_set_member_name(json, flow_place_name(value));
	switch (flow_place_kind(value)) {
	case FLOW_PLACE_TEXT:
		text = text_of(&place->cells[value].text);
		json_builder_add_string_value(json, text);
		break;
	case FLOW_PLACE_REAL:
		json_builder_add_double_value(json, place->cells[value].real);
		break;
	case FLOW_PLACE_NUMBER:
		json_builder_add_int_value(json, (gint64)place->cells[value].number);
		break;
	}
}

static void add_database(JsonBuilder *json, const struct flow_database *database)
{
	g_autofree char *type = text_of(&database->type);
	g_autofree char *built = built_of(database);

	json_put_text(json, TYPE, type);
	if (built)
		json_put_text(json, BUILT, built);
}

static void print_json(const struct asked *asked)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *network = network_of(asked);
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	json_put_text(json, "address", asked->text);
	json_put_text(json, NETWORK, network);
	for (int value = 0; value < FLOW_PLACE_VALUES; value++) {
		if (flow_place_knows(asked->place, (enum flow_place_value)value))
			add_value(json, asked->place, (enum flow_place_value)value);
	}
	if (asked->place->database)
		add_database(json, asked->place->database);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	json_generator_set_root(generator, root);
	text = json_generator_to_data(generator, NULL);
	puts(text);
}

/* --- for people --- */

static void print_line(const char *name, const char *text)
{
	printf("  %-18s %s\n", name, text);
}

static void print_value(const struct flow_place *place, enum flow_place_value value)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	g_autofree char *text = NULL;

	switch (flow_place_kind(value)) {
	case FLOW_PLACE_TEXT:
		text = text_of(&place->cells[value].text);
		break;
	case FLOW_PLACE_REAL:
		text = g_strdup(
			g_ascii_formatd(digits, sizeof(digits), "%.10g", place->cells[value].real));
		break;
	case FLOW_PLACE_NUMBER:
		text = g_strdup_printf("%" G_GUINT64_FORMAT, place->cells[value].number);
		break;
	}
	print_line(flow_place_name(value), text);
}

static void print_text(const struct asked *asked)
{
	const struct flow_database *database = asked->place->database;
	g_autofree char *network = network_of(asked);

	printf("%s\n", asked->text);
	print_line(NETWORK, network);
	for (int value = 0; value < FLOW_PLACE_VALUES; value++) {
		if (flow_place_knows(asked->place, (enum flow_place_value)value))
			print_value(asked->place, (enum flow_place_value)value);
	}
	if (database) {
		g_autofree char *type = text_of(&database->type);
		g_autofree char *built = built_of(database);

		print_line(TYPE, type);
		if (built)
			print_line(BUILT, built);
	}
}

/* All of them are addresses before any is looked up. */
static bool check(char *const *arguments, GError **error)
{
	for (char *const *text = arguments; *text; text++) {
		struct asked asked;

		if (!parse(*text, &asked, error))
			return false;
	}
	return true;
}

static bool lookup(const struct options *options, GError **error)
{
	const struct places_options places = places_options_of(options);
	struct geo *geo = check(options->arguments, error) ? places_open(&places, error) : NULL;

	if (!geo)
		return false;
	for (char *const *text = options->arguments; *text; text++) {
		struct asked asked;

		if (!parse(*text, &asked, NULL))
			continue; /* cannot be: see check() */
		asked.place = geo_find(geo, asked.octets, asked.version, &asked.bits);
		if (options->values[OPTION_AS_JSON].number)
			print_json(&asked);
		else
			print_text(&asked);
	}
	geo_free(geo);
	return true;
}

int cmd_geo_lookup(int argc, char **argv)
{
	return command_main(COMMAND_GEO_LOOKUP, argc, argv, lookup);
}
