/* SPDX-License-Identifier: BSD-2-Clause */
/* The file is read once into memory that nobody can change (geo_copy.h); this is looked through
 * (geo_check.h) and then given to libmaxminddb, which trusts it from then on. */
#include "enrich/geo_database.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "enrich/geo_check.h"
#include "enrich/geo_copy.h"

#define PATH_MAX_STEPS 4
#define NS_PER_S       G_GUINT64_CONSTANT(1000000000)
#define YEAR_9999      G_GUINT64_CONSTANT(253402300799)

enum reader {
	READ_TEXT,
	READ_WITH_ASN, /* a text that is about an AS only where there is one beside it */
	READ_CODE,     /* two letters */
	READ_REAL,
	READ_NUMBER,
	READ_AS, /* 64496 or "AS64496" */
};

struct source {
	enum flow_place_value value;
	enum reader reader;
	const char *path[PATH_MAX_STEPS + 1];
};

static const struct source sources[] = {
#define FIELD(value, reader, ...) { FLOW_PLACE_##value, READ_##reader, { __VA_ARGS__ } },
#include "enrich/geo_fields.def"
#undef FIELD
};

struct geo_database {
	char *path;
	struct stat file;
	MMDB_s mmdb;
	bool open;
	char *type;
	struct flow_database about;
	guint32 holds;
	guint sources_count;
	const struct source *sources[G_N_ELEMENTS(sources)]; /* that it may have */
};

/* --- opening --- */

static guint add_key(const char **keys, guint count, const char *key)
{
	for (guint i = 0; i < count; i++) {
		if (strcmp(keys[i], key) == 0)
			return count;
	}
	keys[count] = key;
	return count + 1;
}

/* Of all paths, once each. */
static void list_keys(const char *keys[G_N_ELEMENTS(sources) * PATH_MAX_STEPS + 1])
{
	guint count = 0;

	for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
		for (const char *const *step = sources[i].path; *step; step++) {
			if (!g_ascii_isdigit(**step))
				count = add_key(keys, count, *step);
		}
	}
	keys[count] = NULL;
	g_assert(count <= 64);
}

static bool has_key(const struct geo_found *found, const char *key)
{
	for (guint i = 0; found->wanted[i]; i++) {
		if (strcmp(found->wanted[i], key) == 0)
			return found->keys & G_GUINT64_CONSTANT(1) << i;
	}
	return true; /* an index */
}

static bool may_have(const struct geo_found *found, const struct source *source)
{
	for (const char *const *step = source->path; *step; step++) {
		if (!has_key(found, *step))
			return false;
	}
	return source->reader != READ_WITH_ASN || has_key(found, "asn");
}

/* What some records really have. */
static void probe(struct geo_database *database, const GArray *records)
{
	g_autoptr(GStringChunk) chunk = g_string_chunk_new(4096);

	for (guint i = 0; i < records->len; i++) {
		struct flow_place place = { 0 };

		geo_database_read(database, g_array_index(records, guint32, i), chunk, &place);
		database->holds |= place.known;
		g_string_chunk_clear(chunk);
	}
}

static bool fail(const struct geo_database *database, enum weir_error code, const char *why,
		 GError **error)
{
	g_set_error(error, WEIR_ERROR, code, "%s: %s", database->path, why);
	return false;
}

static bool check_whole(struct geo_database *database, const guint8 *octets,
			struct geo_found *found, GError **error)
{
	g_autoptr(GError) why = NULL;

	if (geo_check(octets, (gsize)database->file.st_size, found, &why))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_DAMAGED,
		    "%s: damaged: %s; get the geolocation database again", database->path,
		    why->message);
	return false;
}

static bool look_through(struct geo_database *database, int fd, struct geo_found *found,
			 GError **error)
{
	const gsize length = (gsize)database->file.st_size;
	void *octets;
	bool good;

	/* Kernels before 6.7 take a shared one for one that may write, which the seals forbid. */
	octets = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (octets == MAP_FAILED)
		return fail(database, WEIR_ERROR_FAILED, g_strerror(errno), error);
	good = check_whole(database, octets, found, error);
	munmap(octets, length);
	return good;
}

