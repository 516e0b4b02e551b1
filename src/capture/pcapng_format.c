/* SPDX-License-Identifier: BSD-2-Clause */
/* pcapng: blocks of a type and a length, the length again at their end. Packets name an interface
 * of their section; weir numbers interfaces through all sections, from 1. Blocks that are neither
 * packets, nor interfaces, nor sections are stepped over. */
#include "capture/pcapng_format.h"

#include <string.h>

#define BLOCK_OVERHEAD 12
#define BLOCK_MAX      (16 * 1024 * 1024)
#define ORDER_MAGIC    0x1a2b3c4d
#define NAME_MAX_OCTETS                                                           \
	255 /* of an interface: names cost memory for as long as the file is open \
	     */
#define NO_SNAPLEN 0

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in either byte order */
};

enum interface_option {
	OPTION_END = 0,
	OPTION_NAME = 2,
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
};

struct pcapng_interface {
	char *name;
	guint32 linktype;
	guint32 snaplen;
	guint16 link;
	/* nanoseconds = (stamp * multiply / divide >> shift) + offset seconds */
	bool whole; /* of which only multiply remains */
	guint8 shift;
	guint64 multiply;
	guint64 divide;
	gint64 offset;
};

struct pcapng {
	GArray *interfaces; /* of struct pcapng_interface, of all sections */
	size_t section;	    /* index of the section's first interface */
	bool in_section;
	bool swapped;
	guint64 last_ns; /* of the packet before, for those without a time */
};

/* A block under inspection; its length is known to be right. */
struct block {
	const guint8 *data;
	guint32 type;
	guint32 size;
};

static bool pcapng_recognise(const guint8 *start, size_t size)
{
	return size >= 12 && load_be32(start) == BLOCK_SECTION &&
	       (load_be32(start + 8) == ORDER_MAGIC || load_le32(start + 8) == ORDER_MAGIC);
}

static void interface_clear(gpointer data)
{
	g_free(((struct pcapng_interface *)data)->name);
}

static void *pcapng_begin(struct capture_pass *pass G_GNUC_UNUSED)
{
	struct pcapng *file = g_new0(struct pcapng, 1);

	file->interfaces = g_array_new(FALSE, TRUE, sizeof(struct pcapng_interface));
	g_array_set_clear_func(file->interfaces, interface_clear);
	return file;
}

static void pcapng_free(void *state)
{
	struct pcapng *file = state;

	g_array_unref(file->interfaces);
	g_free(file);
}

static struct pcapng_interface *interface_at(const struct pcapng *file, size_t index)
{
	return &g_array_index(file->interfaces, struct pcapng_interface, index);
}

/* Time stamps. */

static guint64 clamped_time(const struct pcapng_interface *from, guint64 stamp)
{
	unsigned __int128 scaled = (unsigned __int128)stamp * from->multiply / from->divide;
	__int128 ns = (__int128)(scaled >> from->shift) + (__int128)from->offset * FLOW_SECOND_NS;

	if (ns < 0)
		return 0;
	return ns > G_MAXUINT64 ? G_MAXUINT64 : (guint64)ns;
}

static inline guint64 stamp_ns(const struct pcapng_interface *from, guint64 stamp)
{
	guint64 ns;

	if (G_LIKELY(from->whole) && !__builtin_mul_overflow(stamp, from->multiply, &ns))
		return ns;
	return clamped_time(from, stamp);
}

/* The octet of if_tsresol; false for what no 64-bit time stamp can hold. */
static bool set_resolution(struct pcapng_interface *to, guint8 resolution)
{
	guint8 exponent = resolution & 0x7f;

	to->multiply = FLOW_SECOND_NS;
	to->divide = 1;
	to->shift = 0;
	if (resolution & 0x80) {
		to->shift = exponent;
		return exponent < 64;
	}
	if (exponent > 19)
		return false;
	for (guint8 i = 0; i < exponent; i++) {
		if (to->multiply > 1)
			to->multiply /= 10;
		else
			to->divide *= 10;
	}
	return true;
}

/* Blocks that are read once. Each returns what is wrong, or NULL. */

static const char *read_option(struct pcapng_interface *to, const guint8 *option, bool swapped)
{
	guint16 code = capture_load16(option, swapped);
	guint16 size = capture_load16(option + 2, swapped);
	const guint8 *value = option + 4;

	switch (code) {
	case OPTION_NAME:
		g_clear_pointer(&to->name, g_free);
		if (size == 0)
			return NULL;
		to->name = g_utf8_make_valid(
			(const char *)value,
			(gssize)strnlen((const char *)value, MIN(size, NAME_MAX_OCTETS)));
		return NULL;
	case OPTION_RESOLUTION:
		if (size != 1 || !set_resolution(to, *value))
			return "an interface with an impossible time resolution";
		return NULL;
	case OPTION_OFFSET:
		if (size != 8)
			return "an interface with an impossible time offset";
		to->offset = (gint64)capture_load64(value, swapped);
		return NULL;
	default:
		return NULL;
	}
}

