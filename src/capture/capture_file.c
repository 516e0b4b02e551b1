/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files: joins a source of octets with a format that finds the frames in them, and says
 * what is wrong with files that are no captures or are damaged. */
#include "capture/capture_file.h"

#include <string.h>

#include "base/error.h"
#include "capture/capture_format.h"
#include "capture/octet_source.h"
#include "capture/pcap_format.h"
#include "capture/pcapng_format.h"

#define START_OCTETS 512 /* enough to say what a file is */

struct capture_file {
	struct octet_source *source;
	const struct capture_format *format;
	void *state;
	char *path;
	char *fault; /* told again by every read after the first that found it */
	guint64 fault_offset;
};

static const struct capture_format *const formats[] = { &pcap_format, &pcapng_format };

/* What people feed to a capture reader by mistake. */
static const struct {
	const char *start;
	size_t size;
	const char *what;
} others[] = {
	{ "\x00\x0a\x00", 3, "an IPFIX file" },
	{ "\x00\x09\x00", 3, "NetFlow version 9 messages" },
	{ "\x0c\xa5", 2, "an nfdump file" },
	{ "\xa5\x0c", 2, "an nfdump file" },
	{ "\x1f\x8b", 2, "gzip within gzip; unpack it once" },
	{ "\x1f\x9d", 2, "a file of compress; unpack it" },
	{ "\xfd"
	  "7zXZ",
	  5, "an xz file; unpack it" },
	{ "\x28\xb5\x2f\xfd", 4, "a zstd file; unpack it" },
	{ "\x04\x22\x4d\x18", 4, "an lz4 file; unpack it" },
	{ "BZh", 3, "a bzip2 file; unpack it" },
	{ "PK\x03\x04", 4, "a zip file; unpack it" },
	{ "snoop\0\0", 7, "a snoop capture; convert it to pcap" },
	{ "GMBU", 4, "a Network Monitor capture; convert it to pcap" },
	{ "RTSS", 4, "a Network Monitor capture; convert it to pcap" },
	{ "TRSNIFF data", 12, "a Sniffer capture; convert it to pcap" },
	{ "\xa1\xb2\x34\xcd", 4, "a pcap of an unknown dialect" },
	{ "\xcd\x34\xb2\xa1", 4, "a pcap of an unknown dialect" },
	{ "\xa1\x2b\x3c\x4d", 4, "a pcap of an unknown dialect" },
	{ "\x4d\x3c\x2b\xa1", 4, "a pcap of an unknown dialect" },
	{ "\x7f"
	  "ELF",
	  4, "a program" },
};

/* Text in UTF-8, of which the last character may be cut. */
static bool looks_like_text(const guint8 *start, size_t size)
{
	const char *end;

	for (size_t i = 0; i < size; i++) {
		if (start[i] == 0x7f || (start[i] < ' ' && !strchr("\t\n\r\f\033", start[i])))
			return false;
	}
	return g_utf8_validate_len((const char *)start, size, &end) ||
	       (end > (const char *)start && (const char *)start + size - end < 4);
}

static const char *what_it_is(const guint8 *start, size_t size)
{
	if (size == 0)
		return "empty";
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		if (size >= others[i].size && memcmp(start, others[i].start, others[i].size) == 0)
			return others[i].what;
	}
	return looks_like_text(start, size) ? "text" : "of an unknown kind";
}

static const char *shown_path(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

static void set_fault(struct capture_file *file, char *fault, guint64 offset)
{
	g_free(file->fault);
	file->fault = fault;
	file->fault_offset = offset;
}

static void tell_fault(const struct capture_file *file, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_DAMAGED,
		    "%s: %s at offset %" G_GUINT64_FORMAT "%s", file->path, file->fault,
		    file->fault_offset,
		    octet_source_is_gzip(file->source) ? " of the uncompressed data" : "");
}

/* The octets ended where more were wanted: in good order only between two packets. */
static void find_end_fault(struct capture_file *file, size_t need)
{
	const char *fault = octet_source_fault(file->source);
	guint64 offset = octet_source_position(file->source);
	size_t left;

	octet_source_window(file->source, &left);
	if (fault)
		set_fault(file, g_strdup(fault), offset + left);
	else if (left > 0)
		set_fault(file,
			  g_strdup_printf("the file is cut short (%zu octets where %zu are needed)",
					  left, need),
			  offset);
}

