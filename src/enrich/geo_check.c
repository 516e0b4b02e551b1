/* SPDX-License-Identifier: BSD-2-Clause */
/* A file is a search tree, 16 zeros, a data section, a marker, and a map that describes it all.
 * Each value that something points at is walked through once, by a list of what is still to be
 * seen: no recursion, and an end in sight whatever the file says. */
#include "enrich/geo_check.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

#define MARKER	       "\xab\xcd\xefMaxMind.com"
#define MARKER_LENGTH  (sizeof(MARKER) - 1)
#define MARKER_WITHIN  (128 * 1024) /* octets of the end of the file */
#define SEPARATOR      16
#define DEPTH_MAX      32 /* maps in maps: real ones have 4 */
#define SAMPLES_MAX    1024
/* Values of a data section may overlap, so that walking all of them takes forever: this often
 * each octet may be walked over at most. */
#define WORK_PER_OCTET 16

enum type {
	TYPE_POINTER = 1,
	TYPE_STRING = 2,
	TYPE_DOUBLE = 3,
	TYPE_BYTES = 4,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_INT32 = 8,
	TYPE_UINT64 = 9,
	TYPE_UINT128 = 10,
	TYPE_ARRAY = 11,
	TYPE_BOOLEAN = 14,
	TYPE_FLOAT = 15,
	TYPES,
};

struct section {
	const guint8 *octets;
	gsize length;
};

struct item {
	enum type type;
	guint32 size;	/* octets, pairs or elements; of a pointer, where it points */
	gsize contents; /* where they begin */
};

struct walk {
	struct section section;
	struct geo_found *found; /* NULL: keys do not matter */
	guint8 *seen; /* a bit an octet: a value that begins here is on the list, or was */
	GArray *list; /* guint32 */
	guint64 work;
};

static bool damaged(GError **error, const char *what)
{
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_DAMAGED, what);
	return false;
}

/* Big-endian, of a few octets. */
static guint32 number_at(const guint8 *octets, guint count)
{
	guint32 number = 0;

	for (guint i = 0; i < count; i++)
		number = number << 8 | octets[i];
	return number;
}

static bool read_pointer(const struct section *section, gsize at, guint8 control, struct item *item)
{
	static const guint32 base[] = { 0, 2048, 526336, 0 };
	const guint octets = (control >> 3 & 3) + 1u;

	if (section->length - at < octets)
		return false;
	item->size = number_at(section->octets + at, octets);
	if (octets < 4)
		item->size += ((guint32)(control & 7) << 8 * octets) + base[octets - 1];
	item->contents = at + octets;
	return true;
}

static bool read_size(const struct section *section, gsize at, guint8 control, struct item *item)
{
	static const guint32 base[] = { 29, 285, 65821 };
	const guint octets = control > 28 ? control - 28u : 0;

	if (section->length - at < octets)
		return false;
	item->size = octets ? base[octets - 1] + number_at(section->octets + at, octets) : control;
	item->contents = at + octets;
	return true;
}

static bool read_item(const struct section *section, gsize at, struct item *item)
{
	guint8 control;

	if (at >= section->length)
		return false;
	control = section->octets[at++];
	item->type = (enum type)(control >> 5);
	if (item->type == TYPE_POINTER)
		return read_pointer(section, at, control, item);
	if (item->type == 0) {
		if (at >= section->length || section->octets[at] > TYPES)
			return false;
		item->type = (enum type)(section->octets[at++] + 7);
	}
	return read_size(section, at, control & 31, item);
}

/* What the types other than maps, arrays and pointers have: their sizes, and all of their octets.
 */
static bool is_whole(const struct section *section, const struct item *item)
{
	static const struct {
		guint8 least;
		guint32 most;
	} sizes[TYPES] = {
		[TYPE_STRING] = { 0, G_MAXUINT32 },
		[TYPE_BYTES] = { 0, G_MAXUINT32 },
		[TYPE_DOUBLE] = { 8, 8 },
		[TYPE_FLOAT] = { 4, 4 },
		[TYPE_UINT16] = { 0, 2 },
		[TYPE_UINT32] = { 0, 4 },
		[TYPE_INT32] = { 0, 4 },
		[TYPE_UINT64] = { 0, 8 },
		[TYPE_UINT128] = { 0, 16 },
	};

	if (item->type == TYPE_BOOLEAN)
		return item->size <= 1;
	return item->type < TYPES && item->size >= sizes[item->type].least &&
	       item->size <= sizes[item->type].most &&
	       item->size <= section->length - item->contents;
}

static void note_key(struct walk *walk, const struct item *key)
{
	const char *text = (const char *)walk->section.octets + key->contents;

	for (guint i = 0; walk->found && walk->found->wanted[i]; i++) {
		if (strlen(walk->found->wanted[i]) == key->size &&
		    memcmp(walk->found->wanted[i], text, key->size) == 0)
			walk->found->keys |= G_GUINT64_CONSTANT(1) << i;
	}
}

