/* SPDX-License-Identifier: BSD-2-Clause */
/* The main of every unit test: runs the suites the test file offers, fails if any test fails. */
#include <CUnit/Basic.h>

#include "unit.h"

int main(void)
{
	unsigned int failures;

	if (CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(test_suites) != CUE_SUCCESS)
		return CU_get_error();
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	return failures != 0;
}
