# src/wire/**.proto, but for those of OpenTelemetry (proto.cmake): protoc-c makes
# generated/wire/**.pb-c.[ch] of each, included as "wire/....pb-c.h". WIRE_SOURCES are the .c files,
# the target cleat_wire_messages makes them all. wire_proto.cmake says why protoc-c is given copies.

find_program(PROTOC_C protoc-c REQUIRED)

set(wire_source ${PROJECT_SOURCE_DIR}/src/wire)
set(wire_copies ${generated}/wire_proto)
file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${wire_source} ${wire_source}/*.proto)
list(FILTER files EXCLUDE REGEX "^proto/")
set(WIRE_SOURCES)
set(headers)
set(names)
foreach(file IN LISTS files)
  string(REGEX REPLACE "\\.proto$" ".pb-c" output ${generated}/wire/${file})
  list(APPEND WIRE_SOURCES ${output}.c)
  list(APPEND headers ${output}.h)
  list(APPEND names wire/${file})
endforeach()
list(TRANSFORM files PREPEND ${wire_source}/ OUTPUT_VARIABLE inputs)
add_custom_command(
  OUTPUT ${WIRE_SOURCES} ${headers}
  COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DFROM=${wire_source} -DTO=${wire_copies}/wire
    -P ${PROJECT_SOURCE_DIR}/cmake/wire_proto.cmake
  COMMAND ${PROTOC_C} --proto_path=${wire_copies} --c_out=${generated} ${names}
  DEPENDS ${inputs} ${PROJECT_SOURCE_DIR}/cmake/wire_proto.cmake
  VERBATIM COMMENT "Generating C from the .proto files of the protocol")
set_source_files_properties(${WIRE_SOURCES} PROPERTIES COMPILE_OPTIONS -Wno-missing-braces)
add_custom_target(cleat_wire_messages DEPENDS ${WIRE_SOURCES} ${headers})
