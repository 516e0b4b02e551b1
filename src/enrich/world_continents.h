/* SPDX-License-Identifier: BSD-2-Clause */
/* The continent of a country, by ISO 3166-1 alpha-2. */
#ifndef WEIR_ENRICH_WORLD_CONTINENTS_H
#define WEIR_ENRICH_WORLD_CONTINENTS_H

/* AF, AN, AS, EU, NA, OC or SA; NULL where it has none or is not known. */
const char *world_continent(const char *country);

#endif
