/* SPDX-License-Identifier: BSD-2-Clause */
/* The account of a run: its equations, and how it is told to people and to programs. */
#include "setup/account.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>

#include "base/json.h"
#include "export/past.h"
#include "setup/account_more.h"

#define COUNT "%" G_GUINT64_FORMAT

void account_clear(struct account *account)
{
	for (size_t i = 0; i < account->destinations_count; i++) {
		g_free((char *)account->destinations[i].url);
		g_free((char *)account->destinations[i].name);
	}
	g_free(account->destinations);
	g_free(account->before);
	account_clear_copies(account);
	*account = (struct account){ 0 };
}

static guint64 lost_octets(const struct export_counts *counts)
{
	return counts->overflow_octets + counts->failed_octets + counts->untold_octets;
}

static struct account_drops drops_sum(const struct account_drops *drops)
{
	struct account_drops sum = { 0 };

	for (size_t i = 0; i < ACCOUNT_DROP_REASONS; i++) {
		sum.records += drops[i].records;
		sum.packets += drops[i].packets;
		sum.octets += drops[i].octets;
	}
	return sum;
}

static struct account_drops drop_of(const struct account_drops *earlier, guint64 flows,
				    guint64 packets, guint64 octets)
{
	return (struct account_drops){ .records = earlier->records + flows,
				       .packets = earlier->packets + packets,
				       .octets = earlier->octets + octets };
}

/* Adds what a destination counts to what earlier processes left. */
static void settle(struct account *account, const struct export_counts *counts)
{
	const struct account_flows *earlier = &account->earlier;
	const struct account_drops *dropped = account->earlier_dropped;

	account->exported = (struct account_flows){ .flows = earlier->flows + counts->flows,
						    .records = earlier->records + counts->records,
						    .packets = earlier->packets + counts->packets,
						    .octets = earlier->octets + counts->octets };
	account->spooled = (struct account_flows){ .flows = counts->spooled_flows,
						   .records = counts->spooled_records,
						   .packets = counts->spooled_packets,
						   .octets = counts->spooled_octets };
	account->dropped[ACCOUNT_OVERFLOW] =
		drop_of(&dropped[ACCOUNT_OVERFLOW], counts->overflow_flows,
			counts->overflow_packets, counts->overflow_octets);
	account->dropped[ACCOUNT_FAILED] = drop_of(&dropped[ACCOUNT_FAILED], counts->failed_flows,
						   counts->failed_packets, counts->failed_octets);
	account->dropped[ACCOUNT_UNTOLD] = drop_of(&dropped[ACCOUNT_UNTOLD], counts->untold_flows,
						   counts->untold_packets, counts->untold_octets);
}

void account_add_counts(struct account *account, const struct meter_counts *counts)
{
	account->metered.packets += counts->packets[METER_OK];
	account->metered.octets += counts->octets;
	account->metered.frame_octets += counts->frame_octets[METER_OK];
	for (int reason = METER_OK + 1; reason < METER_VERDICTS; reason++) {
		struct account_packets *aside = &account->set_aside[reason];

		aside->packets += counts->packets[reason];
		aside->frame_octets += counts->frame_octets[reason];
		aside->octets += counts->frame_octets[reason]; /* it has no others */
	}
	account->evicted_flows += counts->evicted;
	account->extended += counts->extended;
	account->orphans += counts->orphans;
}

/* Of one destination and those before it. */
static struct export_counts whole(const struct account *account, size_t i)
{
	struct export_counts sum = account->before[i];

	counts_add(&sum, &account->destinations[i]);
	return sum;
}

void account_add_destination(struct account *account, const struct export_counts *counts,
			     const struct export_counts *before)
{
	size_t count = account->destinations_count++;
	struct export_counts worst = { 0 };
	struct export_counts sum = { 0 };

	account->destinations = g_renew(struct export_counts, account->destinations, count + 1);
	account->destinations[count] = *counts;
	account->destinations[count].url = g_strdup(counts->url);
	account->destinations[count].name = g_strdup(counts->name);
	account->before = g_renew(struct export_counts, account->before, count + 1);
	account->before[count] = before ? *before : (struct export_counts){ 0 };
	for (size_t i = 0; i <= count; i++) {
		struct export_counts one = whole(account, i);

		counts_add(&sum, &one);
		if (i == 0 || one.octets < worst.octets)
			worst = one;
	}
	settle(account, counts->shared ? &sum : &worst);
}

