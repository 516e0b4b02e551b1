/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user may have meant by a name that does not exist. */
#ifndef WEIR_SETUP_NEAREST_H
#define WEIR_SETUP_NEAREST_H

#include <stddef.h>

/* The candidate most like word, or NULL when none is near; candidates end with NULL. */
const char *nearest_name(const char *word, const char *const *candidates);

#endif
