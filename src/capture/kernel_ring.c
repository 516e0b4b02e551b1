/* SPDX-License-Identifier: BSD-2-Clause */
/* The layout is the kernel's (Documentation/bpf/ringbuf.rst): a page with the consumer's position,
 * one with the producer's, and the data, mapped twice in a row so that no record wraps. */
#include "capture/kernel_ring.h"

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

struct kernel_ring {
	int map;
	guint64 octets; /* a power of two */
	size_t page;
	guint64 *consumed; /* the kernel may overwrite what lies before */
	const guint8 *produced;
	guint64 read;
};

static bool fail(GError **error, const char *what, int code)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "ring of records: %s: %s", what,
		    g_strerror(code));
	return false;
}

static guint64 produced(const struct kernel_ring *ring)
{
	return __atomic_load_n((const guint64 *)ring->produced, __ATOMIC_ACQUIRE);
}

static bool map_pages(struct kernel_ring *ring, GError **error)
{
	void *pages = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->map, 0);

	if (pages == MAP_FAILED)
		return fail(error, "consumer page", errno);
	ring->consumed = pages;
	pages = mmap(NULL, ring->page + 2 * ring->octets, PROT_READ, MAP_SHARED, ring->map,
		     (off_t)ring->page);
	if (pages == MAP_FAILED)
		return fail(error, "data pages", errno);
	ring->produced = pages;
	return true;
}

struct kernel_ring *kernel_ring_open(int map, GError **error)
{
	struct kernel_ring *ring = g_new0(struct kernel_ring, 1);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	ring->map = map;
	ring->page = (size_t)sysconf(_SC_PAGESIZE);
	if (bpf_obj_get_info_by_fd(map, &info, &size)) {
		fail(error, "its size", errno);
		g_free(ring);
		return NULL;
	}
	ring->octets = info.max_entries;
	if (!map_pages(ring, error)) {
		kernel_ring_free(ring);
		return NULL;
	}
	ring->read = __atomic_load_n(ring->consumed, __ATOMIC_ACQUIRE);
	return ring;
}

void kernel_ring_free(struct kernel_ring *ring)
{
	if (!ring)
		return;
	if (ring->consumed)
		munmap(ring->consumed, ring->page);
	if (ring->produced)
		munmap((void *)ring->produced, ring->page + 2 * ring->octets);
	g_free(ring);
}

bool kernel_ring_wait(const struct kernel_ring *ring, int timeout_ms, GError **error)
{
	struct pollfd wanted = { .fd = ring->map, .events = POLLIN };

	if (poll(&wanted, 1, timeout_ms) >= 0 || errno == EINTR)
		return true;
	return fail(error, "waiting for records", errno);
}

guint kernel_ring_read(struct kernel_ring *ring, guint limit, kernel_ring_sink *sink, void *data)
{
	const guint8 *octets = ring->produced + ring->page;
	guint64 until = produced(ring);
	guint records = 0;

	while (ring->read < until && records < limit) {
		const guint8 *header = octets + (ring->read & (ring->octets - 1));
		guint32 word = __atomic_load_n((const guint32 *)header, __ATOMIC_ACQUIRE);
		guint32 length = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			break; /* a packet is writing it; those behind it wait */
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			sink(data, header + BPF_RINGBUF_HDR_SZ, length, ring->read);
			records++;
		}
		ring->read += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	}
	return records;
}

bool kernel_ring_has_more(const struct kernel_ring *ring)
{
	return ring->read < produced(ring);
}

guint64 kernel_ring_held(const struct kernel_ring *ring)
{
	return ring->read - *ring->consumed;
}

guint64 kernel_ring_octets(const struct kernel_ring *ring)
{
	return ring->octets;
}

guint64 kernel_ring_position(const struct kernel_ring *ring)
{
	return ring->read;
}

guint64 kernel_ring_end(const struct kernel_ring *ring)
{
	return produced(ring);
}

void kernel_ring_skip(struct kernel_ring *ring, guint64 position)
{
	if (position <= ring->read || position > produced(ring))
		return;
	ring->read = position;
	kernel_ring_commit(ring);
}

void kernel_ring_commit(struct kernel_ring *ring)
{
	__atomic_store_n(ring->consumed, ring->read, __ATOMIC_RELEASE);
}
