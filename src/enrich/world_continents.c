/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a country is on two continents, the one its capital is on; islands by the geographical
 * regions of the United Nations (M49), Cyprus as a member of the European Union. */
#include "enrich/world_continents.h"

#include <stddef.h>
#include <string.h>

/* Codes that are no longer, or not quite, in the standard and still in registries: AN CS EU SU
 * UK XK. AP (Asia and Pacific) is on two continents, so on none, and UN and ZZ are nowhere. */
static const struct {
	const char *code;
	const char *countries;
} continents[] = {
	{ "AF", "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS "
		"LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG "
		"YT ZA ZM ZW" },
	{ "AN", "AQ BV GS HM TF" },
	{ "AS", "AE AF AM AZ BD BH BN BT CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB "
		"LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE" },
	{ "EU",
	  "AD AL AT AX BA BE BG BY CH CS CY CZ DE DK EE ES EU FI FO FR GB GG GI GR HR HU IE "
	  "IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM SU UA UK "
	  "VA XK" },
	{ "NA", "AG AI AN AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF "
		"MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI" },
	{ "OC", "AS AU CC CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF "
		"WS" },
	{ "SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE" },
};

const char *world_continent(const char *country)
{
	for (size_t i = 0; i < sizeof(continents) / sizeof(continents[0]); i++) {
		for (const char *at = continents[i].countries; strlen(at) >= 2; at += 3) {
			if (strncmp(at, country, 2) == 0)
				return continents[i].code;
			if (!at[2])
				break;
		}
	}
	return NULL;
}