void account_add_fanout(struct account *account, const struct fanout *fanout)
{
	for (size_t i = 0; i < fanout_count(fanout); i++) {
		const struct export_counts before = fanout_before(fanout, i);

		account_add_destination(account, fanout_counts(fanout, i), &before);
	}
}

static struct account_packets set_aside_sum(const struct account *account)
{
	struct account_packets sum = { 0 };

	for (size_t i = 0; i < METER_VERDICTS; i++) {
		sum.packets += account->set_aside[i].packets;
		sum.octets += account->set_aside[i].octets;
		sum.frame_octets += account->set_aside[i].frame_octets;
	}
	return sum;
}

static guint64 less(guint64 all, guint64 part)
{
	return all > part ? all - part : 0;
}

void account_guess_cache(struct account *account)
{
	struct account_drops dropped = drops_sum(account->dropped);

	account->goes_on = true;
	account->in_cache.packets =
		less(account->metered.packets,
		     account->exported.packets + account->spooled.packets + dropped.packets);
	account->in_cache.octets =
		less(account->metered.octets,
		     account->exported.octets + account->spooled.octets + dropped.octets);
}

static bool destination_balanced(const struct account *account, const struct export_counts *counts)
{
	struct account_drops dropped = drops_sum(account->earlier_dropped);
	guint64 packets = counts->packets + counts->overflow_packets + counts->failed_packets +
			  counts->untold_packets + counts->spooled_packets +
			  counts->elsewhere_packets + counts->absent_packets +
			  account->earlier.packets + dropped.packets;
	guint64 octets = counts->octets + lost_octets(counts) + counts->spooled_octets +
			 counts->elsewhere_octets + counts->absent_octets +
			 account->earlier.octets + dropped.octets;

	if (account->goes_on)
		return packets <= account->metered.packets && octets <= account->metered.octets;
	return account->metered.packets == packets + account->in_cache.packets &&
	       account->metered.octets == octets + account->in_cache.octets;
}

bool account_balanced(const struct account *account, struct account_balance *ret_balance)
{
	struct account_packets aside = set_aside_sum(account);
	struct account_drops dropped = drops_sum(account->dropped);
	struct account_balance balance = {
		.seen_packets =
			(gint64)(account->seen.packets - account->metered.packets - aside.packets),
		.seen_octets = (gint64)(account->seen.frame_octets - account->metered.frame_octets -
					aside.frame_octets),
		.metered_packets = (gint64)(account->metered.packets - account->exported.packets -
					    account->spooled.packets - account->in_cache.packets -
					    dropped.packets),
		.metered_octets = (gint64)(account->metered.octets - account->exported.octets -
					   account->spooled.octets - account->in_cache.octets -
					   dropped.octets),
	};

	for (size_t i = 0; i < account->destinations_count; i++)
		balance.unbalanced_destinations +=
			!destination_balanced(account, &account->destinations[i]);
	if (ret_balance)
		*ret_balance = balance;
	return !balance.seen_packets && !balance.seen_octets && !balance.metered_packets &&
	       !balance.metered_octets && !balance.unbalanced_destinations;
}

/* --- for people --- */

static void print_row(FILE *to, const char *label, guint64 packets, const guint64 *frame_octets,
		      const guint64 *octets)
{
	fprintf(to, "%-13s %14" G_GUINT64_FORMAT, label, packets);
	if (frame_octets)
		fprintf(to, " %16" G_GUINT64_FORMAT, *frame_octets);
	else
		fprintf(to, " %16s", "");
	if (octets)
		fprintf(to, " %16" G_GUINT64_FORMAT, *octets);
}

static void print_set_aside(const struct account *account, FILE *to)
{
	struct account_packets sum = set_aside_sum(account);

	print_row(to, "set aside", sum.packets, &sum.frame_octets, NULL);
	fputc('\n', to);
	for (size_t i = 0; i < METER_VERDICTS; i++) {
		const struct account_packets *row = &account->set_aside[i];
		g_autofree char *label = g_strdup_printf("  %s", account_set_aside_names[i].name);

		if (row->packets == 0)
			continue;
		print_row(to, label, row->packets, &row->frame_octets, NULL);
		fprintf(to, "  %s\n", account_set_aside_names[i].text);
	}
}

static void print_dropped(const struct account *account, FILE *to)
{
	for (size_t i = 0; i < ACCOUNT_DROP_REASONS; i++) {
		const struct account_drops *row = &account->dropped[i];
		g_autofree char *label = g_strdup_printf("  %s", account_drop_names[i].name);

		if (row->packets == 0 && row->records == 0)
			continue;
		print_row(to, label, row->packets, NULL, &row->octets);
		fprintf(to, "  in " COUNT " flows: %s\n", row->records, account_drop_names[i].text);
	}
}

