/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user may have meant by a name that does not exist. */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

#include <stddef.h>

/* The candidate most like word, letter case aside, or NULL when none is near; candidates end with
 * NULL. */
const char *nearest_name(const char *word, const char *const *candidates);

#endif
