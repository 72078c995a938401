# One object library per floor (a folder of src/), and from them the libraries and the command.

# The libraries, lowest first. This is the one list of them: each is built here as the targets
# <library>_shared and <library>_static, and install.cmake and tests.cmake go through it.
# A shared library has the objects of its own floors and links the one before it; an archive has
# those of all floors up to its own. LIBRARIES is what a library's own floors link, by plain name.
set(CLEAT_LIBRARIES cleat_trace_api cleat_trace cleat)
set(CLEAT_SOVERSION 0) # grows when a public name goes or changes its meaning

set(cleat_trace_api_DESCRIPTION "OpenTelemetry tracing for C: what an instrumented library links")
set(cleat_trace_api_FLOORS base trace)
set(cleat_trace_api_LIBRARIES m)

set(cleat_trace_DESCRIPTION "OpenTelemetry tracing for C: the whole SDK with its exporters")
set(cleat_trace_FLOORS otlp http)
set(cleat_trace_LIBRARIES ${CURL_LIBRARIES} ${ZLIB_LIBRARIES} m)

set(cleat_DESCRIPTION "${PROJECT_DESCRIPTION}")
set(cleat_FLOORS grpc topology model store engine collector wire transport sdk)
set(cleat_LIBRARIES ${SQLITE3_LIBRARIES} ${JANSSON_LIBRARIES} ${GRPC_LIBRARIES}
  ${PROTOBUF_C_LIBRARIES} ${CRYPTO_LIBRARIES} ${CURL_LIBRARIES} m)
# Names that a lower library looks for (weakly) and that are in an archive for that alone: a program
# that links the archive takes them in.
set(cleat_TAKEN_IN cleat_otlp_grpc_exporter_new)
set(cleat_HEADERS
  batch.h cleat.h client.h dag.h event.h filter.h instrumentor.h interceptor.h label.h limit.h log.h metrics.h
  otlp_grpc.h pause.h run.h runs.h schedule.h stream.h task.h worker.h workflow.h)

# The command, which links the archive of all that.
set(CLEAT_COMMAND_FLOORS server cli)
set(CLEAT_COMMAND_LIBRARIES
  ${PROTOBUF_C_LIBRARIES} ${GRPC_LIBRARIES} ${ZLIB_LIBRARIES} ${JWT_LIBRARIES} ${CRYPTO_LIBRARIES}
  ${MICROHTTPD_LIBRARIES} ${GNUTLS_LIBRARIES})

if(CLEAT_TRACE_ONLY)
  list(REMOVE_ITEM CLEAT_LIBRARIES cleat)
  set(CLEAT_COMMAND_FLOORS)
endif()

set(CLEAT_LIB_FLOORS)
foreach(library IN LISTS CLEAT_LIBRARIES)
  list(APPEND CLEAT_LIB_FLOORS ${${library}_FLOORS})
endforeach()

# The .sql files of store and collector become C arrays: see sql.cmake.
set(generated ${PROJECT_BINARY_DIR}/generated)
set(sql_files)
if(NOT CLEAT_TRACE_ONLY)
  file(GLOB sql_files CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/store/*/*.sql
    ${PROJECT_SOURCE_DIR}/src/collector/*/*.sql)
endif()
if(sql_files)
  add_custom_command(
    OUTPUT ${generated}/cleat_sql.c ${generated}/cleat_sql.h
    COMMAND ${CMAKE_COMMAND} "-DFILES=${sql_files}" -DOUT=${generated}/cleat_sql
      -P ${PROJECT_SOURCE_DIR}/cmake/sql.cmake
    DEPENDS ${sql_files} ${PROJECT_SOURCE_DIR}/cmake/sql.cmake
    VERBATIM COMMENT "Generating cleat_sql.c")
  add_custom_target(cleat_sql DEPENDS ${generated}/cleat_sql.c ${generated}/cleat_sql.h)
endif()

# The viewer's files become a table: see web.cmake.
set(web_files)
if(NOT CLEAT_TRACE_ONLY)
  file(GLOB web_files CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/web/*.css ${PROJECT_SOURCE_DIR}/web/*.html ${PROJECT_SOURCE_DIR}/web/*.js
    ${PROJECT_SOURCE_DIR}/web/*.png ${PROJECT_SOURCE_DIR}/web/*.svg)
  add_custom_command(
    OUTPUT ${generated}/cleat_web.c
    COMMAND ${CMAKE_COMMAND} "-DFILES=${web_files}" -DOUT=${generated}/cleat_web.c
      -P ${PROJECT_SOURCE_DIR}/cmake/web.cmake
    DEPENDS ${web_files} ${PROJECT_SOURCE_DIR}/cmake/web.cmake
    VERBATIM COMMENT "Generating cleat_web.c")
endif()

include(wire)

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
  if(floor STREQUAL wire)
    list(APPEND sources ${WIRE_SOURCES})
  endif()
  if(floor STREQUAL server)
    list(APPEND sources ${generated}/cleat_web.c)
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
  add_dependencies(cleat_floor_${floor} cleat_wire_messages)
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

include(libraries)
