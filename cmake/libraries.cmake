# The libraries of the list in floors.cmake, and the command.
#
# Symbol versions: public names (cleat_*) have CLEAT_<soversion>. What an upper library uses of a
# lower one's inside (cleat__*) is exported as CLEAT_PRIVATE_<version>, so that libraries of two
# releases that got mixed are refused by the dynamic linker, with a message, instead of crashing
# later. exports.cmake finds out at build time which names these are.

# Sets `out` to the floors of these that have sources, as cleat_floor_<name>.
function(cleat_floor_targets out)
  set(targets)
  foreach(floor IN LISTS ARGN)
    if(TARGET cleat_floor_${floor})
      list(APPEND targets cleat_floor_${floor})
    endif()
  endforeach()
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

# Sets `out` to their objects.
function(cleat_objects out)
  cleat_floor_targets(targets ${ARGN})
  list(TRANSFORM targets REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

# What a shared and a static library have in common. Libraries are linked by plain name, so that
# the installed CMake package names no path of the machine it was built on.
function(cleat_library target type name objects libraries)
  add_library(${target} ${type} ${objects})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION ${CLEAT_SOVERSION})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE
    $<BUILD_INTERFACE:cleat_flags> ${libraries} Threads::Threads)
endfunction()

# The version script of a shared library with these floors, and its target <library>_exports.
function(cleat_exports library floors)
  set(others ${CLEAT_LIB_FLOORS})
  list(REMOVE_ITEM others ${floors})
  cleat_floor_targets(uses ${floors} ${others})
  cleat_objects(own ${floors})
  cleat_objects(others ${others})
  set(map ${generated}/${library}.map)
  # Files and not arguments: there are more objects than fit on some command lines.
  file(GENERATE OUTPUT ${map}.own CONTENT "${own}")
  file(GENERATE OUTPUT ${map}.others CONTENT "${others}")
  add_custom_command(OUTPUT ${map}
    COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DOWN=${map}.own -DOTHERS=${map}.others -DOUT=${map}
      -DPUBLIC=CLEAT_${CLEAT_SOVERSION} -DPRIVATE=CLEAT_PRIVATE_${PROJECT_VERSION}
      -P ${PROJECT_SOURCE_DIR}/cmake/exports.cmake
    DEPENDS ${own} ${others} ${map}.own ${map}.others ${PROJECT_SOURCE_DIR}/cmake/exports.cmake
    VERBATIM COMMENT "Generating ${library}.map")
  add_custom_target(${library}_exports DEPENDS ${map})
  add_dependencies(${library}_exports ${uses})
  add_dependencies(${library}_shared ${library}_exports)
  set_target_properties(${library}_shared PROPERTIES LINK_DEPENDS ${map})
  target_link_options(${library}_shared PRIVATE LINKER:--version-script=${map})
endfunction()

# Calls inside a library are direct (-Bsymbolic), unused functions are left out, and the library is
# never unmapped: threads that used it run its destructors when they end. It finds the others in
# its own folder.
function(cleat_shared_options target)
  target_link_options(${target} PRIVATE
    LINKER:-Bsymbolic LINKER:--gc-sections LINKER:-z,nodelete)
  if(NOT CLEAT_SANITIZE) # clang leaves the sanitizers' run-time out of shared libraries
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES
    INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
endfunction()

set(below)
set(all_floors)
set(all_libraries)
set(all_taken_in)
foreach(library IN LISTS CLEAT_LIBRARIES)
  string(REPLACE "_" "-" name ${library})
  list(APPEND all_floors ${${library}_FLOORS})
  list(APPEND all_libraries ${${library}_LIBRARIES})
  list(REMOVE_DUPLICATES all_libraries)
  cleat_objects(own ${${library}_FLOORS})
  if(NOT own)
    continue()
  endif()
  cleat_library(${library}_shared SHARED ${name} "${own}" "${${library}_LIBRARIES}")
  target_link_libraries(${library}_shared PUBLIC ${below})
  cleat_shared_options(${library}_shared)
  cleat_exports(${library} "${${library}_FLOORS}")
  set(below ${library}_shared)

  cleat_objects(objects ${all_floors})
  cleat_library(${library}_static STATIC ${name} "${objects}" "${all_libraries}")
  list(TRANSFORM ${library}_TAKEN_IN PREPEND LINKER:--undefined= OUTPUT_VARIABLE taken_in)
  list(APPEND all_taken_in ${taken_in})
  target_link_options(${library}_static INTERFACE ${all_taken_in})
endforeach()

# For tests and benchmarks: everything, main() of the command included, which the linker only
# takes from an archive when nobody else has one.
cleat_objects(objects ${CLEAT_LIB_FLOORS} ${CLEAT_COMMAND_FLOORS})
if(objects)
  cleat_library(cleat_internal STATIC cleat-internal
    "${objects}" "${all_libraries};${CLEAT_COMMAND_LIBRARIES}")
  target_link_libraries(cleat_internal PUBLIC $<BUILD_INTERFACE:cleat_flags>)
  target_link_options(cleat_internal INTERFACE ${all_taken_in})
  target_include_directories(cleat_internal INTERFACE ${PROJECT_SOURCE_DIR}/src ${generated})
endif()

if(TARGET cleat_floor_cli)
  cleat_objects(objects ${CLEAT_COMMAND_FLOORS})
  add_executable(cleat_command ${objects})
  set_target_properties(cleat_command PROPERTIES OUTPUT_NAME cleat LINKER_LANGUAGE C)
  target_link_libraries(cleat_command PRIVATE cleat_flags cleat_static ${CLEAT_COMMAND_LIBRARIES})
endif()
