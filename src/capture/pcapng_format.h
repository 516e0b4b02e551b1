/* SPDX-License-Identifier: BSD-2-Clause */
/* The block format: sections of either byte order, each with interfaces of its own. */
#ifndef WEIR_CAPTURE_PCAPNG_FORMAT_H
#define WEIR_CAPTURE_PCAPNG_FORMAT_H

#include "capture/capture_format.h"

extern const struct capture_format pcapng_format;

#endif
