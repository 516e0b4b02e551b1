/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle WORLD NETWORKS|- COUNTRIES...: does a built database agree with the texts it was made
 * from? Reads them itself, keeps them as lists of ranges, and compares by bisection what it finds
 * there with what libmaxminddb finds in the database: at the first and the last address of every
 * range and the ones beside them, and at a million random ones. */
#include <arpa/inet.h>
#include <glib.h>
#include <maxminddb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RANDOM	  1000000
#define SEED	  20260625
#define SHOWN	  10
#define NO_PARENT G_MAXUINT

typedef unsigned __int128 address; /* IPv4 as it is: families are kept apart */

enum family {
	IPV4,
	IPV6,
	FAMILIES
};

struct span {
	address first;
	address last;
	guint parent; /* the narrowest one around it */
	guint32 as;
	char country[3];
};

struct input {
	GArray *spans[FAMILIES]; /* struct span, by first, wider ones before narrower ones */
	time_t made;
};

/* What is said of an address. */
struct said {
	const char *country; /* "" : none */
	const char *as_name;
	guint32 as;
};

struct check {
	struct input countries;
	struct input networks;
	GHashTable *names; /* char * by AS */
	MMDB_s world;
	GHashTable *known; /* struct said * by the entry's offset */
	guint64 checked;
	guint64 wrong;
};

static void die(const char *what, const char *about)
{
	fprintf(stderr, "oracle: %s: %s\n", what, about);
	exit(2);
}

static address parse_address(const char *text, enum family *ret_family)
{
	guint8 octets[16];
	address number = 0;
	int length;

	*ret_family = strchr(text, ':') ? IPV6 : IPV4;
	length = *ret_family == IPV6 ? 16 : 4;
	if (inet_pton(*ret_family == IPV6 ? AF_INET6 : AF_INET, text, octets) != 1)
		die("not an address", text);
	for (int i = 0; i < length; i++)
		number = number << 8 | octets[i];
	return number;
}

static void note_date(struct input *input, const char *line)
{
	struct tm time = { 0 };

	if (strptime(line, "# Generated: %a, %d %b %Y %H:%M:%S", &time))
		input->made = timegm(&time);
}

static void read_countries(struct input *input, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[1024];

	if (!file)
		die("cannot open", path);
	while (fgets(line, sizeof(line), file)) {
		g_auto(GStrv) parts = g_strsplit(g_strchomp(line), ",", -1);
		struct span span = { .parent = NO_PARENT };
		enum family family = IPV4;

		note_date(input, line);
		if (line[0] == '#' || g_strv_length(parts) != 3)
			continue;
		if (strchr(parts[0], ':')) {
			span.first = parse_address(parts[0], &family);
			span.last = parse_address(parts[1], &family);
		} else {
			span.first = g_ascii_strtoull(parts[0], NULL, 10);
			span.last = g_ascii_strtoull(parts[1], NULL, 10);
		}
		if (strcmp(parts[2], "??") != 0)
			g_strlcpy(span.country, parts[2], sizeof(span.country));
		g_array_append_val(input->spans[family], span);
	}
	fclose(file);
}

static struct span *add_network(struct input *input, char *network)
{
	char *slash = strchr(network, '/');
	struct span span = { .parent = NO_PARENT };
	enum family family;
	int free_bits;

	if (!slash)
		die("not a network", network);
	*slash = '\0';
	span.first = parse_address(network, &family);
	free_bits = (family == IPV6 ? 128 : 32) - (int)g_ascii_strtoll(slash + 1, NULL, 10);
	span.last = span.first;
	span.last |= free_bits == 128 ? ~(address)0 : ((address)1 << free_bits) - 1;
	g_array_append_val(input->spans[family], span);
	return &g_array_index(input->spans[family], struct span, input->spans[family]->len - 1);
}

/* "AS1" begins what is said of it, "1" is the network's. */
static guint32 take_as(const char *value, struct span **span)
{
	bool begins = g_str_has_prefix(value, "AS");
	guint32 as = (guint32)g_ascii_strtoull(value + (begins ? 2 : 0), NULL, 10);

	if (begins)
		*span = NULL;
	else if (*span)
		(*span)->as = as;
	return as;
}

