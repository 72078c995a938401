/*
 * Statuses, slices, error detail, and the allocator.
 *
 * Every fallible call returns a cleat_status. CLEAT_OK is zero. Some values are not errors but
 * answers: CLEAT_EMPTY, CLEAT_SUSPENDED, CLEAT_ALREADY_EXISTS, CLEAT_TIMEOUT. The sentence that
 * explains the last failure on this thread is cleat_error_message().
 */
#ifndef CLEAT_STATUS_H
#define CLEAT_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define CLEAT_API __attribute__((visibility("default")))
#define CLEAT_PRINTF(format_position, first_argument) \
    __attribute__((__format__(__printf__, format_position, first_argument)))
#else
#define CLEAT_API
#define CLEAT_PRINTF(format_position, first_argument)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, text, retryable, gRPC status code, HTTP status code) */
#define CLEAT_STATUS_LIST(X)                                                \
    X(OK, 0, "success", 0, 0, 200)                                          \
    X(EMPTY, 1, "nothing there", 0, 5, 404)                                 \
    X(SUSPENDED, 2, "suspended until what it waits for happens", 0, 0, 202) \
    X(ALREADY_EXISTS, 3, "already exists", 0, 6, 409)                       \
    X(TIMEOUT, 4, "timed out", 1, 4, 504)                                   \
    X(CANCELLED, 5, "cancelled", 0, 1, 409)                                 \
    X(INVALID_ARGUMENT, 6, "invalid argument", 0, 3, 400)                   \
    X(NOT_FOUND, 7, "not found", 0, 5, 404)                                 \
    X(FAILED, 8, "failed", 1, 2, 500)                                       \
    X(NON_RETRYABLE, 9, "failed for good", 0, 9, 500)                       \
    X(FAILED_PRECONDITION, 10, "not possible in this state", 0, 9, 409)     \
    X(RESOURCE_EXHAUSTED, 11, "a limit is reached", 1, 8, 429)              \
    X(TOO_LARGE, 12, "larger than the limit", 0, 11, 413)                   \
    X(NO_MEMORY, 13, "out of memory", 1, 8, 503)                            \
    X(IO, 14, "input/output error", 0, 13, 500)                             \
    X(DISK_FULL, 15, "no space left on the disk", 0, 8, 507)                \
    X(BUSY, 16, "in use by another process", 1, 14, 503)                    \
    X(READ_ONLY, 17, "read-only", 0, 7, 403)                                \
    X(CORRUPT, 18, "the file is damaged", 0, 15, 500)                       \
    X(NOT_A_DATABASE, 19, "not a Cleat database", 0, 9, 500)                \
    X(NEWER_VERSION, 20, "written by a newer version", 0, 9, 500)           \
    X(UNAVAILABLE, 21, "stopped or not reachable", 1, 14, 503)              \
    X(UNSUPPORTED, 22, "not supported", 0, 12, 501)                         \
    X(UNAUTHENTICATED, 23, "no valid token", 0, 16, 403)                    \
    X(NON_DETERMINISTIC, 24, "the order of calls has changed", 0, 9, 409)

typedef enum cleat_status {
#define CLEAT_STATUS_ENUM(name, number, text, retryable, grpc, http) CLEAT_##name = number,
    CLEAT_STATUS_LIST(CLEAT_STATUS_ENUM)
#undef CLEAT_STATUS_ENUM
} cleat_status;

/* "CLEAT_NOT_FOUND"; "CLEAT_UNKNOWN" for a number that is no status. Any thread. */
CLEAT_API const char *cleat_status_name(cleat_status status);
/* "not found". Any thread. */
CLEAT_API const char *cleat_status_text(cleat_status status);
/* Whether the same call may succeed later without a change. */
CLEAT_API bool cleat_status_is_retryable(cleat_status status);
/* The gRPC status code (grpc.io, "Status codes and their use in gRPC") and the HTTP status. */
CLEAT_API int cleat_status_grpc_code(cleat_status status);
CLEAT_API int cleat_status_http_code(cleat_status status);

/*
 * One sentence about the last call that failed on this thread, naming what was wrong and, where
 * there is something to do, what to do. "" when nothing failed yet. The text stays valid until
 * the next failing Cleat call on the same thread.
 */
CLEAT_API const char *cleat_error_message(void);

/* Library version, "0.1.0". */
CLEAT_API const char *cleat_version(void);

