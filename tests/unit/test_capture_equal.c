/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture file reader against libpcap: over every capture of tests/data, and of the folder that
 * WEIR_MORE_DATA names, both give the same packets. Where weir knowingly differs:
 * - a packet longer than the snapshot length of its file is cut there by libpcap (pcap) or ends
 *   the reading (pcapng), while weir takes what the record holds;
 * - libpcap reads only the first link type of a pcapng, and one byte order; weir reads on;
 * - packets without a time have time 0 in libpcap, and that of the packet before here;
 * - libpcap rewrites headers of some links (USB, NFLOG...) in swapped files; nobody does here;
 * - libpcap takes seconds beyond 2038 for negative in files of this machine's byte order. */
#include <glib/gstdio.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "capture/capture_file.h"
#include "capture/octet_source.h"
#include "unit.h"

/* One file read by both. */
struct pair {
	const char *path;
	pcap_t *pcap;
	struct capture_file *file;
	guint64 last_ns;
	guint32 unit_ns; /* of a pcap's fractions */
	guint packets;
	guint differences;
};

static void differ(struct pair *pair, const char *what, guint64 weir, guint64 libpcap)
{
	if (pair->differences++ == 0)
		fprintf(stderr,
			"\n%s: packet %u: %s: %" G_GUINT64_FORMAT ", libpcap %" G_GUINT64_FORMAT
			"\n",
			pair->path, pair->packets, what, weir, libpcap);
}

/* The octets of a file, inflated if need be. */
static GByteArray *octets_of(const char *path)
{
	GByteArray *octets = g_byte_array_new();
	gzFile from = gzopen(path, "rb");
	guint8 part[65536];
	int got;

	if (!from)
		return octets;
	while ((got = gzread(from, part, sizeof(part))) > 0)
		g_byte_array_append(octets, part, (guint)got);
	gzclose(from);
	return octets;
}

static bool is_rewritten(pcap_t *pcap)
{
	switch (pcap_datalink(pcap)) {
	case DLT_USB_LINUX:
	case DLT_USB_LINUX_MMAPPED:
	case DLT_NFLOG:
	case DLT_PFLOG:
	case DLT_LINUX_SLL:
		return pcap_is_swapped(pcap) || pcap_datalink(pcap) == DLT_USB_LINUX_MMAPPED;
	default:
		return false;
	}
}

/* Nanoseconds as the file has them: the sign is libpcap's reading of unsigned fields. */
static guint64 libpcap_time(const struct pair *pair, const struct pcap_pkthdr *header)
{
	gint64 seconds = header->ts.tv_sec;
	gint64 fraction = header->ts.tv_usec;

	if (pcap_major_version(pair->pcap) == 1) /* pcapng */
		return (guint64)seconds * 1000000000 + (guint64)fraction;
	return (guint64)(guint32)seconds * 1000000000 +
	       (guint64)(fraction < 0 ? fraction + 4294967296LL * pair->unit_ns : fraction);
}

static void compare(struct pair *pair, const struct frame *frame, const struct pcap_pkthdr *header,
		    const u_char *data)
{
	guint64 time_ns = libpcap_time(pair, header);
	guint32 captured = MIN(frame->captured, (guint32)pcap_snapshot(pair->pcap));

	if (captured != header->caplen)
		differ(pair, "captured", captured, header->caplen);
	else if (!is_rewritten(pair->pcap) && memcmp(frame->data, data, captured) != 0)
		differ(pair, "data", 0, 0);
	if (frame->length != header->len && !is_rewritten(pair->pcap))
		differ(pair, "length", frame->length, header->len);
	if (frame->time_ns != time_ns && !(time_ns == 0 && frame->time_ns == pair->last_ns))
		differ(pair, "time", frame->time_ns, time_ns);
	pair->last_ns = frame->time_ns;
}

/* libpcap stopped although weir goes on: a limit of libpcap, or a difference. */
static bool is_limit(pcap_t *pcap)
{
	const char *text = pcap_geterr(pcap);

	return strstr(text, "different from the type of the first interface") ||
	       strstr(text, "different from the snapshot length of the first") ||
	       strstr(text, "bigger than snaplen") || strstr(text, "different byte orders");
}

static void compare_packets(struct pair *pair)
{
	g_autoptr(GError) error = NULL;
	struct pcap_pkthdr *header;
	struct frame frame;
	const u_char *data;
	int result;
	int count;

	while ((result = pcap_next_ex(pair->pcap, &header, &data)) == 1) {
		count = capture_file_read(pair->file, &frame, 1, &error);
		if (count != 1) {
			differ(pair, error ? error->message : "no packet", 0, 1);
			return;
		}
		compare(pair, &frame, header, data);
		pair->packets++;
	}
	count = capture_file_read(pair->file, &frame, 1, &error);
	if (result == PCAP_ERROR_BREAK && count != 0)
		differ(pair, "end", (guint64)count, 0);
	if (result == PCAP_ERROR && count != -1 && !is_limit(pair->pcap))
		differ(pair, pcap_geterr(pair->pcap), (guint64)count, 0);
}

/* False if libpcap does not read the file; weir may then do as it likes, but not more than fail. */
static bool compare_file(const char *path)
{
	g_autoptr(GByteArray) octets = octets_of(path);
	char text[PCAP_ERRBUF_SIZE];
	struct pair pair = { .path = path };
	FILE *stream = octets->len ? fmemopen(octets->data, octets->len, "rb") : NULL;

	if (stream)
		pair.pcap = pcap_fopen_offline_with_tstamp_precision(
			stream, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!pair.pcap) {
		if (stream)
			fclose(stream);
		return false;
	}
	pair.unit_ns =
		memmem(octets->data, 4, "\xb2\x3c", 2) || memmem(octets->data, 4, "\x3c\xb2", 2)
			? 1
			: 1000;
	pair.file = capture_file_open(path, NULL);
	if (pair.file)
		compare_packets(&pair);
	else
		differ(&pair, "not opened", 0, 1);
	CU_ASSERT_EQUAL(pair.differences, 0);
	capture_file_free(pair.file);
	pcap_close(pair.pcap);
	return true;
}

/* Reads what libpcap does not read as well: whatever it is, it must come to an end. */
static void read_to_the_end(const char *path)
{
	struct capture_file *file = capture_file_open(path, NULL);
	struct frame frames[32];

	while (file && capture_file_read(file, frames, 32, NULL) > 0)
		;
	capture_file_free(file);
}

static guint compare_folder(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;
	guint compared = 0;

	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *inside = g_build_filename(path, name, NULL);

		if (!g_file_test(inside, G_FILE_TEST_IS_REGULAR))
			continue;
		if (compare_file(inside))
			compared++;
		else
			read_to_the_end(inside);
	}
	return compared;
}

static void test_captures(void)
{
	CU_ASSERT(compare_folder(TEST_DATA "/pcap") > 100);
}

static void test_malformed(void)
{
	CU_ASSERT(compare_folder(TEST_DATA "/malformed") > 100);
}

static void test_more(void)
{
	const char *path = g_getenv("WEIR_MORE_DATA");

	if (path)
		CU_ASSERT(compare_folder(path) > 0);
}

static CU_TestInfo tests[] = {
	{ "captures are read as libpcap reads them", test_captures },
	{ "malformed captures are read as libpcap reads them", test_malformed },
	{ "more captures are read as libpcap reads them", test_more },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "capture file and libpcap", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