static void read_networks(struct check *check, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct span *span = NULL;
	char line[4096];
	char value[4096];
	guint32 as = 0;

	if (!file)
		die("cannot open", path);
	while (fgets(line, sizeof(line), file)) {
		note_date(&check->networks, line);
		if (sscanf(line, "net: %s", value) == 1)
			span = add_network(&check->networks, value);
		else if (sscanf(line, "country: %2s", value) == 1 && span)
			g_strlcpy(span->country, value, sizeof(span->country));
		else if (sscanf(line, "aut-num: %s", value) == 1)
			as = take_as(value, &span);
		else if (sscanf(line, "name: %[^\n]", value) == 1 && *g_strchomp(value))
			g_hash_table_insert(check->names, GUINT_TO_POINTER(as), g_strdup(value));
	}
	fclose(file);
}

static int by_first(const void *a, const void *b)
{
	const struct span *one = a;
	const struct span *other = b;

	if (one->first != other->first)
		return one->first < other->first ? -1 : 1;
	return one->last > other->last ? -1 : one->last < other->last;
}

static void find_parents(GArray *spans)
{
	guint open = NO_PARENT;

	qsort(spans->data, spans->len, sizeof(struct span), by_first);
	for (guint i = 0; i < spans->len; i++) {
		struct span *span = &g_array_index(spans, struct span, i);

		while (open != NO_PARENT &&
		       g_array_index(spans, struct span, open).last < span->first)
			open = g_array_index(spans, struct span, open).parent;
		span->parent = open;
		open = i;
	}
}

/* NULL: none has it. */
static const struct span *find(const GArray *spans, address at)
{
	guint low = 0;
	guint high = spans->len;

	while (low < high) { /* the first one that begins above */
		guint middle = low + (high - low) / 2;

		if (g_array_index(spans, struct span, middle).first <= at)
			low = middle + 1;
		else
			high = middle;
	}
	for (guint i = low ? low - 1 : NO_PARENT; i != NO_PARENT;) {
		const struct span *span = &g_array_index(spans, struct span, i);

		if (at <= span->last)
			return span;
		i = span->parent;
	}
	return NULL;
}

/* Ways to write an address of IPv4 as one of IPv6; what inputs say of these as IPv6 is not read. */
static bool find_ipv4_in(address at, address *ret_ipv4)
{
	*ret_ipv4 = (guint32)at;
	if (at >> 32 == 0 || at >> 32 == 0xffff ||
	    at >> 32 == ((address)0x0064ff9b00000000ULL << 32))
		return true;
	*ret_ipv4 = (guint32)(at >> 80);
	return at >> 112 == 0x2002;
}

static const char *country_in(const struct input *input, enum family family, address at)
{
	const struct span *span = find(input->spans[family], at);

	return span ? span->country : "";
}

static struct said expected(const struct check *check, enum family family, address at)
{
	struct said said = { .country = "", .as_name = "" };
	const struct input *first = &check->countries;
	const struct input *second = &check->networks;
	const struct span *network;
	const char *name;
	address ipv4;

	if (family == IPV6 && find_ipv4_in(at, &ipv4))
		return expected(check, IPV4, ipv4);
	if (check->networks.made > check->countries.made) {
		first = &check->networks;
		second = &check->countries;
	}
	said.country = country_in(first, family, at);
	if (!*said.country)
		said.country = country_in(second, family, at);
	network = find(check->networks.spans[family], at);
	if (!network)
		return said;
	said.as = network->as;
	name = said.as ? g_hash_table_lookup(check->names, GUINT_TO_POINTER(said.as)) : NULL;
	said.as_name = name ? name : "";
	return said;
}

static char *text_of(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return g_strdup("");
	return g_strndup(data.utf8_string, data.data_size);
}

static const struct said *decode(struct check *check, MMDB_entry_s *entry)
{
	static const char *const country[] = { "country", "iso_code", NULL };
	static const char *const as_name[] = { "autonomous_system_organization", NULL };
	static const char *const as[] = { "autonomous_system_number", NULL };
	struct said *said = g_hash_table_lookup(check->known, GUINT_TO_POINTER(entry->offset + 1));
	MMDB_entry_data_s data;

	if (said)
		return said;
	said = g_new0(struct said, 1);
	said->country = text_of(entry, country);
	said->as_name = text_of(entry, as_name);
	if (MMDB_aget_value(entry, &data, as) == MMDB_SUCCESS && data.has_data &&
	    data.type == MMDB_DATA_TYPE_UINT32)
		said->as = data.uint32;
	g_hash_table_insert(check->known, GUINT_TO_POINTER(entry->offset + 1), said);
	return said;
}