/* Borrowed bytes, not NUL-terminated. {NULL, 0} is the absent slice. */
typedef struct cleat_slice {
    const char *data;
    size_t size;
} cleat_slice;

/* The slice of a NUL-terminated string; NULL gives the absent slice. */
static inline cleat_slice cleat_slice_of(const char *text)
{
    cleat_slice slice = {text, text != NULL ? strlen(text) : 0};
    return slice;
}

static inline bool cleat_slice_equals(cleat_slice a, cleat_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* For printf("%.*s", CLEAT_SLICE_ARGS(slice)). */
#define CLEAT_SLICE_ARGS(slice) (int)(slice).size, (slice).data

/*
 * The allocator of the whole library. `realloc` and `free` get NULL as those of C do. Set it
 * before any other call and never again; not thread-safe. A NULL argument restores the default.
 */
typedef struct cleat_allocator {
    void *user_data;
    void *(*malloc)(void *user_data, size_t size);
    void *(*realloc)(void *user_data, void *block, size_t size);
    void (*free)(void *user_data, void *block);
} cleat_allocator;
CLEAT_API void cleat_set_allocator(const cleat_allocator *allocator);

/*
 * What the library has to say outside a call's own status goes to this handler; without one, which is
 * the default, it is silent (but see cleat_tracing_start()). OTEL_LOG_LEVEL (none, error, warn,
 * info, debug) may make it quieter than `most_verbose`, never louder.
 * `message` is one line without a newline, valid during the call. The handler may be called from
 * any thread, from several at once, at most a few times a second for the same cause; what the
 * library has to say inside it is dropped. It flushes no tracer provider and waits for no engine: an
 * exporter's thread may be the caller, or the one that brings a server's answers, and would be waited
 * for. NULL switches it off. When the call returns, the handler before is not running any more (unless
 * the call was made from inside a handler).
 */
typedef enum cleat_log_level {
    CLEAT_LOG_ERROR = 1,
    CLEAT_LOG_WARN = 2,
    CLEAT_LOG_INFO = 3,
    CLEAT_LOG_DEBUG = 4,
} cleat_log_level;
typedef void (*cleat_log_handler)(void *user_data, cleat_log_level level, const char *message);
CLEAT_API void cleat_log_set_handler(cleat_log_handler handler, void *user_data,
                                     cleat_log_level most_verbose);

/*
 * Time as the library sees it; replaceable in tests and simulations. Both functions may be called
 * from any thread. `unix_ns`: nanoseconds since 1970 UTC. `monotonic_ns`: never goes back.
 */
typedef struct cleat_clock {
    void *user_data;
    int64_t (*unix_ns)(void *user_data);
    int64_t (*monotonic_ns)(void *user_data);
} cleat_clock;
/* The clock of the operating system. */
CLEAT_API const cleat_clock *cleat_clock_system(void);

#ifdef __cplusplus
}
#endif

/*
 * Options. A call that has some takes a pointer to a struct of them, NULL for none, and zero is the
 * default of each. CLEAT_SPAN_OPTIONS(.root = true) and its like make such a struct for one call,
 * which copies what it keeps:
 *
 *     span = cleat_span_start(tracer, "work", CLEAT_SPAN_OPTIONS(.root = true));
 *
 * The struct begins with `struct_size`, its size when the program was compiled, which these macros
 * set: members that a later version of the library adds at the end are read as zero for older
 * programs. 0, as of a struct made by hand, stands for the size in the library's own version: where
 * program and library are always built together. Clients, workers, runs, tasks, instrumentors and
 * interceptors answer CLEAT_INVALID_ARGUMENT to it.
 *
 * In C this is a compound literal, which lives to the end of the block. C++20 has no such thing, but
 * it has the initialisers, with members in the order of the struct (so have gcc and clang in C++17,
 * with a warning under -Wpedantic); there the struct lives to the end of the full expression, so the
 * macro has to stand in the call itself.
 */
#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC system_header /* g++ -Wextra would name every member that is left out */
#endif
extern "C++" {
template <class Options> inline const Options *cleat_address(const Options &options)
{
    return &options;
}
}
#define CLEAT_OPTIONS(type, ...) cleat_address(type{.struct_size = sizeof(type), __VA_ARGS__})
#else
#define CLEAT_OPTIONS(type, ...) (&(type){.struct_size = sizeof(type), __VA_ARGS__})
#endif
#endif
