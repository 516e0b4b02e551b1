/* SPDX-License-Identifier: BSD-2-Clause */
/* Things of one size, kept once each and numbered as they come. */
#ifndef WEIR_ENRICH_INTERNED_H
#define WEIR_ENRICH_INTERNED_H

#include <glib.h>

struct interned;

/* Compared octet by octet. */
struct interned *interned_new(gsize octets);
void interned_free(struct interned *interned);
/* The number of the thing, which is copied if it is new. */
guint32 interned_number(struct interned *interned, const void *thing);
/* Good until another one is new. */
const void *interned_at(const struct interned *interned, guint32 number);
guint32 interned_count(const struct interned *interned);

#endif
