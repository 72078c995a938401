# `cmake --install`: headers, libraries, command, pkg-config files and CMake package. Nothing
# that is installed names the prefix, so the tree can be moved as a whole.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cleat)

# name, as in cleat::<name>, for the targets that exist.
set(installed)
foreach(pair IN ITEMS cleat_shared:cleat cleat_static:cleat_static
        cleat_trace_shared:trace cleat_trace_static:trace_static)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 target)
  list(GET pair 1 name)
  if(TARGET ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    add_library(cleat::${name} ALIAS ${target})
    list(APPEND installed ${target})
  endif()
endforeach()
if(NOT installed)
  return()
endif()

install(TARGETS ${installed} EXPORT cleat)
install(EXPORT cleat NAMESPACE cleat:: FILE cleat-targets.cmake DESTINATION ${package_dir})
if(TARGET cleat_command)
  install(TARGETS cleat_command)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/cleat DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
foreach(doc IN ITEMS LICENSE README.md CHANGELOG.md)
  install(FILES ${PROJECT_SOURCE_DIR}/${doc} DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cleat-config.cmake.in
  ${PROJECT_BINARY_DIR}/cleat-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cleat-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cleat-config.cmake
  ${PROJECT_BINARY_DIR}/cleat-config-version.cmake DESTINATION ${package_dir})

# ${pcfiledir} is where the .pc file lies; the prefix is so many folders above it.
file(RELATIVE_PATH up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(CLEAT_PC_PREFIX "\${pcfiledir}/${up}")
string(REGEX REPLACE "/$" "" CLEAT_PC_PREFIX ${CLEAT_PC_PREFIX})
foreach(name IN ITEMS cleat cleat-trace)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
