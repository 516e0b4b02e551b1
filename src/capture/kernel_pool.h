/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that lies in the kernel, so that it can outlive the process: a map, seen as plain octets.
 */
#ifndef WEIR_CAPTURE_KERNEL_POOL_H
#define WEIR_CAPTURE_KERNEL_POOL_H

#include <glib.h>

struct kernel_pool;

/* Zeroed; or, pinned in this folder, what an earlier process left, whatever its size. NULL: nothing
 * is to outlive this process, and it is ordinary memory. */
struct kernel_pool *kernel_pool_open(const char *folder, gsize octets, GError **error);
/* What is pinned stays. */
void kernel_pool_free(struct kernel_pool *pool);
/* Whoever has it open keeps it. */
void kernel_pool_unpin(const char *folder);

void *kernel_pool_memory(const struct kernel_pool *pool);
gsize kernel_pool_octets(const struct kernel_pool *pool);

#endif
