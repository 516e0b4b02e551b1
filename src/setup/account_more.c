/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/account_more.h"

#include "base/json.h"

/* --- copies --- */

void account_add_copies(struct account *account, const struct account_copies *copies)
{
	for (size_t i = 0; i < account->copies_count; i++) {
		struct account_copies *known = &account->copies[i];

		if (strcmp(known->first, copies->first) != 0 ||
		    strcmp(known->again, copies->again) != 0)
			continue;
		known->packets += copies->packets;
		known->frame_octets += copies->frame_octets;
		return;
	}
	account->copies =
		g_renew(struct account_copies, account->copies, account->copies_count + 1);
	account->copies[account->copies_count++] =
		(struct account_copies){ .first = g_strdup(copies->first),
					 .again = g_strdup(copies->again),
					 .packets = copies->packets,
					 .frame_octets = copies->frame_octets };
}

void account_clear_copies(struct account *account)
{
	for (size_t i = 0; i < account->copies_count; i++) {
		g_free(account->copies[i].first);
		g_free(account->copies[i].again);
	}
	g_free(account->copies);
}

/* Those of no pair: there were too many. */
static struct account_copies other_copies(const struct account *account)
{
	const struct account_packets *all = &account->set_aside[METER_DUPLICATE];
	struct account_copies rest = { .packets = all->packets, .frame_octets = all->frame_octets };

	for (size_t i = 0; i < account->copies_count; i++) {
		rest.packets -= MIN(rest.packets, account->copies[i].packets);
		rest.frame_octets -= MIN(rest.frame_octets, account->copies[i].frame_octets);
	}
	return rest;
}

static void print_copies(const struct account_copies *copies, FILE *to)
{
	if (copies->packets == 0)
		return;
	fprintf(to, "%-13s %14" G_GUINT64_FORMAT " %16" G_GUINT64_FORMAT " %16s  ", "duplicates",
		copies->packets, copies->frame_octets, "");
	if (copies->first)
		fprintf(to, "first at %s, again at %s\n", copies->first, copies->again);
	else
		fputs("at other interfaces\n", to);
}

static void add_copies(JsonBuilder *json, const struct account_copies *copies)
{
	if (copies->packets == 0)
		return;
	json_builder_begin_object(json);
	json_put_text(json, "first", copies->first);
	json_put_text(json, "again", copies->again);
	json_put_count(json, "packets", copies->packets);
	json_put_count(json, "frameOctets", copies->frame_octets);
	json_builder_end_object(json);
}

static void add_duplicates(const struct account *account, JsonBuilder *json)
{
	const struct account_copies rest = other_copies(account);

	json_begin_list(json, "duplicates");
	for (size_t i = 0; i < account->copies_count; i++)
		add_copies(json, &account->copies[i]);
	add_copies(json, &rest);
	json_builder_end_array(json);
}

/* --- geolocation --- */

static void add_places(const struct account *account, JsonBuilder *json)
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

	json_begin_group(json, "geo");
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		json_put_count(json, members[i].name, members[i].value);
	}
	json_builder_end_object(json);
}

void account_print_more(const struct account *account, FILE *to)
{
	const struct account_copies rest = other_copies(account);

	for (size_t i = 0; i < account->copies_count; i++)
		print_copies(&account->copies[i], to);
	print_copies(&rest, to);
	if (account->places_asked == 0)
		return;
	fprintf(to,
		"%-13s %14" G_GUINT64_FORMAT " addresses, %.2f %% of them answered from memory\n",
		"geolocation", account->places_asked,
		100.0 * (double)account->places_remembered / (double)account->places_asked);
}

void account_add_more(const struct account *account, JsonBuilder *json)
{
	add_duplicates(account, json);
	add_places(account, json);
}
