#include "model/webhook.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/expression.h"
#include "model/json.h"
#include "model/json_members.h"

#include <cleat/run.h>
#include <jansson.h>

#define NAME(name) #name,
const char *const cleat__webhook_sources[] = {CLEAT__WEBHOOK_SOURCES(NAME) NULL};
const char *const cleat__webhook_kinds[] = {CLEAT__WEBHOOK_KINDS(NAME) NULL};
const char *const cleat__webhook_algorithms[] = {CLEAT__WEBHOOK_ALGORITHMS(NAME) NULL};
const char *const cleat__webhook_encodings[] = {CLEAT__WEBHOOK_ENCODINGS(NAME) NULL};
#undef NAME

/* ---- What may be one ---- */

/* A segment of a path: routes know it by that. */
static cleat_status check_name(cleat_slice name)
{
    bool is_good = name.size != 0 && name.size <= CLEAT__WEBHOOK_NAME_MAX &&
                   cleat__utf8_valid_prefix(name.data, name.size) == name.size;
    for (size_t i = 0; i < name.size && is_good; i++) {
        is_good = (unsigned char)name.data[i] >= ' ' && name.data[i] != '/' && name.data[i] != '\x7f';
    }
    is_good = is_good && !cleat_slice_equals(name, cleat_slice_of(".")) &&
              !cleat_slice_equals(name, cleat_slice_of(".."));
    return is_good
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "a webhook's name must have 1 .. %d bytes of UTF-8 without a slash or control "
                             "characters, and be neither . nor ..",
                             CLEAT__WEBHOOK_NAME_MAX);
}

/* A token, as RFC 9110 has it. */
static bool is_header_name(cleat_slice name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i], letter = (char)(c | 0x20);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
            memchr(others, c, sizeof(others) - 1) == NULL) {
            return false;
        }
    }
    return name.size != 0 && name.size <= CLEAT__WEBHOOK_NAME_MAX;
}

/* What it is called is not told with it: an answer may be read by others than who asked. */
static cleat_status check_auth(const cleat__webhook_auth *auth)
{
    bool is_user = auth->kind == CLEAT__WEBHOOK_BASIC;
    if (is_user && (auth->name.size > CLEAT__WEBHOOK_NAME_MAX ||
                    (auth->name.size != 0 && memchr(auth->name.data, ':', auth->name.size) != NULL))) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a webhook's user has %d bytes at most, and no colon",
                           CLEAT__WEBHOOK_NAME_MAX);
    }
    if (!is_user && !is_header_name(auth->name)) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "the name of a webhook's header must have 1 .. %d letters, digits and !#$%%&'*+-.^_`|~",
            CLEAT__WEBHOOK_NAME_MAX);
    }
    if (auth->secret.size == 0 || auth->secret.size > CLEAT__WEBHOOK_SECRET_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a webhook's secret has %zu bytes; it must have 1 .. %d",
                           auth->secret.size, CLEAT__WEBHOOK_SECRET_MAX);
    }
    return CLEAT_OK;
}

static cleat_status check_event(const cleat__webhook_change *event)
{
    cleat_status status = CLEAT_OK;
    if (event->key_expression.data != NULL) {
        status = cleat__expression_check_for(event->key_expression, CLEAT__EXPRESSION_WEBHOOK_KEY);
    }
    if (status == CLEAT_OK && event->scope_expression.size != 0) {
        status = cleat__expression_check_for(event->scope_expression, CLEAT__EXPRESSION_WEBHOOK_SCOPE);
    }
    if (status == CLEAT_OK && event->static_payload.data != NULL) {
        status = cleat__json_check("a webhook's static payload", event->static_payload, true);
    }
    return status;
}

cleat_status cleat__webhook_check(const cleat__webhook *webhook)
{
    const cleat__webhook_change event = {
        .key_expression = webhook->key_expression.data != NULL ? webhook->key_expression : cleat_slice_of(""),
        .scope_expression = webhook->scope_expression,
        .static_payload = webhook->static_payload,
    };
    cleat_status status = check_name(webhook->name);
    if (status == CLEAT_OK) {
        status = check_auth(&webhook->auth);
    }
    return status == CLEAT_OK ? check_event(&event) : status;
}

