/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of what is attached to the far end of the wire: meters, a folder to pin in, and frames
 * to count. */
#ifndef WEIR_TESTS_LIVE_HOOKED_H
#define WEIR_TESTS_LIVE_HOOKED_H

#include "capture/attach.h"

/* As wire_lay(), for frames that XDP in the driver takes. */
void hooked_lay(void);

/* A BPF file system that only this process sees, and that ends with it; exits with
 * status 77 where that is not allowed. */
const char *hooked_folder(void);
/* Names in the folder. */
guint hooked_pins(void);

/* Small, at the default detail; fails the test where the kernel refuses. */
struct kernel_meter *hooked_meter(void);
/* Packets it saw. */
guint64 hooked_count(struct kernel_meter *meter);
/* True when it has seen so many, which may take a moment. */
bool hooked_sees(struct kernel_meter *meter, guint64 packets);

/* Frames that are no IP, sent from this end. */
void hooked_send(const char *ifname, guint count);

/* The id of the XDP program at the interface; 0: none. */
guint32 hooked_xdp(const char *ifname);

/* Takes the error. */
void hooked_says(GError **error, const char *words);

#endif