static const char *read_options(struct pcapng_interface *to, const guint8 *at, const guint8 *end,
				bool swapped)
{
	while (end - at >= 4 && capture_load16(at, swapped) != OPTION_END) {
		size_t size = 4 + ((capture_load16(at + 2, swapped) + 3u) & ~3u);
		const char *fault;

		if ((size_t)(end - at) < size)
			return "an interface with an option longer than its block";
		fault = read_option(to, at, swapped);
		if (fault)
			return fault;
		at += size;
	}
	return NULL;
}

static const char *read_interface(struct pcapng *file, const struct block *block)
{
	struct pcapng_interface interface = { 0 };
	const char *fault;

	if (block->size < BLOCK_OVERHEAD + 8)
		return "an interface description that is too short";
	if (file->interfaces->len == CAPTURE_MAX_INTERFACES)
		return "more than 65535 interfaces";
	interface.linktype = capture_load16(block->data + 8, file->swapped);
	interface.link = (guint16)capture_link(interface.linktype);
	interface.snaplen = capture_load32(block->data + 12, file->swapped);
	set_resolution(&interface, 6);
	fault = read_options(&interface, block->data + 16, block->data + block->size - 4,
			     file->swapped);
	if (fault) {
		g_free(interface.name);
		return fault;
	}
	interface.whole = interface.shift == 0 && interface.divide == 1 && interface.offset == 0;
	g_array_append_val(file->interfaces, interface);
	return NULL;
}

static const char *read_section(struct pcapng *file, const struct block *block)
{
	guint16 major;
	guint16 minor;

	if (block->size < BLOCK_OVERHEAD + 16)
		return "a section header that is too short";
	major = capture_load16(block->data + 12, file->swapped);
	minor = capture_load16(block->data + 14, file->swapped);
	/* 1.2 was written for a time and means 1.0. */
	if (major != 1 || (minor != 0 && minor != 2))
		return "a section of an unknown pcapng version";
	file->section = file->interfaces->len;
	file->in_section = true;
	return NULL;
}

/* Packets. */

/* Where a packet's fields are, from the start of its block. */
struct packet_place {
	guint32 interface;
	guint32 header; /* block header and fields: the data begins there */
	guint64 stamp;
	guint32 captured;
	guint32 length;
};

static inline bool locate_packet(const struct block *block, bool swapped,
				 struct packet_place *ret_place)
{
	const guint8 *fields = block->data + 8;

	ret_place->header = 28;
	if (block->size < BLOCK_OVERHEAD + 20)
		return false;
	ret_place->interface = block->type == BLOCK_PACKET ? capture_load16(fields, swapped)
							   : capture_load32(fields, swapped);
	ret_place->stamp = (guint64)capture_load32(fields + 4, swapped) << 32 |
			   capture_load32(fields + 8, swapped);
	ret_place->captured = capture_load32(fields + 12, swapped);
	ret_place->length = capture_load32(fields + 16, swapped);
	return true;
}

/* No captured length: it is the packet's, or as much of it as the first interface takes. */
static bool locate_simple_packet(const struct pcapng *file, const struct block *block,
				 struct packet_place *ret_place)
{
	guint32 snaplen = NO_SNAPLEN;

	if (block->size < BLOCK_OVERHEAD + 4)
		return false;
	if (file->interfaces->len > file->section)
		snaplen = interface_at(file, file->section)->snaplen;
	ret_place->interface = 0;
	ret_place->header = 12;
	ret_place->stamp = 0;
	ret_place->length = capture_load32(block->data + 8, file->swapped);
	ret_place->captured = ret_place->length;
	if (snaplen != NO_SNAPLEN)
		ret_place->captured = MIN(snaplen, ret_place->length);
	return true;
}

static inline const char *read_packet(struct pcapng *file, const struct block *block, bool swapped,
				      struct frame *frame)
{
	bool simple = block->type == BLOCK_SIMPLE_PACKET;
	const struct pcapng_interface *interface;
	struct packet_place place;

	if (simple ? !locate_simple_packet(file, block, &place)
		   : !locate_packet(block, swapped, &place))
		return "a packet block that is too short";
	if (place.interface >= file->interfaces->len - file->section)
		return "a packet of an interface that is not described";
	if (place.captured > block->size - place.header - 4)
		return "a packet longer than its block";
	interface = interface_at(file, file->section + place.interface);
	if (!simple)
		file->last_ns = stamp_ns(interface, place.stamp);
	frame->data = block->data + place.header;
	frame->captured = place.captured;
	frame->length = place.length;
	frame->time_ns = file->last_ns;
	frame->iface = (guint16)(file->section + place.interface + 1);
	frame->link = (guint8)interface->link;
	frame->vlan = 0;
	frame->tag = 0;
	frame->linktype = capture_linktype(interface->linktype);
	frame->outer = 0;
	frame->outgoing = false;
	return NULL;
}

