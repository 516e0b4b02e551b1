# SPDX-License-Identifier: BSD-2-Clause
# cmake -DOUTPUT=FILE "-DCOMMAND=PROGRAM;ARGUMENT;..." -P ToFile.cmake: what the program prints, in FILE.
execute_process(COMMAND ${COMMAND} OUTPUT_FILE ${OUTPUT} COMMAND_ERROR_IS_FATAL ANY)
