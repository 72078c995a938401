# cmake -DNM=nm -DOWN=FILE -DOTHERS=FILE -DOUT=lib.map -DPUBLIC=NODE -DPRIVATE=NODE -P exports.cmake
#
# Writes the version script of a shared library: its public names are cleat_*; of its internal
# names, cleat__*, those are exported that objects of the other libraries refer to. OWN and OTHERS
# are files with the lists of objects.

cmake_minimum_required(VERSION 3.21)

# Sets `out` to the sorted cleat__ names in the answer of nm.
function(internal_names out list)
  file(READ ${list} objects)
  set(text)
  if(objects)
    execute_process(COMMAND ${NM} -P ${ARGN} ${objects}
      OUTPUT_VARIABLE text ERROR_VARIABLE error RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "${NM}: ${error}")
    endif()
  endif()
  string(REGEX MATCHALL "(^|\n)cleat__[A-Za-z0-9_]+" names "${text}")
  list(TRANSFORM names STRIP)
  list(REMOVE_DUPLICATES names)
  list(SORT names)
  set(${out} ${names} PARENT_SCOPE)
endfunction()

internal_names(defined ${OWN} -g --defined-only)
internal_names(used ${OTHERS} -u)
set(private)
foreach(name IN LISTS defined)
  if(name IN_LIST used)
    string(APPEND private "    ${name};\n")
  endif()
endforeach()

# The linkers of GNU and LLVM differ in [!_]; public names begin with a lower-case letter.
set(script "${PUBLIC} {\n  global:\n    cleat_[a-z]*;\n  local:\n    *;\n};\n")
if(private)
  string(APPEND script "${PRIVATE} {\n  global:\n${private}};\n")
endif()
# Left alone when it is as it was, so that nothing is linked again.
file(CONFIGURE OUTPUT ${OUT} CONTENT "${script}" @ONLY)
