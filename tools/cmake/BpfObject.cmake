# SPDX-License-Identifier: BSD-2-Clause
# bpf_object(NAME SOURCE [DEFINITION...]): compile one BPF program, link it, offer its skeleton as
# NAME_skel.
find_program(BPF_CLANG NAMES clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

function(bpf_object name source)
  set(raw ${CMAKE_CURRENT_BINARY_DIR}/${name}.raw.o)
  set(obj ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skel ${CMAKE_CURRENT_BINARY_DIR}/skel/${name}.skel.h)
  list(TRANSFORM ARGN PREPEND -D OUTPUT_VARIABLE definitions)
  add_custom_command(OUTPUT ${raw}
    COMMAND ${BPF_CLANG} -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror ${definitions}
            -I${PROJECT_SOURCE_DIR}/bpf -I/usr/include/${CMAKE_C_LIBRARY_ARCHITECTURE}
            -MD -MF ${raw}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${raw}
    DEPENDS ${source} DEPFILE ${raw}.d VERBATIM COMMENT "BPF   ${name}")
  add_custom_command(OUTPUT ${skel}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/skel
    COMMAND ${BPFTOOL} gen object ${obj} ${raw}
    COMMAND sh -c "\"$1\" gen skeleton \"$2\" name \"$3\" > \"$4\"" -- ${BPFTOOL} ${obj} ${name} ${skel}
    DEPENDS ${raw} VERBATIM COMMENT "SKEL  ${name}")
  add_custom_target(${name}_gen DEPENDS ${skel})
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_gen)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/skel)
endfunction()
