/* SPDX-License-Identifier: BSD-2-Clause */
/* The one error domain of weir. A message is one line: what, where, what to do. */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

#include <glib.h>

#define WEIR_ERROR (weir_error_quark())

enum weir_error {
	WEIR_ERROR_FAILED,  /* exit status 1 */
	WEIR_ERROR_USAGE,   /* the user asked for what cannot be: exit status 2 */
	WEIR_ERROR_DAMAGED, /* input is damaged; what came before the damage is good */
	WEIR_ERROR_BUSY,    /* somebody else has it, for now: exit status 1 */
};

GQuark weir_error_quark(void);

#endif
