/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_BASE_WRITE_ALL_H
#define WEIR_BASE_WRITE_ALL_H

#include <stdbool.h>
#include <stddef.h>

/* To a descriptor that blocks; false with errno. */
bool write_all(int fd, const void *octets, size_t length);

#endif
