/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader's end of the ring by which records leave the kernel. Reading and giving back are two
 * steps: what was read stays in the ring until it is committed, so that a reader that dies in
 * between loses nothing; the next one finds it again. */
#ifndef WEIR_CAPTURE_KERNEL_RING_H
#define WEIR_CAPTURE_KERNEL_RING_H

#include <glib.h>
#include <stdbool.h>

struct kernel_ring;

/* Octets of one record, and where in the ring's life it stood. */
typedef void kernel_ring_sink(void *data, const void *record, size_t octets, guint64 position);

/* The map stays the caller's. */
struct kernel_ring *kernel_ring_open(int map, GError **error);
void kernel_ring_free(struct kernel_ring *ring);

/* Until there is something to read, or so long. Commit first: what is read but not committed
 * counts as something. */
bool kernel_ring_wait(const struct kernel_ring *ring, int timeout_ms, GError **error);

/* Gives the sink what was not read yet, some records at most; returns how many. */
guint kernel_ring_read(struct kernel_ring *ring, guint limit, kernel_ring_sink *sink, void *data);
/* Something that was not read yet stands in the ring. */
bool kernel_ring_has_more(const struct kernel_ring *ring);

/* Octets that were read and not committed; of how many the ring has. */
guint64 kernel_ring_held(const struct kernel_ring *ring);
guint64 kernel_ring_octets(const struct kernel_ring *ring);
/* Where the next record to read stands, and what was committed. */
guint64 kernel_ring_position(const struct kernel_ring *ring);
/* Where the next record will stand that leaves the kernel. */
guint64 kernel_ring_end(const struct kernel_ring *ring);
/* Records before this position are not wanted: an earlier reader had them. */
void kernel_ring_skip(struct kernel_ring *ring, guint64 position);
/* Everything read makes room. */
void kernel_ring_commit(struct kernel_ring *ring);

#endif
