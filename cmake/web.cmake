# cmake -DFILES=a.js;index.html -DOUT=dir/cleat_web.c -P web.cmake
#
# Writes the table of src/server/web.h: of each file its name, its type, its bytes, and an ETag made from
# them. Bytes are character constants, as in sql.cmake.

cmake_minimum_required(VERSION 3.21)

set(type_css "text/css; charset=utf-8")
set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_png "image/png")
set(type_svg "image/svg+xml")

if(NOT FILES MATCHES "/index\\.html(;|$)")
  message(FATAL_ERROR "there is no index.html in web/, which is all pages: ${FILES}")
endif()

set(arrays)
set(rows)
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  get_filename_component(ending ${file} LAST_EXT)
  string(SUBSTRING ${ending} 1 -1 ending)
  if(NOT DEFINED type_${ending})
    message(FATAL_ERROR "web.cmake knows no content type of ${file}")
  endif()
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 20 hash)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND arrays "\nstatic const char file_${index}[] = {\n    ${bytes}'\\0',\n};\n")
  string(APPEND rows "    {\"${name}\", \"${type_${ending}}\", \"${hash}\", file_${index}, sizeof(file_${index}) - 1},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT} "/* Generated from web/. */\n#include \"server/web.h\"\n${arrays}
const cleat__web_file cleat__web_files[] = {\n${rows}};
const size_t cleat__web_file_count = ${index};\n")