static void describe(struct geo_database *database)
{
	const MMDB_metadata_s *metadata = &database->mmdb.metadata;
	const char *type = metadata->database_type ? metadata->database_type : "";

	database->type = flow_text_make(type, strlen(type));
	database->about.type = flow_text_of(database->type);
	if (metadata->build_epoch <= YEAR_9999)
		database->about.built_ns =
			MIN(metadata->build_epoch, G_MAXUINT64 / NS_PER_S) * NS_PER_S;
}

static bool give_to_library(struct geo_database *database, int fd, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	int status = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdb);

	if (status != MMDB_SUCCESS)
		return fail(database, WEIR_ERROR_DAMAGED, MMDB_strerror(status), error);
	database->open = true;
	describe(database);
	return true;
}

static bool find_out(struct geo_database *database, const struct geo_found *found, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
		if (may_have(found, &sources[i]))
			database->sources[database->sources_count++] = &sources[i];
	}
	probe(database, found->samples);
	if (database->holds)
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s: a database of type '%s' has neither places nor autonomous systems that "
		    "weir reads; give one of cities, countries or ASNs",
		    database->path, database->type);
	return false;
}

/* copy: of the file. */
static bool open_copy(struct geo_database *database, int copy, GError **error)
{
	const char *keys[G_N_ELEMENTS(sources) * PATH_MAX_STEPS + 1];
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(guint32));
	struct geo_found found = { .wanted = keys, .samples = samples };

	list_keys(keys);
	return look_through(database, copy, &found, error) &&
	       give_to_library(database, copy, error) && find_out(database, &found, error);
}

static bool open_file(struct geo_database *database, int fd, GError **error)
{
	g_autoptr(GError) why = NULL;
	int copy;
	bool good;

	if (fd < 0 || fstat(fd, &database->file) != 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: %s; name a geolocation database that can be read", database->path,
			    g_strerror(errno));
		return false;
	}
	if (!S_ISREG(database->file.st_mode) || database->file.st_size == 0)
		return fail(database, WEIR_ERROR_FAILED,
			    "is no file with something in it; name a geolocation database", error);
	copy = geo_copy(fd, &database->file, &why);
	if (copy < 0)
		return fail(database, WEIR_ERROR_FAILED, why->message, error);
	good = open_copy(database, copy, error);
	close(copy);
	return good;
}

struct geo_database *geo_database_open(const char *path, GError **error)
{
	struct geo_database *database = g_new0(struct geo_database, 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool good;

	database->path = g_strdup(path);
	good = open_file(database, fd, error);
	if (fd >= 0)
		close(fd);
	if (good)
		return database;
	geo_database_free(database);
	return NULL;
}

void geo_database_free(struct geo_database *database)
{
	if (!database)
		return;
	if (database->open)
		MMDB_close(&database->mmdb);
	g_free(database->type);
	g_free(database->path);
	g_free(database);
}

const char *geo_database_path(const struct geo_database *database)
{
	return database->path;
}

const struct flow_database *geo_database_about(const struct geo_database *database)
{
	return &database->about;
}

guint32 geo_database_holds(const struct geo_database *database)
{
	return database->holds;
}

/* --- looking up --- */

static MMDB_lookup_result_s look_up(const MMDB_s *mmdb, const struct geo_address *address,
				    int *ret_status)
{
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };

	if (geo_address_is_ipv4(address)) {
		ipv4.sin_addr.s_addr = GUINT32_TO_BE((guint32)address->low);
		return MMDB_lookup_sockaddr(mmdb, (const struct sockaddr *)&ipv4, ret_status);
	}
	geo_address_octets(address, ipv6.sin6_addr.s6_addr);
	return MMDB_lookup_sockaddr(mmdb, (const struct sockaddr *)&ipv6, ret_status);
}

guint32 geo_database_find(const struct geo_database *database, const struct geo_address *address,
			  guint *ret_bits)
{
	const MMDB_s *mmdb = &database->mmdb;
	const bool ipv4 = geo_address_is_ipv4(address);
	int status = MMDB_SUCCESS;
	MMDB_lookup_result_s result;

	*ret_bits = ipv4 ? GEO_IPV4_BITS : 0;
	if (!ipv4 && mmdb->metadata.ip_version == 4)
		return GEO_NO_RECORD;
	result = look_up(mmdb, address, &status);
	if (status != MMDB_SUCCESS) {
		*ret_bits = 128; /* of nothing but this address */
		return GEO_NO_RECORD;
	}
	*ret_bits = result.netmask;
	if (ipv4 && mmdb->metadata.ip_version == 4)
		*ret_bits += GEO_IPV4_BITS;
	else if (ipv4)
		*ret_bits = MAX(*ret_bits, GEO_IPV4_BITS);
	return result.found_entry ? result.entry.offset : GEO_NO_RECORD;
}

