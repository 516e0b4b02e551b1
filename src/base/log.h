/* SPDX-License-Identifier: BSD-2-Clause */
/* One line an event, on standard error. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <glib.h>

void log_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Says the error and frees it; nothing if there is none. */
void log_error(GError *error);

/* Lines go to the taker instead, without their newline; NULL: to standard error again. For whoever
 * draws on the terminal, from the thread that logs. */
typedef void log_taker(void *data, const char *line);
void log_divert(log_taker *taker, void *data);

#endif
