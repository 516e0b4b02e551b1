# SPDX-License-Identifier: BSD-2-Clause
# weir_options: warnings, hardening, sanitizers and coverage of every target, in one place.
add_library(weir_options INTERFACE)
target_include_directories(weir_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/bpf)
target_compile_definitions(weir_options INTERFACE _GNU_SOURCE G_LOG_DOMAIN="weir")
target_compile_options(weir_options INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wwrite-strings -Wimplicit-fallthrough
  -fstack-protector-strong)
if(WEIR_WERROR)
  target_compile_options(weir_options INTERFACE -Werror)
endif()
if(WEIR_SANITIZE)
  target_compile_options(weir_options INTERFACE
    -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(weir_options INTERFACE -fsanitize=${WEIR_SANITIZE})
else()
  target_compile_options(weir_options INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  target_link_options(weir_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(WEIR_COVERAGE)
  target_compile_options(weir_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(weir_options INTERFACE -fprofile-instr-generate)
endif()
if(WEIR_FUZZ)
  target_compile_options(weir_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# weir_stage(NAME SOURCE... [LIBS TARGET...]): the objects of one stage.
function(weir_stage name)
  cmake_parse_arguments(STAGE "" "" "LIBS" ${ARGN})
  add_library(weir_${name} OBJECT ${STAGE_UNPARSED_ARGUMENTS})
  target_link_libraries(weir_${name} PUBLIC weir_options PkgConfig::GLIB ${STAGE_LIBS})
endfunction()