static bool refuse(const struct capture_file *file, GError **error)
{
	bool packed = octet_source_is_gzip(file->source);
	const char *fault = octet_source_fault(file->source);
	const guint8 *start;
	size_t size;

	start = octet_source_window(file->source, &size);
	if (fault && size == 0)
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: cannot be read: %s",
			    file->path, fault);
	else
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
			    "%s: is not a capture (pcap or pcapng), but %s%s", file->path,
			    packed ? "gzip of something that is " : "",
			    what_it_is(start, MIN(size, START_OCTETS)));
	return false;
}

static bool recognise(struct capture_file *file)
{
	const guint8 *start;
	size_t size;

	/* A pcap of no packets is 24 octets long; a pipe may hand them out one by one. */
	octet_source_want(file->source, 24);
	start = octet_source_window(file->source, &size);
	for (size_t i = 0; i < G_N_ELEMENTS(formats) && !file->format; i++) {
		if (formats[i]->recognise(start, size))
			file->format = formats[i];
	}
	return file->format;
}

static bool begin(struct capture_file *file, GError **error)
{
	struct capture_pass pass = { 0 };
	size_t size;

	if (!recognise(file))
		return refuse(file, error);
	pass.at = octet_source_window(file->source, &size);
	pass.end = pass.at + size;
	file->state = file->format->begin(&pass);
	octet_source_advance(file->source, pass.at);
	if (file->state)
		return true;
	if (pass.fault) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s", file->path, pass.fault);
		g_free(pass.fault);
		return false;
	}
	find_end_fault(file, pass.need);
	tell_fault(file, error);
	return false;
}

struct capture_file *capture_file_open(const char *path, GError **error)
{
	struct octet_source *source = octet_source_open(path, error);

	return source ? capture_file_from(source, path, error) : NULL;
}

struct capture_file *capture_file_from(struct octet_source *source, const char *path,
				       GError **error)
{
	struct capture_file *file = g_new0(struct capture_file, 1);

	file->source = source;
	file->path = g_strdup(shown_path(path));
	if (!begin(file, error)) {
		capture_file_free(file);
		return NULL;
	}
	return file;
}

void capture_file_free(struct capture_file *file)
{
	if (!file)
		return;
	if (file->state)
		file->format->free(file->state);
	octet_source_free(file->source);
	g_free(file->fault);
	g_free(file->path);
	g_free(file);
}

static void run_pass(struct capture_file *file, struct capture_pass *pass)
{
	size_t size;

	pass->at = octet_source_window(file->source, &size);
	pass->end = pass->at + size;
	file->format->read(file->state, pass);
	octet_source_advance(file->source, pass->at);
	if (pass->fault)
		set_fault(file, pass->fault, octet_source_position(file->source));
}

int capture_file_read(struct capture_file *file, struct frame *ret_frames, size_t max,
		      GError **error)
{
	while (max > 0 && !file->fault) {
		struct capture_pass pass = { .frames = ret_frames, .max = MIN(max, G_MAXINT) };

		run_pass(file, &pass);
		if (pass.count > 0)
			return (int)pass.count;
		if (file->fault || octet_source_want(file->source, pass.need))
			continue;
		find_end_fault(file, pass.need);
		if (!file->fault)
			return 0;
	}
	if (!file->fault)
		return 0;
	tell_fault(file, error);
	return -1;
}

guint64 capture_file_offset(const struct capture_file *file)
{
	return octet_source_disk_position(file->source);
}

guint64 capture_file_size(const struct capture_file *file)
{
	return octet_source_disk_size(file->source);
}

size_t capture_file_interfaces(const struct capture_file *file)
{
	return file->format->interfaces(file->state);
}

static bool has_interface(const struct capture_file *file, size_t index)
{
	return index >= 1 && index <= capture_file_interfaces(file);
}

const char *capture_file_interface_name(const struct capture_file *file, size_t index)
{
	return has_interface(file, index) ? file->format->interface_name(file->state, index) : NULL;
}

guint32 capture_file_interface_linktype(const struct capture_file *file, size_t index)
{
	return has_interface(file, index) ? file->format->interface_linktype(file->state, index)
					  : 0;
}
