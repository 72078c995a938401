# tests/<floor>/<name>_test.c   a cmocka program, the CTest test <floor>/<name>
# tests/<floor>/<name>_test.sh  a shell script, likewise
# tests/<floor>/<name>_test.cpp a C++20 program on the public headers and the shared library
# Each runs in an empty directory of its own (tools/run-in-temp) with, in the environment,
# CLEAT (the command), CLEAT_BUILD (this build) and CLEAT_SOURCE (the source tree).

enable_language(CXX) # only to compile the public headers as C++
pkg_check_modules(CMOCKA REQUIRED cmocka)
include(proto)
set(http_libraries ${MICROHTTPD_LIBRARIES} ${CURL_LIBRARIES}) # for the tests of that floor
set(otlp_libraries cleat_proto ${MICROHTTPD_LIBRARIES} ${GNUTLS_LIBRARIES})
set(server_libraries cleat_proto ${CURL_LIBRARIES} ${JANSSON_LIBRARIES})

set(tools ${PROJECT_SOURCE_DIR}/tools)
# For what hangs, not for what is slow: a busy machine takes many times as long, and sanitizers do.
set(test_timeout 600)

function(cleat_test name label)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES
    LABELS ${label} TIMEOUT ${test_timeout} SKIP_RETURN_CODE 77
    ENVIRONMENT "CLEAT=${PROJECT_BINARY_DIR}/cleat;CLEAT_BUILD=${PROJECT_BINARY_DIR};CLEAT_SOURCE=${PROJECT_SOURCE_DIR};ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=second_deadlock_stack=1")
endfunction()

# CTest begins those with the highest cost first, so that no long one is waited for in the end.
function(begin_first)
  foreach(name IN LISTS ARGN)
    if(TEST ${name})
      set_tests_properties(${name} PROPERTIES COST 1000)
    endif()
  endforeach()
endfunction()

