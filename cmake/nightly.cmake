# tests/nightly/*.c: the program of `make nightly`, with the public API alone, and the CTest test nightly, the same
# with few runs.

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/nightly/*.c)
add_executable(nightly ${sources})
set_target_properties(nightly PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/nightly)
target_link_directories(nightly PRIVATE ${SQLITE3_LIBRARY_DIRS})
target_link_libraries(nightly PRIVATE cleat_flags cleat_shared ${SQLITE3_LIBRARIES} Threads::Threads)
add_dependencies(nightly cleat_command)

cleat_test(nightly slow ${tools}/run-in-temp
  ${PROJECT_SOURCE_DIR}/tests/nightly/run --runs 2000 --kills 3 --seed 1)
