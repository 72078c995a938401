/* Filters of events: over HTTP, since the protocol has no other way. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/filter_list.h"
#include "transport/remote_http.h"
#include "transport/remote_rows.h"

#include <inttypes.h>

static const cleat_slice none = {NULL, 0};

/* ---- Making, changing, deleting ---- */

/* What is absent is left out. */
static void write_filter(const cleat__filter *filter, cleat__buffer *out)
{
    if (filter->scope.data != NULL) {
        cleat__buffer_append_string(out, ",\"scope\":");
        cleat__buffer_append_json(out, filter->scope);
    }
    if (filter->expression.data != NULL) {
        cleat__buffer_append_string(out, ",\"expression\":");
        cleat__buffer_append_json(out, filter->expression);
    }
    if (filter->payload.data != NULL) {
        cleat__buffer_append_string(out, ",\"payload\":");
        cleat__buffer_append_slice(out, filter->payload);
    }
    cleat__buffer_append_byte(out, '}');
}

/* "/filters", or that of one. To be freed; NULL: no memory. */
static char *path_of(const cleat__link *link, const cleat__uuid *id)
{
    cleat__buffer path = {0};
    char text[38] = "/";
    if (id != NULL) {
        cleat__uuid_format(id, text + 1);
    }
    cleat__buffer_append_format(&path, "/api/v1/stable/tenants/%s/filters%s", link->settings.tenant_id,
                                id != NULL ? text : "");
    return cleat__buffer_take_string(&path);
}

static cleat_status send_to(const cleat__link *link, const char *method, const cleat__uuid *id,
                            cleat__buffer *body, cleat__buffer *reply)
{
    char *path = path_of(link, id);
    cleat_status status = path != NULL && (body == NULL || !body->failed)
                              ? cleat__remote_http(&link->settings, method, path,
                                                   body != NULL ? cleat__buffer_slice(body) : none, reply)
                              : cleat__fail_memory();
    cleat__free(path);
    return status;
}

static cleat_status fail_missing(const cleat__uuid *id, cleat_status status)
{
    char text[37];
    cleat__uuid_format(id, text);
    return status == CLEAT_NOT_FOUND ? cleat__fail(status, "there is no filter %s", text) : status;
}

cleat_status cleat__remote_filter_add(cleat__link *link, cleat_slice workflow, const cleat__filter *filter,
                                      cleat__uuid *id)
{
    cleat__buffer body = {0}, reply = {0};
    cleat__uuid workflow_id;
    char text[37];
    cleat_status status = cleat__remote_workflow_find(link, workflow, &workflow_id);
    if (status == CLEAT_OK) {
        cleat__uuid_format(&workflow_id, text);
        cleat__buffer_append_format(&body, "{\"workflowId\":\"%s\"", text);
        write_filter(filter, &body);
        status = send_to(link, "POST", NULL, &body, &reply);
    }
    if (status == CLEAT_OK && (!cleat__remote_is_object(cleat__buffer_slice(&reply)) ||
                               !cleat__remote_row_id(cleat__buffer_slice(&reply), id))) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s gives a filter no id that is a UUID",
                             link->settings.api_url);
    }
    cleat__buffer_deinit(&body);
    cleat__buffer_deinit(&reply);
    return status;
}

cleat_status cleat__remote_filter_change(cleat__link *link, const cleat__uuid *id,
                                         const cleat__filter *filter)
{
    cleat__buffer body = {0}, changes = {0}, reply = {0};
    write_filter(filter, &changes);
    cleat__buffer_append_byte(&body, '{');
    if (changes.size > 0) { /* without the comma in front of the first */
        size_t from = changes.data[0] == ',' ? 1 : 0;
        cleat__buffer_append(&body, changes.data + from, changes.size - from);
    }
    body.failed = body.failed || changes.failed;
    cleat_status status = fail_missing(id, send_to(link, "PATCH", id, &body, &reply));
    cleat__buffer_deinit(&changes);
    cleat__buffer_deinit(&body);
    cleat__buffer_deinit(&reply);
    return status;
}

cleat_status cleat__remote_filter_delete(cleat__link *link, const cleat__uuid *id)
{
    cleat__buffer reply = {0};
    cleat_status status = fail_missing(id, send_to(link, "DELETE", id, NULL, &reply));
    cleat__buffer_deinit(&reply);
    return status;
}

/* ---- Listing ---- */

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_filter_list *out)
{
    char *scope = cleat__remote_text(cleat__remote_member(row, "scope"));
    char *expression = cleat__remote_text(cleat__remote_member(row, "expression"));
    cleat__filter filter = {.scope = cleat_slice_of(scope), .expression = cleat_slice_of(expression)};
    cleat__uuid id;
    cleat_status status;
    if (scope != NULL && expression != NULL && cleat__remote_row_id(row, &id) &&
        cleat__remote_payload(cleat__remote_member(row, "payload"), &filter.payload)) {
        bool is_declared =
            cleat_slice_equals(cleat__remote_member(row, "isDeclarative"), cleat_slice_of("true"));
        status = cleat__filter_list_add(out, &id, is_declared, &filter);
    } else {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a filter that is none",
                             link->settings.api_url);
    }
    cleat__free(scope);
    cleat__free(expression);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, cleat_filter_list *out)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = cleat__remote_rows(&link->settings, body, "filters", &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_row(link, row, out);
    }
    return status;
}

cleat_status cleat__remote_filters(cleat__link *link, cleat_slice workflow, int64_t offset, int64_t limit,
                                   cleat_filter_list *out)
{
    cleat__buffer path = {0}, reply = {0};
    cleat__uuid id;
    char text[37];
    cleat_status status = workflow.data != NULL ? cleat__remote_workflow_find(link, workflow, &id) : CLEAT_OK;
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__buffer_append_format(&path, "/api/v1/stable/tenants/%s/filters?offset=%" PRId64 "&limit=%" PRId64,
                                link->settings.tenant_id, offset, limit);
    if (workflow.data != NULL) {
        cleat__uuid_format(&id, text);
        cleat__buffer_append_format(&path, "&workflowIds=%s", text);
    }
    char *asked = cleat__buffer_take_string(&path);
    status = asked != NULL ? cleat__remote_http(&link->settings, "GET", asked, none, &reply)
                           : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = read_rows(link, cleat__buffer_slice(&reply), out);
    }
    cleat__buffer_deinit(&reply);
    cleat__free(asked);
    return status;
}
