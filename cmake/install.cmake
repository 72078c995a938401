# `cmake --install`: headers, libraries, command, pkg-config files and CMake package. Nothing
# that is installed names the prefix, so the tree can be moved as a whole.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cleat)

# cleat_trace_api_shared is cleat::trace_api, cleat_trace_api_static is cleat::trace_api_static.
set(installed)
foreach(library IN LISTS CLEAT_LIBRARIES)
  string(REGEX REPLACE "^cleat_" "" name ${library})
  foreach(pair IN ITEMS shared:${name} static:${name}_static)
    string(REGEX REPLACE ":.*" "" target ${library}_${pair})
    string(REGEX REPLACE ".*:" "" name_of_pair ${pair})
    if(TARGET ${target})
      set_target_properties(${target} PROPERTIES EXPORT_NAME ${name_of_pair})
      add_library(cleat::${name_of_pair} ALIAS ${target})
      list(APPEND installed ${target})
    endif()
  endforeach()
endforeach()
if(NOT installed)
  return()
endif()

install(TARGETS ${installed} EXPORT cleat)
install(EXPORT cleat NAMESPACE cleat:: FILE cleat-targets.cmake DESTINATION ${package_dir})
if(TARGET cleat_command)
  install(TARGETS cleat_command)
endif()
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/cleat/*.h)
if(CLEAT_TRACE_ONLY)
  list(TRANSFORM cleat_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/cleat/)
  list(REMOVE_ITEM headers ${cleat_HEADERS})
endif()
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cleat)

# The pages lie beside each other as in the source tree, so that their links lead somewhere; those to
# headers lead to the installed ones.
file(RELATIVE_PATH to_headers ${CMAKE_INSTALL_FULL_DOCDIR} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/docs/*.md)
foreach(page IN ITEMS README.md ${pages})
  file(READ ${PROJECT_SOURCE_DIR}/${page} text)
  string(REPLACE "](include/" "](${to_headers}/" text "${text}")
  string(REPLACE "](../include/" "](../${to_headers}/" text "${text}")
  file(WRITE ${PROJECT_BINARY_DIR}/installed/${page} "${text}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${page})
endforeach()
install(DIRECTORY ${PROJECT_BINARY_DIR}/installed/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/images DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

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
# The libraries of others are Libs.private and not Requires.private: with that, linking a shared
# library would need their development packages, and linking an archive those of all they stand on.
set(CLEAT_PC_REQUIRES)
foreach(library IN LISTS CLEAT_LIBRARIES)
  string(REPLACE "_" "-" CLEAT_PC_NAME ${library})
  set(CLEAT_PC_DESCRIPTION "${${library}_DESCRIPTION}")
  list(TRANSFORM ${library}_LIBRARIES PREPEND "-l" OUTPUT_VARIABLE CLEAT_PC_LIBRARIES)
  list(TRANSFORM ${library}_TAKEN_IN PREPEND "-Wl,--undefined=" OUTPUT_VARIABLE taken_in)
  list(PREPEND CLEAT_PC_LIBRARIES ${taken_in})
  list(JOIN CLEAT_PC_LIBRARIES " " CLEAT_PC_LIBRARIES)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in
    ${PROJECT_BINARY_DIR}/${CLEAT_PC_NAME}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${CLEAT_PC_NAME}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  set(CLEAT_PC_REQUIRES "${CLEAT_PC_NAME} = ${PROJECT_VERSION}")
endforeach()
