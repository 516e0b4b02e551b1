/* SPDX-License-Identifier: BSD-2-Clause */
/* The classic format of tcpdump and its dialects. */
#ifndef WEIR_CAPTURE_PCAP_FORMAT_H
#define WEIR_CAPTURE_PCAP_FORMAT_H

#include "capture/capture_format.h"

extern const struct capture_format pcap_format;

#endif
