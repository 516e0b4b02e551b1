/* SPDX-License-Identifier: BSD-2-Clause */
/* What another version of weir left in the kernel only that version can read. So each leaves a copy
 * of itself beside its tables, by the number of their layout; and whoever finds strange tables sets
 * them apart, as an instance of their own, for that copy to bring out once packets go elsewhere. */
#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/log.h"
#include "capture/kernel_tables.h"
#include "setup/instance_parts.h"
#include "setup/instance_program.h"

#define PATIENCE_S 30
#define POLL_US	   5000
#define ACCOUNT	   ".account"

static char *copy_of(const char *name, guint64 layout)
{
	return g_strdup_printf(INSTANCE_COPIES "/%s.%" G_GINT64_MODIFIER "x", name, layout);
}

void instance_leave_copy(const char *name, guint64 layout)
{
	g_autofree char *path = copy_of(name, layout);
	g_autoptr(GError) error = NULL;

	mkdir(INSTANCE_COPIES, 0700);
	if (!instance_program_copy(path, &error))
		log_warning("%s; should a later version of weir not read this one's tables, their "
			    "flows are lost",
			    error->message);
}

void instance_drop_copy(const char *name, guint64 layout)
{
	g_autofree char *path = copy_of(name, layout);

	unlink(path);
	rmdir(INSTANCE_COPIES);
}

/* The first word of every state. 0: it cannot be read. */
static guint64 layout_of(int folder, const char *tables)
{
	const int fd = guarded_folder(folder, tables);
	g_autofree char *there = guarded_path(fd);
	g_autofree char *path = g_build_filename(there, "state", NULL);
	g_autofree guint8 *value = NULL;
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	const guint32 zero = 0;
	guint64 layout = 0;
	int map = kernel_pin_get(path);

	if (map >= 0 && !bpf_obj_get_info_by_fd(map, &info, &size) &&
	    info.value_size >= sizeof(layout)) {
		value = g_malloc0(info.value_size);
		if (!bpf_map_lookup_elem(map, &zero, value))
			memcpy(&layout, value, sizeof(layout));
	}
	if (map >= 0)
		close(map);
	if (fd >= 0)
		close(fd);
	return layout;
}

static char *apart_name(const char *name, guint64 layout, guint lot)
{
	return g_strdup_printf("%s~%" G_GINT64_MODIFIER "x~%u", name, layout, lot);
}

static bool is_there(const char *apart)
{
	g_autofree char *folder = g_build_filename(INSTANCE_FOLDER, apart, NULL);
	g_autofree char *account = instance_apart_account(apart);
	struct stat status;

	return lstat(folder, &status) == 0 || lstat(account, &status) == 0;
}

/* Those that were set apart before may still be there, if a process was killed that had begun to
 * bring them out; or their account is. */
static char *choose_apart(const char *name, guint64 layout, guint *lot)
{
	char *apart = NULL;

	if (*lot)
		return apart_name(name, layout, *lot);
	do {
		g_free(apart);
		apart = apart_name(name, layout, ++*lot);
	} while (is_there(apart));
	return apart;
}

static bool is_program(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & S_IXUSR;
}

static bool move_tables(int folder, const char *tables, const char *apart)
{
	const int place = instance_folder_make(apart) ? instance_folder_open(apart) : -1;
	const bool good = place >= 0 && renameat(folder, tables, place, tables) == 0;

	if (place >= 0)
		close(place);
	return good;
}

bool instance_set_apart(const char *name, int folder, const char *tables, guint *lot)
{
	guint64 layout = layout_of(folder, tables);
	g_autofree char *copy = copy_of(name, layout);
	g_autofree char *apart = choose_apart(name, layout, lot);

	if (layout && strlen(apart) <= INSTANCE_NAME && is_program(copy) &&
	    move_tables(folder, tables, apart))
		return true;
	log_warning("instance %s: another version of weir left flows in the kernel that this one "
		    "cannot read; they are given up",
		    name);
	return false;
}

static bool is_apart_of(const char *apart, const char *name)
{
	const size_t length = strlen(name);

	return g_str_has_prefix(apart, name) && apart[length] == '~' &&
	       strrchr(apart, '~') > apart + length;
}

