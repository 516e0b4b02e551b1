/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files: pcap, pcapng, either of them gzipped, or any of these on standard input. */
#ifndef WEIR_CAPTURE_CAPTURE_FILE_H
#define WEIR_CAPTURE_CAPTURE_FILE_H

#include <glib.h>
#include <stdbool.h>

#include "capture/frame.h"

struct capture_file;
struct octet_source;

/* path "-" is standard input. The error of a file that is no capture names what it is instead. */
struct capture_file *capture_file_open(const char *path, GError **error);
/* The same over any source of octets, which it takes, also when it fails; path is for messages. */
struct capture_file *capture_file_from(struct octet_source *source, const char *path,
				       GError **error);
void capture_file_free(struct capture_file *file);

/* Up to max frames into ret_frames, their data valid until the next call. 0 at the end of the
 * file. At damage: the frames before it first, then -1 and an error that says what is wrong and
 * at which offset of the file. */
int capture_file_read(struct capture_file *file, struct frame *ret_frames, size_t max,
		      GError **error);

/* How far the reader is, in octets of the file on disk; size is 0 where it is not known (a pipe).
 */
guint64 capture_file_offset(const struct capture_file *file);
guint64 capture_file_size(const struct capture_file *file);

/* Interfaces seen so far: pcap has one; pcapng as many as it describes. */
size_t capture_file_interfaces(const struct capture_file *file);
/* Name of an interface (index from 1), or NULL where the file has none. */
const char *capture_file_interface_name(const struct capture_file *file, size_t index);
/* The DLT / LINKTYPE number of the interface as the file says it. */
guint32 capture_file_interface_linktype(const struct capture_file *file, size_t index);

#endif
