#include "http_call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "model/rfc3339.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

void cleat__http_call_deinit(cleat__http_call *call)
{
    cleat__http_target_deinit(&call->target);
    cleat__buffer_deinit(&call->answer.body);
    cleat__free(call->answer.allow);
}

/* ---- The path ---- */

cleat_slice cleat__http_call_part(const cleat__http_call *call, const char *name)
{
    return cleat__http_pattern_part(call->route->pattern, &call->target, name);
}

cleat__uuid cleat__http_call_id(const cleat__http_call *call, const char *name)
{
    cleat__uuid id = {{0}};
    cleat__uuid_parse(cleat__http_call_part(call, name), &id);
    return id;
}

/* ---- The query ---- */

bool cleat__http_call_next(const cleat__http_call *call, const char *name, size_t *cursor, cleat_slice *value)
{
    while (*cursor < call->target.argument_count) {
        const cleat__http_argument *argument = &call->target.arguments[(*cursor)++];
        if (cleat_slice_equals(argument->name, cleat_slice_of(name))) {
            *value = argument->value;
            return true;
        }
    }
    return false;
}

cleat_slice cleat__http_call_argument(const cleat__http_call *call, const char *name)
{
    cleat_slice value = {NULL, 0};
    size_t cursor = 0;
    cleat__http_call_next(call, name, &cursor, &value);
    return value;
}

static bool refuse_argument(cleat__http_call *call, const char *name)
{
    cleat__http_call_refuse(call, 400, "Invalid format for parameter %s", name);
    return false;
}

bool cleat__http_call_int(cleat__http_call *call, const char *name, int64_t min, int64_t max, int64_t *out)
{
    char text[24];
    cleat_slice value = cleat__http_call_argument(call, name);
    if (value.data == NULL) {
        return true;
    }
    if (value.size == 0 || value.size >= sizeof(text)) {
        return refuse_argument(call, name);
    }
    snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(value));
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool is_number = errno == 0 && *end == '\0' && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    if (!is_number || number < min || number > max) {
        return refuse_argument(call, name);
    }
    *out = number;
    return true;
}

bool cleat__http_call_bool(cleat__http_call *call, const char *name, bool *out)
{
    cleat_slice value = cleat__http_call_argument(call, name);
    bool is_true = cleat_slice_equals(value, cleat_slice_of("true"));
    if (value.data == NULL) {
        return true;
    }
    if (!is_true && !cleat_slice_equals(value, cleat_slice_of("false"))) {
        return refuse_argument(call, name);
    }
    *out = is_true;
    return true;
}

bool cleat__http_call_time(cleat__http_call *call, const char *name, int64_t *unix_ms)
{
    cleat_slice value = cleat__http_call_argument(call, name);
    if (value.data == NULL) {
        return true;
    }
    return cleat__rfc3339_parse(value, unix_ms) || refuse_argument(call, name);
}

bool cleat__http_call_uuid(cleat__http_call *call, const char *name, cleat__uuid *out, bool *is_there)
{
    cleat_slice value = cleat__http_call_argument(call, name);
    *is_there = value.data != NULL;
    if (value.data == NULL) {
        return true;
    }
    return cleat__uuid_parse(value, out) == CLEAT_OK || refuse_argument(call, name);
}

/* ---- The headers ---- */

typedef struct visiting {
    bool (*visit)(void *argument, cleat_slice name, cleat_slice value);
    void *argument;
} visiting;

static enum MHD_Result visit_one(void *argument, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const visiting *self = argument;
    (void)kind;
    return self->visit(self->argument, cleat_slice_of(name), cleat_slice_of(value != NULL ? value : ""))
               ? MHD_YES
               : MHD_NO;
}

/* They do not change while the connection sleeps. */
void cleat__http_call_headers(const cleat__http_call *call,
                              bool (*visit)(void *argument, cleat_slice name, cleat_slice value),
                              void *argument)
{
    if (call->connection != NULL) {
        MHD_get_connection_values(call->connection, MHD_HEADER_KIND, visit_one, &(visiting){visit, argument});
    }
}

