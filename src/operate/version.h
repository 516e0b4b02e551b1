/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_OPERATE_VERSION_H
#define WEIR_OPERATE_VERSION_H

/* "0.1.0" */
const char *weir_version(void);

#endif