static bool first_time(struct walk *walk, guint32 offset)
{
	guint8 bit = (guint8)(1 << offset % 8);
	bool first = !(walk->seen[offset / 8] & bit);

	walk->seen[offset / 8] |= bit;
	return first;
}

static void put_on_list(struct walk *walk, guint32 offset)
{
	if (first_time(walk, offset))
		g_array_append_val(walk->list, offset);
}

/* A pointer to a pointer is nothing a reader has to follow. */
static bool follow(struct walk *walk, const struct item *pointer, bool is_key)
{
	struct item target;

	if (!read_item(&walk->section, pointer->size, &target) || target.type == TYPE_POINTER)
		return false;
	if (is_key && (target.type != TYPE_STRING || !is_whole(&walk->section, &target)))
		return false;
	if (is_key && first_time(walk, pointer->size))
		note_key(walk, &target);
	else if (!is_key)
		put_on_list(walk, pointer->size);
	return true;
}

/* Maps and arrays one is in: what is still to come of each. */
struct nesting {
	guint depth;
	struct {
		guint64 left;
		bool is_map; /* left is even before a key */
	} levels[DEPTH_MAX];
};

static bool enter(const struct section *section, struct nesting *nesting, const struct item *item)
{
	const bool is_map = item->type == TYPE_MAP;
	const guint64 count = (guint64)item->size * (is_map ? 2 : 1);

	/* Each takes an octet or more. */
	if (nesting->depth == DEPTH_MAX || count > section->length - item->contents)
		return false;
	nesting->levels[nesting->depth].left = count;
	nesting->levels[nesting->depth].is_map = is_map;
	nesting->depth++;
	return true;
}

static bool leave(struct nesting *nesting)
{
	while (nesting->depth > 0 && nesting->levels[nesting->depth - 1].left == 0)
		nesting->depth--;
	return nesting->depth > 0;
}

static bool take(struct walk *walk, struct nesting *nesting, bool is_key, gsize *at)
{
	const struct section *section = &walk->section;
	struct item item;

	if (++walk->work > section->length * WORK_PER_OCTET || !read_item(section, *at, &item))
		return false;
	*at = item.contents;
	if (item.type == TYPE_POINTER)
		return follow(walk, &item, is_key);
	if (!is_key && (item.type == TYPE_MAP || item.type == TYPE_ARRAY))
		return enter(section, nesting, &item);
	if (!is_whole(section, &item) || (is_key && item.type != TYPE_STRING))
		return false;
	if (is_key)
		note_key(walk, &item);
	if (item.type != TYPE_BOOLEAN)
		*at += item.size;
	return true;
}

static bool check_value(struct walk *walk, gsize at)
{
	struct nesting nesting = { 0 };

	if (!take(walk, &nesting, false, &at))
		return false;
	while (leave(&nesting)) {
		bool is_key = nesting.levels[nesting.depth - 1].is_map &&
			      nesting.levels[nesting.depth - 1].left % 2 == 0;

		nesting.levels[nesting.depth - 1].left--;
		if (!take(walk, &nesting, is_key, &at))
			return false;
	}
	return true;
}

/* The list grows while it is worked off. */
static bool check_list(struct walk *walk)
{
	while (walk->list->len > 0) {
		guint32 offset = g_array_index(walk->list, guint32, walk->list->len - 1);

		g_array_set_size(walk->list, walk->list->len - 1);
		if (!check_value(walk, offset))
			return false;
	}
	return true;
}

static void walk_begin(struct walk *walk, struct section section, struct geo_found *found)
{
	*walk = (struct walk){ .section = section, .found = found };
	walk->seen = g_malloc0(section.length / 8 + 1);
	walk->list = g_array_new(FALSE, FALSE, sizeof(guint32));
}

static void walk_end(struct walk *walk)
{
	g_free(walk->seen);
	g_array_unref(walk->list);
}

/* --- what describes the file --- */

struct form {
	guint32 node_count;
	guint32 record_size; /* bits */
};

/* Behind the last marker. */
static bool find_metadata(const guint8 *octets, gsize length, gsize *ret_at)
{
	gsize from = length > MARKER_WITHIN ? length - MARKER_WITHIN : 0;

	for (gsize at = length; at-- > from;) {
		if (length - at >= MARKER_LENGTH &&
		    memcmp(octets + at, MARKER, MARKER_LENGTH) == 0) {
			*ret_at = at + MARKER_LENGTH;
			return true;
		}
	}
	return false;
}

