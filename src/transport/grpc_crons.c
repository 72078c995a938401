/* Crons: over HTTP, since the protocol has no other way but declaring them. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/missing.h"
#include "transport/cron_list.h"
#include "transport/remote_http.h"
#include "transport/remote_rows.h"

#include <inttypes.h>
#include <stdio.h>

static const cleat_slice none = {NULL, 0};

/* ---- Making ---- */

static void write_body(const cleat__recurrence *what, cleat__buffer *out)
{
    const cleat_slice empty = cleat_slice_of("{}");
    cleat__buffer_append_string(out, "{\"cronName\":");
    cleat__buffer_append_json(out, what->name);
    cleat__buffer_append_string(out, ",\"cronExpression\":");
    cleat__buffer_append_json(out, what->expression);
    cleat__buffer_append_string(out, ",\"input\":");
    cleat__buffer_append_slice(out, what->input.data != NULL ? what->input : empty);
    cleat__buffer_append_string(out, ",\"additionalMetadata\":");
    cleat__buffer_append_slice(out, what->metadata.data != NULL ? what->metadata : empty);
    if (what->priority != 0) {
        cleat__buffer_append_format(out, ",\"priority\":%" PRId32, what->priority);
    }
    cleat__buffer_append_byte(out, '}');
}

/* The status of what the server refused, by its words. */
static cleat_status status_of(const cleat__recurrence *what, cleat_status status)
{
    if (status != CLEAT_INVALID_ARGUMENT) {
        return status;
    }
    if (strstr(cleat_error_message(), "workflow not found") != NULL) {
        return cleat__missing_task(what->workflow);
    }
    if (strstr(cleat_error_message(), "the workflow has a cron") != NULL) {
        return cleat__fail(CLEAT_ALREADY_EXISTS, "the workflow has a cron \"%.*s\" with that expression",
                           CLEAT_SLICE_ARGS(what->name));
    }
    return status;
}

cleat_status cleat__remote_cron_add(cleat__link *link, const cleat__recurrence *what, cleat__uuid *id)
{
    cleat__buffer path = {0}, body = {0}, reply = {0};
    cleat__buffer_append_string(&path, "/workflows/");
    cleat__remote_name(&link->settings, what->workflow, &path);
    cleat__buffer_append_string(&path, "/crons");
    write_body(what, &body);
    char *text = cleat__buffer_take_string(&path);
    cleat_status status =
        text != NULL && !body.failed
            ? cleat__remote_http(&link->settings, "POST", text, cleat__buffer_slice(&body), &reply)
            : cleat__fail_memory();
    status = status_of(what, status);
    if (status == CLEAT_OK && (!cleat__remote_is_object(cleat__buffer_slice(&reply)) ||
                               !cleat__remote_row_id(cleat__buffer_slice(&reply), id))) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s gives a cron no id that is a UUID",
                             link->settings.api_url);
    }
    cleat__free(text);
    cleat__buffer_deinit(&body);
    cleat__buffer_deinit(&reply);
    return status;
}

/* ---- Changing ---- */

static cleat_status send_to(const cleat__link *link, const char *method, const cleat__uuid *id,
                            cleat_slice body)
{
    cleat__buffer reply = {0};
    char path[80], text[37];
    cleat__uuid_format(id, text);
    snprintf(path, sizeof(path), "/workflows/crons/%s", text);
    cleat_status status = cleat__remote_http(&link->settings, method, path, body, &reply);
    cleat__buffer_deinit(&reply);
    return status == CLEAT_NOT_FOUND ? cleat__fail(status, "there is no cron %s", text) : status;
}

cleat_status cleat__remote_cron_enable(cleat__link *link, const cleat__uuid *id, bool is_enabled)
{
    return send_to(link, "PATCH", id,
                   cleat_slice_of(is_enabled ? "{\"enabled\":true}" : "{\"enabled\":false}"));
}

cleat_status cleat__remote_cron_delete(cleat__link *link, const cleat__uuid *id)
{
    return send_to(link, "DELETE", id, none);
}

/* ---- Listing ---- */

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_cron_list *out)
{
    char *workflow = cleat__remote_text(cleat__remote_member(row, "workflowName"));
    char *expression = cleat__remote_text(cleat__remote_member(row, "cron"));
    char *name = cleat__remote_text(cleat__remote_member(row, "name")); /* absent: it is declared */
    cleat__recurrence what = {.name = cleat_slice_of(name),
                              .expression = cleat_slice_of(expression),
                              .priority = cleat__remote_row_priority(row)};
    cleat__uuid id;
    cleat_status status;
    if (workflow != NULL && expression != NULL && cleat__remote_row_id(row, &id) &&
        cleat__remote_payload(cleat__remote_member(row, "input"), &what.input) &&
        cleat__remote_payload(cleat__remote_member(row, "additionalMetadata"), &what.metadata)) {
        bool is_enabled = cleat_slice_equals(cleat__remote_member(row, "enabled"), cleat_slice_of("true"));
        what.workflow = cleat__remote_own_name(&link->settings, workflow);
        status =
            cleat__cron_list_add(out, &id, &what, is_enabled, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    } else {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a cron that is none",
                             link->settings.api_url);
    }
    cleat__free(workflow);
    cleat__free(expression);
    cleat__free(name);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, cleat_cron_list *out)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = cleat__remote_rows(&link->settings, body, "crons", &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_row(link, row, out);
    }
    return status;
}

cleat_status cleat__remote_crons(cleat__link *link, int64_t offset, int64_t limit, cleat_cron_list *out)
{
    cleat__buffer reply = {0};
    char path[200];
    snprintf(path, sizeof(path),
             "/workflows/crons?offset=%" PRId64 "&limit=%" PRId64
             "&orderByField=createdAt&orderByDirection=DESC",
             offset, limit);
    cleat_status status = cleat__remote_http(&link->settings, "GET", path, none, &reply);
    if (status == CLEAT_OK) {
        status = read_rows(link, cleat__buffer_slice(&reply), out);
    }
    cleat__buffer_deinit(&reply);
    return status;
}
