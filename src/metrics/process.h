/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_METRICS_PROCESS_H
#define WEIR_METRICS_PROCESS_H

#include "metrics/page.h"

/* When this process began, in seconds since 1970. */
double metrics_process_start(void);
/* Adds what this process takes of the machine. */
void metrics_add_process(struct metrics_page *page, double start);

#endif
