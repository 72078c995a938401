# Language, warnings, sanitizers and libraries: the target cleat_flags carries them to every target.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZLIB REQUIRED zlib)
pkg_check_modules(CURL REQUIRED libcurl)
if(NOT CLEAT_TRACE_ONLY)
  pkg_check_modules(SQLITE3 REQUIRED sqlite3>=3.35)
  pkg_check_modules(JANSSON REQUIRED jansson)
  pkg_check_modules(PROTOBUF_C REQUIRED libprotobuf-c)
  pkg_check_modules(MICROHTTPD REQUIRED libmicrohttpd)
  pkg_check_modules(GNUTLS REQUIRED gnutls) # what libmicrohttpd, whose package brings it, does TLS with
  pkg_check_modules(JWT REQUIRED libjwt)
  pkg_check_modules(CRYPTO REQUIRED libcrypto>=3)
  pkg_check_modules(GRPC REQUIRED grpc)
  # pkg-config names all that libgrpc stands on, for programs that link it statically.
  set(GRPC_LIBRARIES grpc gpr)
endif()

add_library(cleat_flags INTERFACE)
target_include_directories(cleat_flags SYSTEM INTERFACE
  ${SQLITE3_INCLUDE_DIRS} ${JANSSON_INCLUDE_DIRS} ${ZLIB_INCLUDE_DIRS} ${CURL_INCLUDE_DIRS}
  ${GRPC_INCLUDE_DIRS} ${PROTOBUF_C_INCLUDE_DIRS} ${JWT_INCLUDE_DIRS} ${CRYPTO_INCLUDE_DIRS}
  ${MICROHTTPD_INCLUDE_DIRS} ${GNUTLS_INCLUDE_DIRS})
target_link_directories(cleat_flags INTERFACE
  ${SQLITE3_LIBRARY_DIRS} ${JANSSON_LIBRARY_DIRS} ${ZLIB_LIBRARY_DIRS} ${CURL_LIBRARY_DIRS}
  ${GRPC_LIBRARY_DIRS} ${PROTOBUF_C_LIBRARY_DIRS} ${JWT_LIBRARY_DIRS} ${CRYPTO_LIBRARY_DIRS}
  ${MICROHTTPD_LIBRARY_DIRS} ${GNUTLS_LIBRARY_DIRS})
target_compile_definitions(cleat_flags INTERFACE
  _DEFAULT_SOURCE _POSIX_C_SOURCE=200809L CLEAT_BUILD_VERSION="${PROJECT_VERSION}")
target_compile_options(cleat_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-nonliteral
  $<$<BOOL:${CLEAT_WERROR}>:-Werror>
  # Version scripts (libraries.cmake) say what a library exports, and it calls its own functions
  # whatever else is loaded, so the compiler may inline them. Sections: what is unused is left out.
  -fno-semantic-interposition -ffunction-sections -fdata-sections)

if(CLEAT_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "CLEAT_FUZZ needs clang: cmake --preset fuzz")
  endif()
  set(CLEAT_SANITIZE fuzzer-no-link,address,undefined)
endif()

if(CLEAT_SANITIZE)
  set(sanitize -fsanitize=${CLEAT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(cleat_flags INTERFACE ${sanitize})
  target_link_options(cleat_flags INTERFACE ${sanitize})
else()
  # Calls into other libraries go through the GOT without a PLT stub.
  target_compile_options(cleat_flags INTERFACE -fno-plt)
endif()
