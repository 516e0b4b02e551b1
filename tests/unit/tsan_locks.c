/* SPDX-License-Identifier: BSD-2-Clause */
/* GLib is not built for ThreadSanitizer, which therefore does not see what its locks order. These
 * stand before GLib's own, and tell it. In a program that is built for it, alone. */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* GLib's own, looked up before there is a second thread. */
static struct {
	void (*lock)(GMutex *mutex);
	void (*unlock)(GMutex *mutex);
	gboolean (*trylock)(GMutex *mutex);
	void (*wait)(GCond *cond, GMutex *mutex);
	gboolean (*wait_until)(GCond *cond, GMutex *mutex, gint64 end_us);
} next;

__attribute__((constructor)) static void look_up(void)
{
	*(void **)&next.lock = dlsym(RTLD_NEXT, "g_mutex_lock");
	*(void **)&next.unlock = dlsym(RTLD_NEXT, "g_mutex_unlock");
	*(void **)&next.trylock = dlsym(RTLD_NEXT, "g_mutex_trylock");
	*(void **)&next.wait = dlsym(RTLD_NEXT, "g_cond_wait");
	*(void **)&next.wait_until = dlsym(RTLD_NEXT, "g_cond_wait_until");
}

/* Libraries may lock before that. */
static void make_ready(void)
{
	if (!next.wait_until)
		look_up();
}

void g_mutex_lock(GMutex *mutex)
{
	make_ready();
	next.lock(mutex);
	__tsan_acquire(mutex);
}

void g_mutex_unlock(GMutex *mutex)
{
	make_ready();
	__tsan_release(mutex);
	next.unlock(mutex);
}

gboolean g_mutex_trylock(GMutex *mutex)
{
	gboolean locked;

	make_ready();
	locked = next.trylock(mutex);
	if (locked)
		__tsan_acquire(mutex);
	return locked;
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
	make_ready();
	__tsan_release(mutex);
	next.wait(cond, mutex);
	__tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_us)
{
	gboolean in_time;

	make_ready();
	__tsan_release(mutex);
	in_time = next.wait_until(cond, mutex, end_us);
	__tsan_acquire(mutex);
	return in_time;
}
