/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of the control socket: asks a run. */
#ifndef WEIR_SERVE_ASK_H
#define WEIR_SERVE_ASK_H

#include "serve/control.h"

/* Sends the request, a line without its end, and waits for the answer. NULL: nobody answers
 * (WEIR_ERROR_FAILED), or the answer is an error, which is passed on as it was: its status says
 * which kind. The answer's members otherwise; free with json_object_unref. */
JsonObject *control_ask(const char *path, const char *request, GError **error);
/* The same, and the lines that come after the answer, whole. */
JsonObject *control_ask_lines(const char *path, const char *request, GString *ret_lines,
			      GError **error);

#endif
