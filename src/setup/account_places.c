/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/account_places.h"

void account_print_places(const struct account *account, FILE *to)
{
	if (account->places_asked == 0)
		return;
	fprintf(to,
		"%-13s %14" G_GUINT64_FORMAT " addresses, %.2f %% of them answered from memory\n",
		"geolocation", account->places_asked,
		100.0 * (double)account->places_remembered / (double)account->places_asked);
}

void account_add_places(const struct account *account, JsonBuilder *json)
{
	const struct {
		const char *name;
		guint64 value;
	} members[] = {
		{ "lookups", account->places_asked },
		{ "hits", account->places_remembered },
		{ "reloads", account->places_reloads },
		{ "reloadFailures", account->places_reload_failures },
	};

	json_builder_set_member_name(json, "geo");
	json_builder_begin_object(json);
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		json_builder_set_member_name(json, members[i].name);
		json_builder_add_int_value(json, (gint64)members[i].value);
	}
	json_builder_end_object(json);
}