char **instance_apart(const char *name)
{
	g_autoptr(GStrvBuilder) found = g_strv_builder_new();
	g_auto(GStrv) names = instance_names();

	for (char **apart = names; *apart; apart++) {
		if (is_apart_of(*apart, name))
			g_strv_builder_add(found, *apart);
	}
	return g_strv_builder_end(found);
}

char *instance_apart_account(const char *apart)
{
	return g_strconcat(INSTANCE_COPIES "/", apart, ACCOUNT, NULL);
}

char **instance_apart_accounts(const char *name)
{
	g_autoptr(GStrvBuilder) found = g_strv_builder_new();
	GDir *folder = g_dir_open(INSTANCE_COPIES, 0, NULL);
	const char *file;

	while (folder && (file = g_dir_read_name(folder))) {
		g_autofree char *apart = g_strdup(file);

		if (!g_str_has_suffix(file, ACCOUNT))
			continue;
		apart[strlen(file) - strlen(ACCOUNT)] = '\0';
		if (is_apart_of(apart, name))
			g_strv_builder_add(found, apart);
	}
	if (folder)
		g_dir_close(folder);
	return g_strv_builder_end(found);
}

char *instance_apart_from(const char *name)
{
	char *from = g_strdup(name);

	for (int words = 0; words < 2 && strchr(from, '~'); words++)
		*strrchr(from, '~') = '\0';
	return from;
}

static bool has_state(int folder, const char *tables)
{
	const int fd = guarded_folder(folder, tables);
	struct stat status;
	bool has = fd >= 0 && fstatat(fd, "state", &status, AT_SYMLINK_NOFOLLOW) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

bool instance_apart_holds(const char *apart)
{
	const int fd = instance_folder_open(apart);
	g_autofree char *path = guarded_path(fd);
	GDir *folder = g_dir_open(path, 0, NULL);
	const char *tables;
	bool holds = false;

	while (folder && !holds && (tables = g_dir_read_name(folder)))
		holds = has_state(fd, tables);
	if (folder)
		g_dir_close(folder);
	if (fd >= 0)
		close(fd);
	return holds;
}

/* Whatever another version calls what it pins. */
static void remove_pins(int fd, int depth)
{
	g_autofree char *path = guarded_path(fd);
	GDir *folder = g_dir_open(path, 0, NULL);
	const char *name;

	while (folder && (name = g_dir_read_name(folder))) {
		int inner;

		if (unlinkat(fd, name, 0) == 0 || depth == 0)
			continue;
		inner = guarded_folder(fd, name);
		if (inner < 0)
			continue;
		remove_pins(inner, depth - 1);
		close(inner);
		unlinkat(fd, name, AT_REMOVEDIR);
	}
	if (folder)
		g_dir_close(folder);
}

void instance_apart_clear(const char *apart)
{
	const int fd = instance_folder_open(apart);

	if (fd < 0)
		return;
	remove_pins(fd, 2);
	close(fd);
	instance_folder_remove(apart);
}

/* NAME~LAYOUT~LOT */
static char *program_of(const char *apart)
{
	g_autofree char *words = g_strdup(apart);
	char *layout;

	*strrchr(words, '~') = '\0';
	layout = strrchr(words, '~');
	*layout++ = '\0';
	return g_strdup_printf(INSTANCE_COPIES "/%s.%s", words, layout);
}

int instance_apart_program(const char *apart, GError **error)
{
	g_autofree char *path = program_of(apart);

	return instance_program_open(path, error);
}

void instance_apart_forget(const char *apart)
{
	g_autofree char *others = g_strndup(apart, (gsize)(strrchr(apart, '~') + 1 - apart));
	g_autofree char *program = program_of(apart);
	g_auto(GStrv) names = instance_names();
	const char *layout = strrchr(program, '.') + 1;
	bool wanted = g_ascii_strtoull(layout, NULL, 16) == instance_layout();

	for (char **name = names; *name; name++)
		wanted |= g_str_has_prefix(*name, others);
	if (!wanted)
		unlink(program);
}

void instance_await(const char *name)
{
	const gint64 until_us = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
	const int folder = instance_folder_open(name);

	while (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) != 0 &&
	       g_get_monotonic_time() < until_us)
		g_usleep(POLL_US);
	if (folder >= 0)
		close(folder);
}
