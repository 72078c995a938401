# tests/fuzz/<name>_fuzz.c: one libFuzzer program each (LLVMFuzzerTestOneInput).

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
add_custom_target(fuzz)
# Helpers of tests that need no test framework.
set(helpers ${PROJECT_SOURCE_DIR}/tests/support/otlp_reader.c ${PROJECT_SOURCE_DIR}/tests/support/checked_file.c)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} ${helpers})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  # libFuzzer's entry points have no header that declares them.
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
  target_link_libraries(${name} PRIVATE cleat_flags cleat_internal Threads::Threads)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz ${name})
endforeach()
