/* SPDX-License-Identifier: BSD-2-Clause */
/* The one error domain of weir. */
#include "base/error.h"

G_DEFINE_QUARK(weir_error, weir_error)