static bool read_text(const MMDB_entry_data_s *data, GStringChunk *chunk,
		      struct flow_text *ret_text)
{
	g_autofree char *text = NULL;
	size_t length;

	if (data->type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	text = flow_text_make(data->utf8_string, data->data_size);
	length = strlen(text);
	if (length == 0)
		return false;
	*ret_text = (struct flow_text){ g_string_chunk_insert_const(chunk, text), length };
	return true;
}

static bool read_code(const MMDB_entry_data_s *data, GStringChunk *chunk,
		      struct flow_text *ret_text)
{
	return data->type == MMDB_DATA_TYPE_UTF8_STRING && data->data_size == 2 &&
	       g_ascii_isalpha(data->utf8_string[0]) && g_ascii_isalpha(data->utf8_string[1]) &&
	       read_text(data, chunk, ret_text);
}

static bool read_real(const MMDB_entry_data_s *data, double *ret_real)
{
	double real;

	if (data->type == MMDB_DATA_TYPE_DOUBLE) {
		real = data->double_value;
	} else if (data->type == MMDB_DATA_TYPE_FLOAT) {
		real = data->float_value;
	} else if (data->type == MMDB_DATA_TYPE_UTF8_STRING && data->data_size < 32) {
		char text[32] = { 0 };
		char *end;

		memcpy(text, data->utf8_string, data->data_size);
		real = g_ascii_strtod(text, &end);
		if (end == text || *end)
			return false;
	} else {
		return false;
	}
	/* Degrees; no number at all is not between these either. */
	if (!(real >= -180 && real <= 180))
		return false;
	*ret_real = real;
	return true;
}

static bool read_number(const MMDB_entry_data_s *data, guint64 *ret_number)
{
	if (data->type == MMDB_DATA_TYPE_UINT16)
		*ret_number = data->uint16;
	else if (data->type == MMDB_DATA_TYPE_UINT32)
		*ret_number = data->uint32;
	else
		return false;
	return true;
}

static bool read_as(const MMDB_entry_data_s *data, guint64 *ret_number)
{
	char text[16] = { 0 };

	if (data->type == MMDB_DATA_TYPE_UTF8_STRING && data->data_size > 2 &&
	    data->data_size < sizeof(text)) {
		memcpy(text, data->utf8_string, data->data_size);
		return g_ascii_strncasecmp(text, "AS", 2) == 0 &&
		       g_ascii_string_to_unsigned(text + 2, 10, 1, G_MAXUINT32, ret_number, NULL);
	}
	return read_number(data, ret_number) && *ret_number > 0;
}

static bool read_source(const struct source *source, const MMDB_entry_data_s *data,
			GStringChunk *chunk, struct flow_place *place)
{
	struct flow_text *text = &place->cells[source->value].text;

	switch (source->reader) {
	case READ_TEXT:
	case READ_WITH_ASN:
		return read_text(data, chunk, text);
	case READ_CODE:
		return read_code(data, chunk, text);
	case READ_REAL:
		return read_real(data, &place->cells[source->value].real);
	case READ_NUMBER:
		return read_number(data, &place->cells[source->value].number);
	case READ_AS:
		return read_as(data, &place->cells[source->value].number);
	}
	return false;
}

void geo_database_read(const struct geo_database *database, guint32 record, GStringChunk *chunk,
		       struct flow_place *place)
{
	MMDB_entry_s entry = { .mmdb = &database->mmdb, .offset = record };

	for (guint i = 0; i < database->sources_count; i++) {
		const struct source *source = database->sources[i];
		MMDB_entry_data_s data;

		if (place->known & 1u << source->value)
			continue;
		if (MMDB_aget_value(&entry, &data, source->path) == MMDB_SUCCESS && data.has_data &&
		    read_source(source, &data, chunk, place))
			place->known |= 1u << source->value;
	}
}
