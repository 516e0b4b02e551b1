/* SPDX-License-Identifier: BSD-2-Clause */
/* GLib 2.74 can stand still for good when two threads use sockets for the first time at once: one
 * makes a class and waits for a type that it has to know, the other registers this type and waits
 * until no class is being made. */
#ifndef WEIR_BASE_GIO_CLASSES_H
#define WEIR_BASE_GIO_CLASSES_H

/* Makes them all, the first time; before a thread begins that uses sockets. */
void gio_classes_make(void);

#endif
