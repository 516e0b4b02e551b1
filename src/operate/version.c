/* SPDX-License-Identifier: BSD-2-Clause */
/* The one file that is compiled anew when the version changes. */
#include "operate/version.h"

const char *weir_version(void)
{
	return WEIR_VERSION;
}