static struct said found(struct check *check, enum family family, address at)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct said none = { .country = "", .as_name = "" };
	MMDB_lookup_result_s result;
	int damaged;

	for (int i = 0; i < 16; i++)
		six.sin6_addr.s6_addr[i] = (guint8)(at >> (8 * (15 - i)));
	four.sin_addr.s_addr = htonl((guint32)at);
	result = MMDB_lookup_sockaddr(&check->world,
				      family == IPV6 ? (const struct sockaddr *)&six
						     : (const struct sockaddr *)&four,
				      &damaged);
	if (damaged != MMDB_SUCCESS)
		die("cannot look up", MMDB_strerror(damaged));
	return result.found_entry ? *decode(check, &result.entry) : none;
}

static void show(enum family family, address at, const struct said *is, const struct said *wanted)
{
	char text[INET6_ADDRSTRLEN];
	guint8 octets[16];
	int length = family == IPV6 ? 16 : 4;

	for (int i = 0; i < length; i++)
		octets[i] = (guint8)(at >> (8 * (length - 1 - i)));
	inet_ntop(family == IPV6 ? AF_INET6 : AF_INET, octets, text, sizeof(text));
	fprintf(stderr, "%s: is %s AS%u '%s', should be %s AS%u '%s'\n", text, is->country, is->as,
		is->as_name, wanted->country, wanted->as, wanted->as_name);
}

static void compare(struct check *check, enum family family, address at)
{
	struct said wanted = expected(check, family, at);
	struct said is = found(check, family, at);

	check->checked++;
	if (is.as == wanted.as && strcmp(is.country, wanted.country) == 0 &&
	    strcmp(is.as_name, wanted.as_name) == 0)
		return;
	if (check->wrong++ < SHOWN)
		show(family, at, &is, &wanted);
}

static void compare_boundaries(struct check *check, const struct input *input)
{
	for (int family = IPV4; family < FAMILIES; family++) {
		address most = family == IPV6 ? ~(address)0 : G_MAXUINT32;

		for (guint i = 0; i < input->spans[family]->len; i++) {
			struct span span = g_array_index(input->spans[family], struct span, i);

			compare(check, family, span.first);
			compare(check, family, span.last);
			if (span.first > 0)
				compare(check, family, span.first - 1);
			if (span.last < most)
				compare(check, family, span.last + 1);
		}
	}
}

static address random_bits(GRand *random)
{
	address bits = 0;

	for (int i = 0; i < 4; i++)
		bits = bits << 32 | g_rand_int(random);
	return bits;
}

/* Half IPv4; of IPv6 half within networks that are known, half anywhere in 2000::/3. */
static void compare_random(struct check *check)
{
	GRand *random = g_rand_new_with_seed(SEED);
	const GArray *spans = check->networks.spans[IPV6];

	for (guint i = 0; i < RANDOM / 2; i++)
		compare(check, IPV4, g_rand_int(random));
	for (guint i = 0; i < RANDOM / 4; i++) {
		const struct span *span =
			&g_array_index(spans, struct span, g_rand_int(random) % spans->len);
		address size = span->last - span->first;

		compare(check, IPV6, span->first + (random_bits(random) & size));
		compare(check, IPV6, random_bits(random) >> 3 | (address)1 << 125);
	}
	g_rand_free(random);
}

static void input_prepare(struct input *input)
{
	for (int family = IPV4; family < FAMILIES; family++)
		find_parents(input->spans[family]);
}

int main(int argc, char **argv)
{
	static struct check check; /* what it holds lives until the end */
	guint64 boundaries;

	if (argc < 4)
		die("usage", "oracle WORLD NETWORKS COUNTRIES...");
	check.names = g_hash_table_new(NULL, NULL);
	check.known = g_hash_table_new(NULL, NULL);
	for (int family = IPV4; family < FAMILIES; family++) {
		check.countries.spans[family] = g_array_new(FALSE, FALSE, sizeof(struct span));
		check.networks.spans[family] = g_array_new(FALSE, FALSE, sizeof(struct span));
	}
	if (MMDB_open(argv[1], MMDB_MODE_MMAP, &check.world) != MMDB_SUCCESS)
		die("cannot open", argv[1]);
	read_networks(&check, argv[2]);
	for (int i = 3; i < argc; i++)
		read_countries(&check.countries, argv[i]);
	input_prepare(&check.networks);
	input_prepare(&check.countries);
	compare_boundaries(&check, &check.networks);
	compare_boundaries(&check, &check.countries);
	boundaries = check.checked;
	compare_random(&check);
	printf("%" G_GUINT64_FORMAT " boundaries, %" G_GUINT64_FORMAT
	       " random addresses: %" G_GUINT64_FORMAT " differ\n",
	       boundaries, check.checked - boundaries, check.wrong);
	return check.wrong != 0 || boundaries == 0;
}
