/* SPDX-License-Identifier: BSD-2-Clause */
/* The file: search tree, sixteen zeros, data, metadata. The tree comes first and points into the
 * data, so the data is made first, in memory; the tree is then written node by node. */
#include "enrich/mmdb_write.h"

#include <string.h>

#include "base/error.h"
#include "enrich/mmdb_file.h"

#define SEPARATOR     16 /* zeros between tree and data; records count them */
#define FORMAT_MAJOR  2
#define FORMAT_MINOR  0
#define IP_VERSION    6
#define NODE_MAX      8 /* octets */
#define NOT_NUMBERED  G_MAXUINT32
#define METADATA_MARK "\xab\xcd\xefMaxMind.com"

static const guint record_bits[] = { 24, 28, 32 };

struct writer {
	const struct mmdb_content *content;
	const struct mmdb_node *nodes;
	mmdb_record root;
	struct mmdb_data *data;
	guint32 *numbers; /* in the file, by index in the tree */
	GArray *order;	  /* indices in the tree, in the order of the file */
};

/* A node comes before what is below it, the ones below its first record before the others: near
 * in the tree is near in the file. Places that lead to IPv4 share their nodes. Recursion as deep as
 * an address has bits. */
static void number_below(struct writer *writer, mmdb_record record)
{
	if (record & MMDB_LEAF) {
		if (record & ~MMDB_LEAF)
			mmdb_data_put(writer->data, writer->content->meaning[record & ~MMDB_LEAF]);
		return;
	}
	if (writer->numbers[record] != NOT_NUMBERED)
		return;
	writer->numbers[record] = writer->order->len;
	g_array_append_val(writer->order, record);
	for (guint side = 0; side < 2; side++)
		number_below(writer, writer->nodes[record].records[side]);
}

/* A tree always has a root. */
static guint32 node_count(const struct writer *writer)
{
	return MAX(writer->order->len, 1);
}

static guint64 record_value(const struct writer *writer, mmdb_record record)
{
	guint32 number = record & ~MMDB_LEAF;

	if (!(record & MMDB_LEAF))
		return writer->numbers[record];
	if (number == 0)
		return node_count(writer);
	return node_count(writer) + SEPARATOR +
	       (guint64)mmdb_data_put(writer->data, writer->content->meaning[number]);
}

/* The size whose records can tell the end of the data. */
static guint bits_needed(guint64 greatest, guint least_bits)
{
	for (size_t i = 0; i < G_N_ELEMENTS(record_bits); i++) {
		if (record_bits[i] >= least_bits && greatest >> record_bits[i] == 0)
			return record_bits[i];
	}
	return 0;
}

static void put_be(guint8 *octets, guint64 value, guint count)
{
	for (guint i = 0; i < count; i++)
		octets[i] = (guint8)(value >> (8 * (count - 1 - i)));
}

static void write_node(const guint64 *values, guint bits, FILE *to)
{
	guint8 octets[NODE_MAX];
	guint half = bits / 8;

	put_be(octets, values[0], half);
	put_be(octets + bits / 4 - half, values[1], half);
	if (bits % 8) /* 28: the octet in the middle has the highest four bits of both */
		octets[half] = (guint8)((values[0] >> 24 & 0xf) << 4 | (values[1] >> 24 & 0xf));
	fwrite(octets, 1, bits / 4, to);
}

static void write_tree(const struct writer *writer, guint bits, FILE *to)
{
	guint64 values[2];

	values[0] = values[1] = record_value(writer, writer->root);
	if (writer->root & MMDB_LEAF)
		write_node(values, bits, to);
	for (guint i = 0; i < writer->order->len; i++) {
		guint32 index = g_array_index(writer->order, guint32, i);

		for (guint side = 0; side < 2; side++)
			values[side] = record_value(writer, writer->nodes[index].records[side]);
		write_node(values, bits, to);
	}
}

