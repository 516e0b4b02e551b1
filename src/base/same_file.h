/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run writes must not be what it reads. */
#ifndef WEIR_BASE_SAME_FILE_H
#define WEIR_BASE_SAME_FILE_H

#include <stdbool.h>

/* Whether the descriptor is the regular file that this input names, under whatever name; "-" is
 * standard input. */
bool same_file_as_input(int fd, const char *input);

#endif
