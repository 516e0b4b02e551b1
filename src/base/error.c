/* SPDX-License-Identifier: BSD-2-Clause */
/* The one error domain of weir. */
#include "base/error.h"

G_DEFINE_QUARK(weir-error-quark, weir_error)
