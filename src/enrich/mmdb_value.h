/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of a MaxMind database (format 2.0), kept once each: whoever makes the same value again
 * gets the one that is there, so equal records of a database are one record. */
#ifndef WEIR_ENRICH_MMDB_VALUE_H
#define WEIR_ENRICH_MMDB_VALUE_H

#include <glib.h>
#include <stdbool.h>

struct mmdb_values;
struct mmdb_value; /* lives as long as its mmdb_values */

struct mmdb_pair {
	const char *key;
	const struct mmdb_value *value; /* NULL: the pair is left out */
};

struct mmdb_values *mmdb_values_new(void);
void mmdb_values_free(struct mmdb_values *values);

/* Well-formed UTF-8, shorter than 16 MiB; what is not well-formed is replaced. */
const struct mmdb_value *mmdb_utf8(struct mmdb_values *values, const char *text);
const struct mmdb_value *mmdb_uint16(struct mmdb_values *values, guint16 number);
const struct mmdb_value *mmdb_uint32(struct mmdb_values *values, guint32 number);
const struct mmdb_value *mmdb_uint64(struct mmdb_values *values, guint64 number);
const struct mmdb_value *mmdb_double(struct mmdb_values *values, double number);
const struct mmdb_value *mmdb_boolean(struct mmdb_values *values, bool truth);
/* Keys in the order given; maps whose pairs differ in order only are two. */
const struct mmdb_value *mmdb_map(struct mmdb_values *values, const struct mmdb_pair *pairs,
				  size_t count);
const struct mmdb_value *mmdb_array(struct mmdb_values *values,
				    const struct mmdb_value *const *elements, size_t count);

/* A data section under way. Values that were written before are pointed to where that is shorter.
 */
struct mmdb_data;
struct mmdb_data *mmdb_data_new(const struct mmdb_values *values);
void mmdb_data_free(struct mmdb_data *data);
/* Where the value lies; written now if it was not yet. */
gsize mmdb_data_put(struct mmdb_data *data, const struct mmdb_value *value);
const guint8 *mmdb_data_octets(const struct mmdb_data *data, gsize *ret_length);

#endif
