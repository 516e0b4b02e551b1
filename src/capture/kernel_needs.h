/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel must have for the meter to run in it; asked before anything is made. */
#ifndef WEIR_CAPTURE_KERNEL_NEEDS_H
#define WEIR_CAPTURE_KERNEL_NEEDS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/utsname.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* This kernel, and what this process may do with it. */
bool kernel_check(GError **error);

/* Refuses kernels before 5.15. One whose release is no number is let pass. */
bool kernel_check_release(const struct utsname *name, GError **error);
/* What a refusal adds where a kernel has no types of its own; else nothing. The meter's programs do
 * without, but such a kernel is not one they were tried on. */
const char *kernel_btf_missing(const char *path);
/* Flow tables of so many octets, where so many are free (0: not known). */
bool kernel_check_memory(guint64 wanted, guint64 available, GError **error);

#endif
