# One object library per floor (a folder of src/), and from them the libraries and the command.

set(CLEAT_TRACE_FLOORS base trace otlp)
set(CLEAT_LIB_FLOORS ${CLEAT_TRACE_FLOORS} grpc
  topology model store engine collector wire transport sdk)
set(CLEAT_COMMAND_FLOORS server cli)

# The .sql files of store and collector become C arrays: see sql.cmake.
set(generated ${PROJECT_BINARY_DIR}/generated)
file(GLOB sql_files CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/store/schema/*.sql
  ${PROJECT_SOURCE_DIR}/src/collector/schema/*.sql)
if(sql_files)
  add_custom_command(
    OUTPUT ${generated}/cleat_sql.c ${generated}/cleat_sql.h
    COMMAND ${CMAKE_COMMAND} "-DFILES=${sql_files}" -DOUT=${generated}/cleat_sql
      -P ${PROJECT_SOURCE_DIR}/cmake/sql.cmake
    DEPENDS ${sql_files} ${PROJECT_SOURCE_DIR}/cmake/sql.cmake
    VERBATIM COMMENT "Generating cleat_sql.c")
  add_custom_target(cleat_sql DEPENDS ${generated}/cleat_sql.c ${generated}/cleat_sql.h)
endif()

if(NOT CLEAT_FLOORS)
  set(floors ${CLEAT_LIB_FLOORS} ${CLEAT_COMMAND_FLOORS})
else()
  set(floors ${CLEAT_FLOORS})
endif()
foreach(floor IN LISTS floors)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${floor}/*.c)
  if(floor STREQUAL store AND sql_files)
    list(APPEND sources ${generated}/cleat_sql.c)
  endif()
  if(NOT sources)
    continue()
  endif()
  add_library(cleat_floor_${floor} OBJECT ${sources})
  target_link_libraries(cleat_floor_${floor} PRIVATE cleat_flags Threads::Threads)
  target_include_directories(cleat_floor_${floor} PRIVATE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${generated})
  if(sql_files)
    add_dependencies(cleat_floor_${floor} cleat_sql)
  endif()
endforeach()

# Sets `out` to the objects of the floors that have sources.
function(cleat_objects out)
  set(objects)
  foreach(floor IN LISTS ARGN)
    if(TARGET cleat_floor_${floor})
      list(APPEND objects $<TARGET_OBJECTS:cleat_floor_${floor}>)
    endif()
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

# The libraries are linked by plain name, so that the installed CMake package names no path
# of the machine it was built on.
function(cleat_library target type name)
  cmake_parse_arguments(arg "" "" "FLOORS;LIBRARIES" ${ARGN})
  cleat_objects(objects ${arg_FLOORS})
  if(NOT objects)
    return()
  endif()
  add_library(${target} ${type} ${objects})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION 0)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE
    $<BUILD_INTERFACE:cleat_flags> ${arg_LIBRARIES} Threads::Threads)
endfunction()

set(trace_libraries ${CURL_LIBRARIES} ${ZLIB_LIBRARIES} m)
set(libraries ${SQLITE3_LIBRARIES} ${JANSSON_LIBRARIES} ${GRPC_LIBRARIES} ${trace_libraries})
cleat_library(cleat_trace_shared SHARED cleat-trace FLOORS ${CLEAT_TRACE_FLOORS}
  LIBRARIES ${trace_libraries})
cleat_library(cleat_trace_static STATIC cleat-trace FLOORS ${CLEAT_TRACE_FLOORS}
  LIBRARIES ${trace_libraries})
cleat_library(cleat_shared SHARED cleat FLOORS ${CLEAT_LIB_FLOORS} LIBRARIES ${libraries})
cleat_library(cleat_static STATIC cleat FLOORS ${CLEAT_LIB_FLOORS} LIBRARIES ${libraries})

# For tests and benchmarks: everything, main() of the command included, which the linker only
# takes from an archive when nobody else has one.
cleat_library(cleat_internal STATIC cleat-internal
  FLOORS ${CLEAT_LIB_FLOORS} ${CLEAT_COMMAND_FLOORS}
  LIBRARIES ${libraries})
if(TARGET cleat_internal)
  target_link_libraries(cleat_internal PUBLIC $<BUILD_INTERFACE:cleat_flags>)
  target_include_directories(cleat_internal INTERFACE ${PROJECT_SOURCE_DIR}/src ${generated})
endif()

if(TARGET cleat_floor_cli)
  cleat_objects(objects ${CLEAT_COMMAND_FLOORS})
  add_executable(cleat_command ${objects})
  set_target_properties(cleat_command PROPERTIES OUTPUT_NAME cleat LINKER_LANGUAGE C)
  target_link_libraries(cleat_command PRIVATE cleat_flags cleat_static)
endif()
