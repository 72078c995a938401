# src/wire/proto/**.proto: protoc-c makes generated/proto/**.pb-c.[ch] of each, and the library
# cleat_proto holds them all. For tests; wire.cmake has PROTOC_C and the messages of the product.

set(proto_source ${PROJECT_SOURCE_DIR}/src/wire/proto)
set(proto_output ${PROJECT_BINARY_DIR}/generated/proto)
file(MAKE_DIRECTORY ${proto_output})
file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${proto_source} ${proto_source}/*.proto)
set(outputs)
foreach(file IN LISTS files)
  string(REGEX REPLACE "\\.proto$" ".pb-c" output ${proto_output}/${file})
  list(APPEND outputs ${output}.c ${output}.h)
endforeach()
list(TRANSFORM files PREPEND ${proto_source}/ OUTPUT_VARIABLE inputs)
add_custom_command(
  OUTPUT ${outputs}
  COMMAND ${PROTOC_C} --proto_path=${proto_source} --c_out=${proto_output} ${files}
  DEPENDS ${inputs}
  VERBATIM COMMENT "Generating C from the .proto files")
add_library(cleat_proto STATIC ${outputs})
target_include_directories(cleat_proto SYSTEM PUBLIC ${proto_output} ${PROTOBUF_C_INCLUDE_DIRS})
target_link_directories(cleat_proto PUBLIC ${PROTOBUF_C_LIBRARY_DIRS})
target_link_libraries(cleat_proto PUBLIC ${PROTOBUF_C_LIBRARIES})
