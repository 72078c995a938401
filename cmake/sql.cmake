# cmake -DFILES=a.sql;b.sql -DOUT=dir/cleat_sql -P sql.cmake
#
# Writes OUT.c and OUT.h with one `const char cleat__sql_<name>[]` per file, NUL-terminated;
# <name> is the file's name without .sql, every character that C does not allow made `_`.
# Bytes are written as character constants: no quoting rules, no limit on string length.

cmake_minimum_required(VERSION 3.21)

set(header "/* Generated from the .sql files. */\n#pragma once\n\n")
set(source "/* Generated from the .sql files. */\n#include \"cleat_sql.h\"\n")
set(seen)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WLE)
  string(REGEX REPLACE "[^A-Za-z0-9_]" "_" name ${name})
  if(name IN_LIST seen)
    message(FATAL_ERROR "two .sql files make the same C name cleat__sql_${name}: ${FILES}")
  endif()
  list(APPEND seen ${name})

  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND header "extern const char cleat__sql_${name}[];\n")
  string(APPEND source "\nconst char cleat__sql_${name}[] = {\n    ${bytes}'\\0',\n};\n")
endforeach()
file(WRITE ${OUT}.h "${header}")
file(WRITE ${OUT}.c "${source}")