# Some 300 programs, each linked in a third of the time: a minute of a build.
find_program(LLD ld.lld)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.c)
if(sources)
  add_library(cleat_test_support STATIC ${sources})
  target_include_directories(cleat_test_support PUBLIC ${PROJECT_SOURCE_DIR}/tests)
  target_include_directories(cleat_test_support SYSTEM PUBLIC ${CMOCKA_INCLUDE_DIRS})
  target_link_libraries(cleat_test_support PUBLIC cleat_flags cleat_internal Threads::Threads)
  # What is tested is optimized; the tests themselves compile in a third of the time when they are not.
  target_compile_options(cleat_test_support PUBLIC $<$<CONFIG:RelWithDebInfo>:-O0 -g1>)
  if(LLD)
    target_link_options(cleat_test_support INTERFACE -fuse-ld=lld)
  endif()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/*_test.c)
foreach(source IN LISTS sources)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(floor ${folder} NAME)
  if(CLEAT_FLOORS AND NOT floor IN_LIST CLEAT_FLOORS)
    continue()
  endif()
  get_filename_component(file ${source} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${file})
  set(target test_${floor}_${name})
  add_executable(${target} ${source})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${file} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/${floor})
  target_include_directories(${target} SYSTEM PRIVATE ${CMOCKA_INCLUDE_DIRS})
  target_link_directories(${target} PRIVATE ${CMOCKA_LIBRARY_DIRS})
  if(TARGET cleat_test_support)
    target_link_libraries(${target} PRIVATE cleat_test_support)
  endif()
  target_link_libraries(${target} PRIVATE
    cleat_flags cleat_internal ${CMOCKA_LIBRARIES} ${ZLIB_LIBRARIES} ${${floor}_libraries}
    Threads::Threads)
  cleat_test(${floor}/${name} ${floor} ${tools}/run-in-temp $<TARGET_FILE:${target}>)
endforeach()

begin_first(engine/simulation engine/durable_simulation engine/durable_pace otlp/protobuf trace/fork trace/visit
  sdk/workflow_remote sdk/workflow_traces cli/killed)

# An engine finds out after half a minute that a worker is gone.
if(TEST cli/workflow_killed)
  set_tests_properties(cli/workflow_killed PROPERTIES LABELS slow)
endif()

file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/*_test.sh)
foreach(script IN LISTS scripts)
  get_filename_component(folder ${script} DIRECTORY)
  get_filename_component(floor ${folder} NAME)
  if(CLEAT_FLOORS AND NOT floor IN_LIST CLEAT_FLOORS)
    continue()
  endif()
  get_filename_component(name ${script} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  cleat_test(${floor}/${name} ${floor} ${tools}/run-in-temp sh ${script})
endforeach()

if(TARGET cleat_trace_shared)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/*_test.cpp)
  foreach(source IN LISTS sources)
    get_filename_component(folder ${source} DIRECTORY)
    get_filename_component(floor ${folder} NAME)
    get_filename_component(file ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" name ${file})
    set(target test_${floor}_${name})
    add_executable(${target} ${source})
    set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
      OUTPUT_NAME ${file} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/${floor})
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic
      $<$<BOOL:${CLEAT_WERROR}>:-Werror> ${sanitize})
    target_link_options(${target} PRIVATE ${sanitize})
    target_link_libraries(${target} PRIVATE cleat_trace_shared Threads::Threads)
    cleat_test(${floor}/${name} ${floor} ${tools}/run-in-temp $<TARGET_FILE:${target}>)
  endforeach()
endif()

# Every example runs to its end by itself, and fails when what it shows does not hold; but for those two that
# need each other, see tests/examples.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  if(TARGET example_${name} AND NOT name MATCHES "^(client|worker)$")
    cleat_test(examples/${name} examples ${tools}/run-in-temp $<TARGET_FILE:example_${name}>)
  endif()
endforeach()

# What does not depend on the sanitizer is tested once, in the plain builds of the whole.
if(CLEAT_SANITIZE OR CLEAT_FLOORS)
  return()
endif()

include(interop)
include(nightly)

cleat_test(style style ${tools}/check)
cleat_test(headers headers ${tools}/check-headers ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
find_program(CLANG clang)
find_program(CLANGXX clang++)
if(CLANG AND CLANGXX AND NOT CMAKE_C_COMPILER_ID MATCHES Clang)
  cleat_test(headers/clang headers ${tools}/check-headers ${CLANG} ${CLANGXX})
endif()
cleat_test(docs/operations docs ${tools}/check-snippets ${CMAKE_C_COMPILER} docs/operations.md)
cleat_test(docs/tasks docs ${tools}/check-snippets ${CMAKE_C_COMPILER} docs/tasks.md)
cleat_test(docs/limits docs ${tools}/check-snippets ${CMAKE_C_COMPILER} docs/limits.md)
cleat_test(docs/dags docs ${tools}/check-snippets ${CMAKE_C_COMPILER} docs/dags.md)
cleat_test(docs/batches docs ${tools}/check-snippets ${CMAKE_C_COMPILER} docs/batches.md)
cleat_test(docs/workflows docs ${tools}/check-snippets ${CMAKE_C_COMPILER} docs/workflows.md)
cleat_test(docs docs ${tools}/check-docs ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
if(TARGET cleat_shared)
  foreach(library IN LISTS CLEAT_LIBRARIES)
    string(REPLACE "_" "-" name ${library})
    cleat_test(symbols/${name} symbols ${tools}/check-symbols ${name} ${PROJECT_BINARY_DIR})
  endforeach()
  if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    set(size_limit 300000)
    if(CMAKE_C_COMPILER_ID MATCHES Clang)
      set(size_limit 330000) # it inlines and unrolls more
    endif()
    cleat_test(size size ${tools}/run-in-temp ${tools}/check-size
      ${PROJECT_BINARY_DIR} ${size_limit} cleat-trace-api cleat-trace)
    cleat_test(cost cost ${tools}/run-in-temp ${tools}/check-cost
      ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
  endif()
  cleat_test(install install ${tools}/run-in-temp ${tools}/check-install
    ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
  cleat_test(trace-only install ${tools}/run-in-temp ${tools}/check-trace-only
    ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
endif()
begin_first(trace-only install)
if(EXISTS ${PROJECT_SOURCE_DIR}/README.md)
  cleat_test(readme readme ${tools}/run-in-temp ${tools}/check-readme
    ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
endif()