static void write_metadata(struct mmdb_values *values, const struct mmdb_info *info,
			   const struct mmdb_size *size, FILE *to)
{
	g_autoptr(GPtrArray) languages = g_ptr_array_new();
	const struct mmdb_pair description = { "en", mmdb_utf8(values, info->description) };
	struct mmdb_data *data;
	const guint8 *octets;
	gsize length;

	for (const char *const *language = info->languages; *language; language++)
		g_ptr_array_add(languages, (gpointer)mmdb_utf8(values, *language));

	const struct mmdb_pair pairs[] = {
		{ "binary_format_major_version", mmdb_uint16(values, FORMAT_MAJOR) },
		{ "binary_format_minor_version", mmdb_uint16(values, FORMAT_MINOR) },
		{ "build_epoch", mmdb_uint64(values, info->build_epoch) },
		{ "database_type", mmdb_utf8(values, info->database_type) },
		{ "description", mmdb_map(values, &description, 1) },
		{ "ip_version", mmdb_uint16(values, IP_VERSION) },
		{ "languages",
		  mmdb_array(values, (const struct mmdb_value *const *)languages->pdata,
			     languages->len) },
		{ "node_count", mmdb_uint32(values, size->nodes) },
		{ "record_size", mmdb_uint16(values, (guint16)size->record_bits) },
	};

	data = mmdb_data_new(values);
	mmdb_data_put(data, mmdb_map(values, pairs, G_N_ELEMENTS(pairs)));
	octets = mmdb_data_octets(data, &length);
	fwrite(METADATA_MARK, 1, strlen(METADATA_MARK), to);
	fwrite(octets, 1, length, to);
	mmdb_data_free(data);
}

/* False when not even the largest records can tell so much. */
static bool write_file(const struct writer *writer, const struct mmdb_info *info, FILE *to,
		       struct mmdb_size *ret_size)
{
	static const guint8 zeros[SEPARATOR];
	const guint8 *octets;
	gsize length;

	octets = mmdb_data_octets(writer->data, &length);
	ret_size->nodes = node_count(writer);
	ret_size->record_bits =
		bits_needed((guint64)ret_size->nodes + SEPARATOR + length, info->least_bits);
	if (!ret_size->record_bits)
		return false;
	write_tree(writer, ret_size->record_bits, to);
	fwrite(zeros, 1, sizeof(zeros), to);
	if (length > 0)
		fwrite(octets, 1, length, to);
	write_metadata(writer->content->values, info, ret_size, to);
	ret_size->octets = (guint64)MAX(ftello(to), 0);
	return true;
}

static struct writer writer_new(const struct mmdb_content *content)
{
	struct writer writer = { .content = content };
	guint32 count;

	mmdb_tree_join(content->tree);
	writer.nodes = mmdb_tree_nodes(content->tree, &count);
	writer.root = mmdb_tree_root(content->tree);
	writer.data = mmdb_data_new(content->values);
	writer.numbers = g_new(guint32, count);
	writer.order = g_array_new(FALSE, FALSE, sizeof(guint32));
	for (guint32 i = 0; i < count; i++)
		writer.numbers[i] = NOT_NUMBERED;
	number_below(&writer, writer.root);
	return writer;
}

static void writer_clear(struct writer *writer)
{
	mmdb_data_free(writer->data);
	g_free(writer->numbers);
	g_array_free(writer->order, TRUE);
}

bool mmdb_write(const struct mmdb_content *content, const struct mmdb_info *info, const char *path,
		struct mmdb_size *ret_size, GError **error)
{
	struct mmdb_size size = { 0 };
	struct mmdb_file file;
	struct writer writer;
	bool fits;

	if (!mmdb_file_begin(&file, path, error))
		return false;
	writer = writer_new(content);
	fits = write_file(&writer, info, file.stream, &size);
	writer_clear(&writer);
	if (!fits) {
		mmdb_file_abandon(&file);
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: more than records of 32 bits can tell; give fewer networks", path);
		return false;
	}
	if (!mmdb_file_end(&file, error))
		return false;
	*ret_size = size;
	return true;
}
