# cmake -DFILES=list -DFROM=dir -DTO=dir -P wire_proto.cmake: copies .proto files, changed for protoc-c.
#
# - A package `cleat` around all, so that the names in C begin with Cleat__ and cleat__: an archive
#   shares its user's name space. References are found inside it as they were outside.
# - `optional` is not known to protoc-c 1.4 in proto3. A scalar or enum becomes the only member of a
#   oneof has_<name>, which is the same on the wire; a message has a presence of its own.
# - Imports are of wire/..., as the headers are.
# - A field `base`, which is what protobuf-c calls a message's own beginning, is `base_`.
# - No services: protoc-c makes structs of functions, none of which may be called `register`.

set(scalars double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64
  bool string bytes)
set(enums)
foreach(file IN LISTS FILES)
  file(READ ${FROM}/${file} text)
  string(REGEX MATCHALL "\nenum [A-Za-z0-9_]+" found "${text}")
  list(TRANSFORM found REPLACE "\nenum " "")
  list(APPEND enums ${found})
endforeach()

foreach(file IN LISTS FILES)
  file(READ ${FROM}/${file} text)
  foreach(type IN LISTS scalars enums)
    string(REGEX REPLACE "\n  optional (${type}) ([A-Za-z0-9_]+) (= [0-9]+;)"
      "\n  oneof has_\\2 { \\1 \\2 \\3 }" text "${text}")
  endforeach()
  string(REGEX REPLACE "\n  optional " "\n  " text "${text}")
  string(REGEX REPLACE "\nservice [A-Za-z0-9_]+ {\n(  [^\n]*\n)*}" "" text "${text}")
  string(REGEX REPLACE "(\n  [A-Za-z0-9_.]+ base) =" "\\1_ =" text "${text}")
  string(REPLACE "import \"" "import \"wire/" text "${text}")
  if(text MATCHES "\npackage ")
    string(REPLACE "\npackage " "\npackage cleat." text "${text}")
  else()
    string(REPLACE "\nsyntax = \"proto3\";\n" "\nsyntax = \"proto3\";\npackage cleat;\n" text "${text}")
  endif()
  file(WRITE ${TO}/${file} "${text}")
endforeach()
