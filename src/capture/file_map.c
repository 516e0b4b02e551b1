/* SPDX-License-Identifier: BSD-2-Clause */
/* A guarded file map. Reading a page beyond the end of a file that has shrunk, or one the disk
 * fails to deliver, raises SIGBUS, which would end the process for the sake of one bad file. The
 * handler lays zero pages over the rest of that map and notes where; the reader looks at the note
 * after each batch. A signal handler has no argument of its own, hence the static table: it holds
 * the maps alive, is written with the lock held, and is read without it. */
#include "capture/file_map.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUARDED_MAPS 64

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

struct file_map {
	guint8 *data;
	size_t size;
	size_t page;
	_Atomic(size_t) hole; /* first octet that is not the file's; size while all are */
	int fd;
};

static _Atomic(struct file_map *) guarded[GUARDED_MAPS];
static GMutex guard_lock;
static unsigned int guard_users;
static struct sigaction guard_previous;

/* Nothing of ours: whoever was there before decides, and that is the end of us by default. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	if (guard_previous.sa_flags & SA_SIGINFO) {
		guard_previous.sa_sigaction(number, info, context);
	} else if (guard_previous.sa_handler != SIG_DFL && guard_previous.sa_handler != SIG_IGN) {
		guard_previous.sa_handler(number);
	} else if (info->si_code > 0 || guard_previous.sa_handler == SIG_DFL) {
		signal(number, SIG_DFL);
		if (info->si_code <= 0)
			raise(number);
	}
}

/* Only what may be done in a signal handler: atomics and one system call. */
static bool patch(struct file_map *map, const guint8 *address)
{
	size_t from;

	if (!map || address < map->data || address >= map->data + map->size)
		return false;
	from = (size_t)(address - map->data) & ~(map->page - 1);
	if (mmap(map->data + from, map->size - from, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	if (from < atomic_load(&map->hole))
		atomic_store(&map->hole, from);
	return true;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code > 0) {
		for (int i = 0; i < GUARDED_MAPS; i++) {
			if (patch(atomic_load(&guarded[i]), info->si_addr)) {
				errno = saved;
				return;
			}
		}
	}
	pass_on(number, info, context);
	errno = saved;
}

static bool guard(struct file_map *map)
{
	struct sigaction action = { .sa_sigaction = on_bus_error,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	bool done = false;

	g_mutex_lock(&guard_lock);
	for (int i = 0; i < GUARDED_MAPS && !done; i++) {
		if (atomic_load(&guarded[i]))
			continue;
		sigemptyset(&action.sa_mask);
		if (guard_users == 0 && sigaction(SIGBUS, &action, &guard_previous) != 0)
			break;
		guard_users++;
		atomic_store(&guarded[i], map);
		done = true;
	}
	g_mutex_unlock(&guard_lock);
	return done;
}

static void unguard(const struct file_map *map)
{
	struct sigaction now;

	g_mutex_lock(&guard_lock);
	for (int i = 0; i < GUARDED_MAPS; i++) {
		if (atomic_load(&guarded[i]) == map)
			atomic_store(&guarded[i], NULL);
	}
	/* A handler set after ours may lead to ours: it stays then, and finds an empty table. */
	if (--guard_users == 0 && sigaction(SIGBUS, NULL, &now) == 0 &&
	    (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_bus_error)
		sigaction(SIGBUS, &guard_previous, NULL);
	g_mutex_unlock(&guard_lock);
}

struct file_map *file_map_new(int fd, size_t size)
{
	struct file_map *map;
	void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (data == MAP_FAILED)
		return NULL;
	map = g_new0(struct file_map, 1);
	map->data = data;
	map->size = size;
	map->page = (size_t)sysconf(_SC_PAGESIZE);
	map->fd = fd;
	atomic_init(&map->hole, size);
	if (!guard(map)) {
		munmap(data, size);
		g_free(map);
		return NULL;
	}
	madvise(data, size, MADV_SEQUENTIAL);
	return map;
}

void file_map_free(struct file_map *map)
{
	if (!map)
		return;
	unguard(map);
	munmap(map->data, map->size);
	g_free(map);
}

const guint8 *file_map_data(const struct file_map *map)
{
	return map->data;
}

size_t file_map_size(const struct file_map *map)
{
	return map->size;
}

void file_map_populate(struct file_map *map, size_t from, size_t to)
{
	from &= ~(map->page - 1);
	/* A hint: an older kernel faults page by page, and a hole is for the handler. */
	if (to > from)
		madvise(map->data + from, to - from, MADV_POPULATE_READ);
}

void file_map_forget(struct file_map *map, size_t from, size_t to)
{
	from &= ~(map->page - 1);
	to &= ~(map->page - 1);
	if (to > from)
		madvise(map->data + from, to - from, MADV_DONTNEED);
}

size_t file_map_sound(struct file_map *map, bool thorough)
{
	size_t sound = atomic_load(&map->hole);
	struct stat now;

	if (sound == map->size && !thorough)
		return sound;
	if (fstat(map->fd, &now) == 0 && (guint64)now.st_size < sound) {
		sound = (size_t)now.st_size;
		atomic_store(&map->hole, sound); /* for good, even if the file grows again */
	}
	return sound;
}
