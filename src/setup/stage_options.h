/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that several commands share, as the stages take them. */
#ifndef WEIR_SETUP_STAGE_OPTIONS_H
#define WEIR_SETUP_STAGE_OPTIONS_H

#include "capture/dedup.h"
#include "capture/kernel_tables.h"
#include "capture/tunnels.h"
#include "export/fanout.h"
#include "setup/options.h"

/* enum flow_detail; -1: what the templates need */
int stage_detail(const struct options *options);
bool stage_tunnels(const struct options *options, struct meter_tunnels *ret_tunnels,
		   GError **error);
enum kernel_cache stage_cache(const struct options *options);
/* No packets: no packet is taken for a copy. */
struct dedup_options stage_dedup(const struct options *options);
/* Points into the options. */
struct export_options stage_export(const struct options *options);
/* Files begin by the wall clock. */
struct export_options stage_export_live(const struct options *options);

#endif