static void print_earlier(const struct account *account, FILE *to)
{
	const struct account_flows *earlier = &account->earlier;
	const struct account_flows *doubt = &account->in_doubt;

	if (earlier->flows > 0) {
		print_row(to, "  earlier", earlier->packets, NULL, &earlier->octets);
		fprintf(to, "  " COUNT " flows, by the process before this one\n", earlier->flows);
	}
	if (doubt->flows > 0) {
		print_row(to, "  in doubt", doubt->packets, NULL, &doubt->octets);
		fprintf(to,
			"  " COUNT " flows that process was writing when it died: they may have "
			"been written twice\n",
			doubt->flows);
	}
}

static void print_destinations(const struct account *account, FILE *to)
{
	if (account->destinations_count < 2)
		return;
	for (size_t i = 0; i < account->destinations_count; i++) {
		const struct export_counts *counts = &account->destinations[i];

		print_row(to, "  to", counts->packets, NULL, &counts->octets);
		fprintf(to, "  %s: " COUNT " flows in " COUNT " records, " COUNT " lost\n",
			counts->name ? counts->name : counts->url, counts->flows, counts->records,
			counts->overflow_flows + counts->failed_flows + counts->untold_flows);
	}
}

static void print_verdict(const struct account *account, FILE *to)
{
	struct account_balance balance;

	if (account_balanced(account, &balance)) {
		fputs("balanced\n", to);
		return;
	}
	fprintf(to,
		"NOT BALANCED: seen but not accounted for %" G_GINT64_FORMAT
		" packets, %" G_GINT64_FORMAT
		" octets; metered but not accounted for %" G_GINT64_FORMAT
		" packets, %" G_GINT64_FORMAT " octets; %zu destinations out of balance\n",
		balance.seen_packets, balance.seen_octets, balance.metered_packets,
		balance.metered_octets, balance.unbalanced_destinations);
}

static void print_counts(const struct account *account, FILE *to)
{
	const struct account_packets *metered = &account->metered;
	struct account_drops dropped = drops_sum(account->dropped);

	fprintf(to, "%-13s %14s %16s %16s\n", "", "packets", "frame octets", "IP octets");
	print_row(to, "seen", account->seen.packets, &account->seen.frame_octets, NULL);
	fputc('\n', to);
	print_set_aside(account, to);
	print_row(to, "metered", metered->packets, &metered->frame_octets, &metered->octets);
	fputc('\n', to);
	print_row(to, "exported", account->exported.packets, NULL, &account->exported.octets);
	fprintf(to, "  " COUNT " flows in " COUNT " records\n", account->exported.flows,
		account->exported.records);
	print_earlier(account, to);
	print_destinations(account, to);
	if (account->spooled.flows > 0) {
		print_row(to, "spooled", account->spooled.packets, NULL, &account->spooled.octets);
		fprintf(to, "  " COUNT " flows, on disk for the next run to send\n",
			account->spooled.flows);
	}
	print_row(to, "in cache", account->in_cache.packets, NULL, &account->in_cache.octets);
	if (account->in_cache.flows > 0 || account->in_cache.packets == 0)
		fprintf(to, "  " COUNT " flows", account->in_cache.flows);
	fputc('\n', to);
	print_row(to, "dropped", dropped.packets, NULL, &dropped.octets);
	fputc('\n', to);
	print_dropped(account, to);
	if (account->evicted_flows > 0)
		fprintf(to,
			"%-13s %14" G_GUINT64_FORMAT " flows left a full table of " COUNT
			" early; --max-flows makes it larger\n",
			"evicted", account->evicted_flows, account->max_flows);
	if (account->extended > 0)
		fprintf(to,
			"%-13s %14" G_GUINT64_FORMAT
			" packets, counted in records that were due: --ring makes more room\n",
			"extended", account->extended);
	account_print_more(account, to);
}

void account_print(const struct account *account, FILE *to)
{
	print_counts(account, to);
	print_verdict(account, to);
}

char *account_to_text(const struct account *account)
{
	char *text = NULL;
	char *copy;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	print_counts(account, to);
	fclose(to);
	copy = g_strndup(text, length);
	free(text);
	return copy;
}

/* --- for programs --- */

static void add_flag(JsonBuilder *json, const char *name, bool value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_boolean_value(json, value);
}

