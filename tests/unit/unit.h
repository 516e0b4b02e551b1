/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_UNIT_H
#define WEIR_TESTS_UNIT_H

#include <CUnit/CUnit.h>

/* Ends with CU_SUITE_INFO_NULL; test names are sentences. */
extern CU_SuiteInfo test_suites[];

#endif
