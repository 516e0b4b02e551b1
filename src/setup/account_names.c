/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup/account.h"

const struct account_name account_set_aside_names[METER_VERDICTS] = {
#define SET_ASIDE(id, name, text) [METER_##id] = { name, text },
#include "meter/set_aside.def"
#undef SET_ASIDE
};

const struct account_name account_drop_names[ACCOUNT_DROP_REASONS] = {
#define ACCOUNT_DROP(id, name, text) [ACCOUNT_##id] = { name, text },
	ACCOUNT_DROPS(ACCOUNT_DROP)
#undef ACCOUNT_DROP
};

void account_print_table(const struct account *account, FILE *to)
{
	fprintf(to,
		"room for %" G_GUINT64_FORMAT " flows, up to %" G_GUINT64_FORMAT " MiB of memory\n",
		account->max_flows, (account->memory_octets + (1 << 20) - 1) >> 20);
}
