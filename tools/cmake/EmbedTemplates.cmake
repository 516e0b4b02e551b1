# SPDX-License-Identifier: BSD-2-Clause
# cmake -DOUTPUT=FILE.c "-DFILES=a.tpl;b.tpl" -P EmbedTemplates.cmake: template_builtins[] as C.
# The text is a literal a line, so that the generated file can be read beside the original.
set(rows "")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\t" "\\t" text "${text}")
  string(REPLACE "\n" "\\n\"\n\t  \"" text "${text}")
  string(APPEND rows "\t{ \"${name}\",\n\t  \"${text}\" },\n")
endforeach()
file(WRITE "${OUTPUT}" "/* SPDX-License-Identifier: BSD-2-Clause */
/* Made from templates/ by EmbedTemplates.cmake. */
#include \"export/template.h\"

const struct template_builtin template_builtins[] = {
${rows}\t{ NULL, NULL },
};
")
