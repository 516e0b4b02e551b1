/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of each collector's definition file. */
#ifndef WEIR_EXPORT_PACKS_FORMATS_H
#define WEIR_EXPORT_PACKS_FORMATS_H

#include "export/packs.h"

/* XML of IANA's registry. */
void libfixbuf_begin(GString *out, const struct pack *pack, guint32 pen);

/* XML of libfds. */
void ipfixcol2_begin(GString *out, const struct pack *pack, guint32 pen);
void ipfixcol2_element(GString *out, const struct pack_element *element);
void ipfixcol2_end(GString *out, const struct pack *pack, guint32 pen);

/* YAML: fields of the output, then the mapping onto them. */
void goflow2_begin(GString *out, const struct pack *pack, guint32 pen);
void goflow2_end(GString *out, const struct pack *pack, guint32 pen);

/* YAML: a map of enterprise numbers to maps of ids to lists of two. */
void list_begin(GString *out, const struct pack *pack, guint32 pen);
void logstash_element(GString *out, const struct pack_element *element);
void vflow_element(GString *out, const struct pack_element *element);

/* CSV. */
void telegraf_element(GString *out, const struct pack_element *element);

/* Lines of key=value. */
void pmacct_element(GString *out, const struct pack_element *element);

/* JSON. */
void graylog_begin(GString *out, const struct pack *pack, guint32 pen);
void graylog_element(GString *out, const struct pack_element *element);
void graylog_end(GString *out, const struct pack *pack, guint32 pen);

#endif
