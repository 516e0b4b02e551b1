/* SPDX-License-Identifier: BSD-2-Clause */
/* Definition files that teach collectors our own elements: what `weir elements --for` prints. */
#ifndef WEIR_EXPORT_PACKS_H
#define WEIR_EXPORT_PACKS_H

#include "flow/fields.h"

/* An element as a collector sees it. */
struct pack_element {
	const struct field *field;
	bool reverse;
	guint32 pen; /* ours, or that of IANA's reverse elements */
	guint16 id;
	const char *name;
	const char *type; /* in the collector's words */
	size_t number;	  /* in the file, from 0 */
};

struct pack {
	const char *collector; /* as --for calls it */
	const char *where;     /* does the file go: a line of the help */
	const char *notes;     /* what else to know: lines of the file's comment, or NULL */
	/* What begins a line of comment; NULL: the format has none, or begin writes it. */
	const char *comment;
	/* Its word for each of our types. It must have one: where a collector has no such type,
	 * that of what it can read instead. NULL: the words of IANA's registry. */
	const char *const *types;
	bool reverse;	   /* reverse elements of our own are entries of their own */
	bool iana_reverse; /* the collector must be told of IANA's reverse elements as well */
	void (*begin)(GString *out, const struct pack *pack, guint32 pen);
	void (*element)(GString *out, const struct pack_element *element);
	void (*end)(GString *out, const struct pack *pack, guint32 pen);
};

/* In the order of the choices of --for. */
extern const struct pack packs[];
extern const size_t packs_count;

/* The file for one of them, with our own elements under this enterprise number. */
void pack_write(GString *out, const struct pack *pack, guint32 pen);

/* Calls back for every element the pack has, in the order of the field table: our own, their
 * reverses, IANA's reverses. */
typedef void pack_each(void *data, const struct pack_element *element);
void pack_for_each(const struct pack *pack, guint32 pen, pack_each *each, void *data);

#endif
