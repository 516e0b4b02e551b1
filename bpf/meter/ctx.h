/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet as the meter sees it, whichever home it came from: where its octets are, when it came
 * and how long it was on the wire. */
#ifndef METER_CTX_H
#define METER_CTX_H

#if defined(METER_CTX_XDP)
#include "ctx_xdp.h"
#elif defined(METER_CTX_SKB)
#include "ctx_skb.h"
#else
#include "ctx_native.h"
#endif

#endif