/* ---- The body ---- */

json_t *cleat__http_call_json(cleat__http_call *call)
{
    json_error_t error;
    const char *text = call->body.size != 0 ? call->body.data : "";
    /* Integers as reals: Jansson refuses those above 64 bits, which are JSON all the same. */
    json_t *value = json_loadb(text, call->body.size, JSON_DECODE_INT_AS_REAL, &error);
    if (value == NULL) {
        cleat__http_call_refuse(call, 400, "the body is not JSON, line %d column %d", error.line,
                                error.column);
    } else if (!json_is_object(value)) {
        cleat__http_call_refuse(call, 400, "the body must be a JSON object");
        json_decref(value);
        value = NULL;
    }
    return value;
}

cleat_status cleat__http_call_take_body(cleat__http_call *call, cleat__buffer *out)
{
    *out = (cleat__buffer){0};
    if (call->held == NULL) {
        cleat__buffer_append_slice(out, call->body);
        return out->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    *out = *call->held;
    *call->held = (cleat__buffer){0};
    call->body = (cleat_slice){NULL, 0};
    return CLEAT_OK;
}

bool cleat__http_call_is_over(const cleat__http_call *call)
{
    return (call->is_cut != NULL && atomic_load(call->is_cut)) ||
           (call->deadline_ns != 0 && cleat__clock_monotonic_ns(NULL) > call->deadline_ns);
}

/* ---- The answer ---- */

void cleat__http_call_answer(cleat__http_call *call, unsigned status, const char *content_type,
                             cleat__buffer *body)
{
    if (call->answer.status != 0) {
        cleat__buffer_deinit(body);
        return;
    }
    if (body->failed) {
        cleat__buffer_deinit(body);
        status = 503; /* out of memory: an empty answer takes none */
    }
    call->answer.status = status;
    call->answer.content_type = content_type;
    call->answer.body = *body;
    *body = (cleat__buffer){0};
}

void cleat__http_call_answer_json(cleat__http_call *call, unsigned status, cleat__json_writer *writer)
{
    cleat__http_call_answer(call, status, "application/json", &writer->out);
    *writer = (cleat__json_writer){0};
}

void cleat__http_call_answer_nothing(cleat__http_call *call, unsigned status)
{
    cleat__http_call_answer(call, status, NULL, &(cleat__buffer){0});
}

static void refuse(cleat__http_call *call, unsigned status, const char *message)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "message", message);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, status, &writer);
}

static void fail(cleat__http_call *call, unsigned status, const char *description)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "errors");
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "description", description);
    cleat__writer_end_object(&writer);
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, status, &writer);
}

/* A sentence that is longer is cut; the JSON writer repairs a character cut in two. */
enum { SENTENCE_MAX = 1200, DISK_RETRY_S = 10 };

void cleat__http_call_refuse(cleat__http_call *call, unsigned status, const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    refuse(call, status, text);
}

void cleat__http_call_fail(cleat__http_call *call, unsigned status, const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fail(call, status, text);
}

void cleat__http_call_fail_status(cleat__http_call *call, cleat_status status)
{
    static cleat__log_site site;
    int code = cleat_status_http_code(status);
    bool is_disk = status == CLEAT_IO || status == CLEAT_CORRUPT || status == CLEAT_DISK_FULL;
    if (status == CLEAT_NOT_FOUND) {
        refuse(call, 404, "not found");
    } else if (is_disk) { /* no fault of the caller's; the sentence, which names files, is for the operator */
        cleat__log_limited(&site, CLEAT_LOG_ERROR, "%s %s: %s", call->route->method, call->route->pattern,
                           cleat_error_message());
        refuse(call, 503, cleat_status_text(status));
        call->answer.retry_after_s = DISK_RETRY_S;
    } else if (code == 500) {
        cleat__log_limited(&site, CLEAT_LOG_ERROR, "%s %s: %s", call->route->method, call->route->pattern,
                           cleat_error_message());
        refuse(call, 500, "Internal Server Error");
    } else {
        fail(call, (unsigned)code, cleat_error_message());
    }
}