static void add_packets(JsonBuilder *json, const char *name, const struct account_packets *row)
{
	json_begin_group(json, name);
	json_put_count(json, "packets", row->packets);
	json_put_count(json, "octets", row->octets);
	json_put_count(json, "frameOctets", row->frame_octets);
	json_builder_end_object(json);
}

static void add_flows(JsonBuilder *json, const char *name, const struct account_flows *row)
{
	json_begin_group(json, name);
	json_put_count(json, "flows", row->flows);
	json_put_count(json, "records", row->records);
	json_put_count(json, "packets", row->packets);
	json_put_count(json, "octets", row->octets);
	json_builder_end_object(json);
}

static void add_dropped(JsonBuilder *json, const struct account_drops *rows)
{
	json_begin_group(json, "dropped");
	for (size_t i = 0; i < ACCOUNT_DROP_REASONS; i++) {
		json_begin_group(json, account_drop_names[i].name);
		json_put_count(json, "records", rows[i].records);
		json_put_count(json, "packets", rows[i].packets);
		json_put_count(json, "octets", rows[i].octets);
		json_builder_end_object(json);
	}
	json_builder_end_object(json);
}

static void add_destination(JsonBuilder *json, const struct export_counts *counts)
{
	struct account one = { 0 };
	g_autofree char *url = g_utf8_make_valid(counts->url, -1);

	settle(&one, counts);
	json_builder_begin_object(json);
	if (counts->name) {
		json_builder_set_member_name(json, "name");
		json_builder_add_string_value(json, counts->name);
	}
	json_builder_set_member_name(json, "url");
	json_builder_add_string_value(json, url);
	add_flows(json, "exported", &one.exported);
	add_flows(json, "spooled", &one.spooled);
	add_dropped(json, one.dropped);
	json_begin_group(json, "elsewhere");
	json_put_count(json, "flows", counts->elsewhere_flows);
	json_put_count(json, "packets", counts->elsewhere_packets);
	json_put_count(json, "octets", counts->elsewhere_octets);
	json_builder_end_object(json);
	json_begin_group(json, "absent");
	json_put_count(json, "flows", counts->absent_flows);
	json_put_count(json, "packets", counts->absent_packets);
	json_put_count(json, "octets", counts->absent_octets);
	json_builder_end_object(json);
	json_put_count(json, "repeated", counts->repeated);
	json_put_count(json, "recovered", counts->recovered);
	json_builder_end_object(json);
}

static void add_input(JsonBuilder *json, const struct account *account)
{
	struct account_packets seen = set_aside_sum(account);

	/* Octets in the meter's sense: of what is no IP packet, the frame. */
	seen.packets = account->seen.packets;
	seen.octets += account->metered.octets;
	seen.frame_octets = account->seen.frame_octets;
	add_packets(json, "seen", &seen);
	add_packets(json, "metered", &account->metered);
	json_begin_group(json, "setAside");
	for (size_t i = METER_OK + 1; i < METER_VERDICTS; i++)
		add_packets(json, account_set_aside_names[i].name, &account->set_aside[i]);
	json_builder_end_object(json);
}

static void add_output(JsonBuilder *json, const struct account *account)
{
	add_flows(json, "exported", &account->exported);
	add_flows(json, "earlier", &account->earlier);
	add_flows(json, "inDoubt", &account->in_doubt);
	json_begin_group(json, "inCache");
	json_put_count(json, "flows", account->in_cache.flows);
	json_put_count(json, "packets", account->in_cache.packets);
	json_put_count(json, "octets", account->in_cache.octets);
	json_builder_end_object(json);
	add_flows(json, "spooled", &account->spooled);
	add_dropped(json, account->dropped);
	json_begin_list(json, "destinations");
	for (size_t i = 0; i < account->destinations_count; i++)
		add_destination(json, &account->destinations[i]);
	json_builder_end_array(json);
}

char *account_to_json(const struct account *account)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	add_input(json, account);
	add_output(json, account);
	json_begin_group(json, "table");
	json_put_count(json, "maxFlows", account->max_flows);
	json_put_count(json, "memoryOctets", account->memory_octets);
	json_put_count(json, "evictedFlows", account->evicted_flows);
	json_put_count(json, "extended", account->extended);
	json_put_count(json, "orphanFragments", account->orphans);
	json_builder_end_object(json);
	account_add_more(account, json);
	add_flag(json, "damaged", account->damaged);
	add_flag(json, "balanced", account_balanced(account, NULL));
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	text = json_generator_to_data(generator, NULL);
	return g_strconcat(text, "\n", NULL);
}
