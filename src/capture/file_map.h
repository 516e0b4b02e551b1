/* SPDX-License-Identifier: BSD-2-Clause */
/* A file mapped into memory, read-only, that may shrink or fail under the reader: what would be
 * SIGBUS reads as zeros and is remembered, so that the reader can say where the file ended. */
#ifndef WEIR_CAPTURE_FILE_MAP_H
#define WEIR_CAPTURE_FILE_MAP_H

#include <glib.h>
#include <stdbool.h>

struct file_map;

/* NULL where the file cannot be mapped; read it instead then. The descriptor stays the caller's
 * and must stay open as long as the map lives. */
struct file_map *file_map_new(int fd, size_t size);
void file_map_free(struct file_map *map);

const guint8 *file_map_data(const struct file_map *map);
size_t file_map_size(const struct file_map *map);

/* Brings [from, to) in with few faults. */
void file_map_populate(struct file_map *map, size_t from, size_t to);
/* Gives the memory of [from, to) back; it can still be read. */
void file_map_forget(struct file_map *map, size_t from, size_t to);

/* How much of the file can be trusted: its size, or less after a fault. A thorough look asks the
 * file system as well, since the zeros that follow a new end within its page raise no signal. */
size_t file_map_sound(struct file_map *map, bool thorough);

#endif
