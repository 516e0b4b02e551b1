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