static bool skip(const struct section *section, gsize *at)
{
	guint64 left = 1;

	/* The walk has been here: it is whole and comes to an end. */
	for (; left > 0; left--) {
		struct item item;

		if (!read_item(section, *at, &item))
			return false;
		*at = item.contents;
		if (item.type == TYPE_MAP)
			left += (guint64)item.size * 2;
		else if (item.type == TYPE_ARRAY)
			left += item.size;
		else if (item.type != TYPE_POINTER && item.type != TYPE_BOOLEAN)
			*at += item.size;
	}
	return true;
}

static bool resolve(const struct section *section, struct item *item)
{
	return item->type != TYPE_POINTER || read_item(section, item->size, item);
}

/* Of the map at the beginning of the section; 0: there is no such number. */
static guint32 metadata_number(const struct section *section, const char *name)
{
	struct item map;
	gsize at;

	if (!read_item(section, 0, &map) || map.type != TYPE_MAP)
		return 0;
	at = map.contents;
	for (guint32 i = 0; i < map.size; i++) {
		struct item key;
		struct item value;

		if (!read_item(section, at, &key) || !resolve(section, &key) ||
		    !skip(section, &at) || !read_item(section, at, &value) ||
		    !resolve(section, &value))
			return 0;
		if (key.size == strlen(name) &&
		    memcmp(section->octets + key.contents, name, key.size) == 0)
			return (value.type == TYPE_UINT16 || value.type == TYPE_UINT32) &&
					       value.size <= 4
				       ? number_at(section->octets + value.contents, value.size)
				       : 0;
		if (!skip(section, &at))
			return 0;
	}
	return 0;
}

static bool read_form(const struct section *metadata, struct form *form, GError **error)
{
	struct walk walk;
	guint32 version;
	bool whole;

	walk_begin(&walk, *metadata, NULL);
	put_on_list(&walk, 0);
	whole = metadata->length > 0 && check_list(&walk);
	walk_end(&walk);
	if (!whole)
		return damaged(error, "what it says of itself cannot be read");
	form->node_count = metadata_number(metadata, "node_count");
	form->record_size = metadata_number(metadata, "record_size");
	version = metadata_number(metadata, "ip_version");
	if (metadata_number(metadata, "binary_format_major_version") != 2)
		return damaged(error, "it is of another format than MaxMind's 2.0");
	if (form->record_size != 24 && form->record_size != 28 && form->record_size != 32)
		return damaged(error, "its search tree has records of no known size");
	if (version != 4 && version != 6)
		return damaged(error, "it is neither for IPv4 nor for IPv6");
	if (form->node_count == 0)
		return damaged(error, "it has no search tree");
	return true;
}

/* --- the tree and the data --- */

static guint32 record_of(const guint8 *node, guint32 record_size, guint side)
{
	const guint32 middle = record_size == 28 ? node[3] : 0;

	if (record_size == 24)
		return number_at(node + 3 * (gsize)side, 3);
	if (record_size == 32)
		return number_at(node + 4 * (gsize)side, 4);
	return side ? (middle & 15) << 24 | number_at(node + 4, 3)
		    : middle >> 4 << 24 | number_at(node, 3);
}

static bool take_record(struct walk *walk, const struct form *form, guint32 record)
{
	guint32 offset = record - form->node_count - SEPARATOR;

	if (record <= form->node_count)
		return true; /* another node, or nothing */
	if (record < form->node_count + (guint64)SEPARATOR || offset >= walk->section.length)
		return false;
	if (!first_time(walk, offset))
		return true;
	g_array_append_val(walk->list, offset);
	if (walk->found->samples->len < SAMPLES_MAX)
		g_array_append_val(walk->found->samples, offset);
	return true;
}

static bool check_tree(struct walk *walk, const guint8 *tree, const struct form *form,
		       GError **error)
{
	const gsize node_octets = form->record_size / 4;

	for (guint32 i = 0; i < form->node_count; i++) {
		const guint8 *node = tree + i * node_octets;

		if (!take_record(walk, form, record_of(node, form->record_size, 0)) ||
		    !take_record(walk, form, record_of(node, form->record_size, 1)))
			return damaged(error, "its search tree points to where no data are");
	}
	return true;
}

bool geo_check(const guint8 *octets, gsize length, struct geo_found *found, GError **error)
{
	struct form form;
	struct walk walk;
	guint64 data;
	gsize end;
	bool good;

	if (!find_metadata(octets, length, &end))
		return damaged(error, "it is no MaxMind database");
	if (!read_form(&(struct section){ octets + end, length - end }, &form, error))
		return false;
	end -= MARKER_LENGTH;
	data = (guint64)form.node_count * (form.record_size / 4) + SEPARATOR;
	if (data > end || end - data > G_MAXUINT32)
		return damaged(error, "its search tree is longer than the file");
	walk_begin(&walk, (struct section){ octets + data, end - data }, found);
	good = check_tree(&walk, octets, &form, error);
	if (good && !check_list(&walk))
		good = damaged(error, "its data cannot be read");
	walk_end(&walk);
	return good;
}