/* Blocks. */

static void wrong_length(struct capture_pass *pass, guint32 size)
{
	pass->fault = g_strdup_printf("a block length of %u octets, which cannot be", size);
}

/* The block at pass->at, if it is wholly there and both its lengths agree. */
static inline bool find_block(struct capture_pass *pass, bool swapped, struct block *ret_block)
{
	size_t left = (size_t)(pass->end - pass->at);
	guint32 size;

	pass->need = BLOCK_OVERHEAD;
	if (G_UNLIKELY(left < BLOCK_OVERHEAD))
		return false;
	size = capture_load32(pass->at + 4, swapped);
	if (G_UNLIKELY(size - BLOCK_OVERHEAD > BLOCK_MAX - BLOCK_OVERHEAD || size % 4)) {
		wrong_length(pass, size);
		return false;
	}
	pass->need = size;
	if (G_UNLIKELY(left < size))
		return false;
	if (G_UNLIKELY(capture_load32(pass->at + size - 4, swapped) != size)) {
		pass->fault = g_strdup_printf("a block whose length is %u at its start and %u at "
					      "its end",
					      size, capture_load32(pass->at + size - 4, swapped));
		return false;
	}
	ret_block->data = pass->at;
	ret_block->type = capture_load32(pass->at, swapped);
	ret_block->size = size;
	return true;
}

/* Sections announce their byte order before anything in them can be read, their length too. */
static bool find_order(struct pcapng *file, struct capture_pass *pass)
{
	guint32 magic;

	if (pass->end - pass->at < BLOCK_OVERHEAD) {
		pass->need = BLOCK_OVERHEAD;
		return false;
	}
	if (load_be32(pass->at) != BLOCK_SECTION) {
		if (!file->in_section)
			pass->fault = g_strdup("a block before any section");
		return file->in_section;
	}
	magic = capture_load32(pass->at + 8, false);
	if (magic != ORDER_MAGIC && magic != GUINT32_SWAP_LE_BE(ORDER_MAGIC)) {
		pass->fault = g_strdup("a section of no known byte order");
		return false;
	}
	file->swapped = magic != ORDER_MAGIC;
	return true;
}

static inline bool is_packet(guint32 type)
{
	return type == BLOCK_ENHANCED_PACKET || type == BLOCK_SIMPLE_PACKET || type == BLOCK_PACKET;
}

/* Asked before the length is: that of a section may be in the other byte order. */
static inline bool at_packet(const struct capture_pass *pass, bool swapped)
{
	return pass->end - pass->at >= BLOCK_OVERHEAD &&
	       is_packet(capture_load32(pass->at, swapped));
}

/* Reads packets until a block turns up that only read_other() knows. */
static inline __attribute__((always_inline)) void
read_packets(struct pcapng *file, struct capture_pass *pass, bool swapped)
{
	struct block block;

	while (pass->count < pass->max && at_packet(pass, swapped) &&
	       find_block(pass, swapped, &block)) {
		const char *fault;

		fault = read_packet(file, &block, swapped, &pass->frames[pass->count]);
		if (G_UNLIKELY(fault)) {
			pass->fault = g_strdup(fault);
			return;
		}
		pass->count++;
		pass->at += block.size;
	}
}

/* Takes one block that is no packet; false if it is not there, or wrong. */
static bool read_other(struct pcapng *file, struct capture_pass *pass)
{
	const char *fault = NULL;
	struct block block;

	if (!find_order(file, pass) || !find_block(pass, file->swapped, &block))
		return false;
	if (is_packet(block.type))
		return true;
	if (block.type == BLOCK_SECTION)
		fault = read_section(file, &block);
	else if (block.type == BLOCK_INTERFACE)
		fault = read_interface(file, &block);
	if (fault) {
		pass->fault = g_strdup(fault);
		return false;
	}
	pass->at += block.size;
	return true;
}

static void pcapng_read(void *state, struct capture_pass *pass)
{
	struct pcapng *file = state;

	while (pass->count < pass->max && !pass->fault) {
		if (!read_other(file, pass))
			return;
		if (file->swapped)
			read_packets(file, pass, true);
		else
			read_packets(file, pass, false);
	}
}

static size_t pcapng_interfaces(const void *state)
{
	return ((const struct pcapng *)state)->interfaces->len;
}

static const char *pcapng_interface_name(const void *state, size_t index)
{
	return interface_at(state, index - 1)->name;
}

static guint32 pcapng_interface_linktype(const void *state, size_t index)
{
	return interface_at(state, index - 1)->linktype;
}

const struct capture_format pcapng_format = {
	.recognise = pcapng_recognise,
	.begin = pcapng_begin,
	.read = pcapng_read,
	.free = pcapng_free,
	.interfaces = pcapng_interfaces,
	.interface_name = pcapng_interface_name,
	.interface_linktype = pcapng_interface_linktype,
};