cleat_status cleat__webhook_check_change(const cleat__webhook_change *change)
{
    return check_event(change);
}

/* ---- What it makes ---- */

static void append_member(cleat__buffer *out, cleat_slice key, cleat_slice value)
{
    cleat__buffer_append_byte(out, out->size == 0 ? '{' : ',');
    cleat__buffer_append_slice(out, key);
    cleat__buffer_append_byte(out, ':');
    cleat__buffer_append_slice(out, value);
}

/* Those of `members` that are not in `but`, as they were written. */
static cleat_status append_members(cleat__buffer *out, cleat_slice members, const json_t *but)
{
    cleat__json_cursor cursor;
    cleat_slice quoted, value, name;
    cleat__json_members(members, &cursor);
    while (cleat__json_next_member(&cursor, &quoted, &value)) {
        char *memory = NULL;
        bool is_read = cleat__json_decode_string(quoted, &name, &memory);
        if (is_read && json_object_getn(but, name.data, name.size) == NULL) {
            append_member(out, quoted, value);
        }
        cleat__free(memory);
        if (!is_read) {
            return cleat__fail_memory();
        }
    }
    return out->failed ? cleat__fail_memory() : CLEAT_OK;
}

/* The static payload is by who made the webhook, so no sender may say otherwise. */
static cleat_status lay_over(cleat_slice body, cleat_slice static_payload, cleat__buffer *out)
{
    json_t *over =
        json_loadb(static_payload.data, static_payload.size, JSON_DECODE_INT_AS_REAL, &(json_error_t){0});
    cleat_status status = over != NULL ? append_members(out, body, over) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = append_members(out, static_payload, NULL);
    }
    if (status == CLEAT_OK) {
        cleat__buffer_append_string(out, out->size == 0 ? "{}" : "}");
        status = out->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    json_decref(over);
    return status;
}

static cleat_status evaluate(const char *what, cleat_slice text, const cleat__expression_variables *variables,
                             char **out, cleat_slice *value)
{
    cleat__expression *expression = NULL;
    size_t size = 0;
    cleat_status status = cleat__expression_compile(text, &expression);
    if (status == CLEAT_OK) {
        status = cleat__expression_text(expression, variables, out, &size);
    }
    cleat__expression_free(expression);
    *value = status == CLEAT_OK ? (cleat_slice){*out, size} : (cleat_slice){NULL, 0};
    bool is_at_fault = status == CLEAT_INVALID_ARGUMENT ||
                       status == CLEAT_RESOURCE_EXHAUSTED; /* it would take as much once more */
    return is_at_fault
               ? cleat__fail(CLEAT_INVALID_ARGUMENT, "the request has no %s: %s", what, cleat_error_message())
               : status;
}

cleat_status cleat__webhook_event_make(const cleat__webhook *webhook, cleat_slice body, cleat_slice headers,
                                       cleat__webhook_event *out)
{
    cleat__expression_parsed parsed = {.values = {NULL}};
    cleat__user_event *event = &out->event;
    *out = (cleat__webhook_event){.event.payload = body};
    cleat_status status = cleat__json_check("the body", body, true);
    if (status == CLEAT_OK && webhook->static_payload.data != NULL) {
        status = lay_over(body, webhook->static_payload, &out->payload);
        event->payload = cleat__buffer_slice(&out->payload);
    }
    const cleat__expression_variables variables = {
        .parsed = &parsed, .input = event->payload, .headers = headers};
    if (status == CLEAT_OK) {
        status = evaluate("event key", webhook->key_expression, &variables, &out->key, &event->key);
    }
    if (status == CLEAT_OK && webhook->scope_expression.size != 0) {
        status = evaluate("scope", webhook->scope_expression, &variables, &out->scope, &event->scope);
    }
    cleat__expression_parsed_deinit(&parsed);
    return status == CLEAT_OK ? cleat__user_event_check(event) : status;
}

void cleat__webhook_event_deinit(cleat__webhook_event *event)
{
    cleat__buffer_deinit(&event->payload);
    cleat__free(event->key);
    cleat__free(event->scope);
    *event = (cleat__webhook_event){.key = NULL};
}
