# Examples link the shared library, as a user's program would; benchmarks may look inside.

set(http_relay_libraries
  cleat_trace_shared ${MICROHTTPD_LIBRARIES} ${CURL_LIBRARIES} ${JANSSON_LIBRARIES})

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(example_${name} ${source})
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  if(NOT ${name}_libraries)
    set(${name}_libraries cleat_shared)
  endif()
  target_link_libraries(example_${name} PRIVATE
    cleat_flags ${${name}_libraries} Threads::Threads)
endforeach()

file(GLOB support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/support/*.c)
if(support)
  add_library(cleat_bench_support STATIC ${support})
  target_include_directories(cleat_bench_support PUBLIC ${PROJECT_SOURCE_DIR}/bench)
  target_link_libraries(cleat_bench_support PUBLIC cleat_flags cleat_internal Threads::Threads)
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(bench_${name} ${source})
  set_target_properties(bench_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  target_link_libraries(bench_${name} PRIVATE cleat_bench_support)
endforeach()
