/* SPDX-License-Identifier: BSD-2-Clause */
/* How much is said on standard error, and in what form: by the options, and at a reload. */
#ifndef WEIR_SETUP_LOGGING_H
#define WEIR_SETUP_LOGGING_H

#include "setup/reload.h"

/* As options say. Without such options, what is usual. */
void logging_begin(const struct options *options);
/* A run's own file. */
bool logging_open(const struct options *options, GError **error);
/* By its name: it may have been renamed. A warning where that cannot be. */
void logging_reopen(void);
/* And when they are read again. */
void logging_join(struct reload *reload);

#endif
