# tests/interop/<peer>/<name>.c: one program each for the scripts beside them, built by the target
# `interop`. tests/interop/<peer>/<name>_test.js: the CTest test interop/<peer>/<name>, which needs that
# target built, Node and npm's registry, and is skipped without. `make interop` does all of it.

add_custom_target(interop)
set(otel_helpers plain_json) # linked to each of the others
set(support asked_span asked_values otlp_reader)
list(TRANSFORM support PREPEND ${PROJECT_SOURCE_DIR}/tests/support/)
list(TRANSFORM support APPEND .c)

foreach(peer IN ITEMS otel hatchet-ts viewer)
  set(folder ${PROJECT_SOURCE_DIR}/tests/interop/${peer})
  set(output ${PROJECT_BINARY_DIR}/interop/${peer})
  list(TRANSFORM ${peer}_helpers REPLACE "(.+)" "${folder}/\\1.c" OUTPUT_VARIABLE helpers)
  add_library(interop_${peer}_helpers STATIC EXCLUDE_FROM_ALL ${helpers} ${support})
  target_include_directories(interop_${peer}_helpers PUBLIC ${folder} ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(interop_${peer}_helpers PUBLIC cleat_flags cleat_internal)

  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
  list(REMOVE_ITEM sources ${helpers})
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    set(target interop_${peer}_${name})
    add_executable(${target} EXCLUDE_FROM_ALL ${source})
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${output})
    target_link_libraries(${target} PRIVATE interop_${peer}_helpers
      ${MICROHTTPD_LIBRARIES} ${CURL_LIBRARIES} ${ZLIB_LIBRARIES} Threads::Threads)
    add_dependencies(interop ${target})
  endforeach()
  add_dependencies(interop example_http_relay cleat_command)

  file(GLOB scripts CONFIGURE_DEPENDS ${folder}/*_test.js)
  foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WE)
    string(REGEX REPLACE "_test$" "" name ${name})
    cleat_test(interop/${peer}/${name} interop
      ${tools}/run-in-temp sh ${PROJECT_SOURCE_DIR}/tests/interop/run ${peer} ${script})
  endforeach()
endforeach()
