/* GET .../workflows and /api/v1/workflows/{workflow} */
#include "rest_parts.h"

#include "base/error.h"

#include <ctype.h>

typedef struct page {
    cleat__http_call *call;
    cleat__json_writer writer;
    cleat_slice search;
    int64_t offset, limit, total;
    cleat__uuid wanted; /* of one workflow */
    bool is_found;
} page;

static void write_workflow(page *self, const cleat__rest_workflow *row)
{
    cleat__writer_begin_object(&self->writer, NULL);
    cleat__rest_write_metadata(&self->writer, &row->id, 0, 0); /* nobody wrote down when */
    cleat__writer_slice(&self->writer, "name", row->name);
    cleat__writer_bool(&self->writer, "isPaused", false);
    cleat__rest_write_uuid(&self->writer, "tenantId", &self->call->identity.tenant_id);
    cleat__writer_end_object(&self->writer);
}

static bool begins(const char *text, cleat_slice with)
{
    for (size_t i = 0; i < with.size; i++) {
        if (tolower((unsigned char)text[i]) != tolower((unsigned char)with.data[i])) {
            return false;
        }
    }
    return true;
}

static bool contains(cleat_slice text, cleat_slice part)
{
    for (size_t i = 0; part.size <= text.size && i <= text.size - part.size; i++) {
        if (begins(text.data + i, part)) {
            return true;
        }
    }
    return false;
}

static bool write_row(void *argument, const cleat__rest_workflow *row)
{
    page *self = argument;
    if (contains(row->name, self->search)) {
        int64_t index = self->total++;
        if (index >= self->offset && index < self->offset + self->limit) {
            write_workflow(self, row);
        }
    }
    return true;
}

static bool write_wanted(void *argument, const cleat__rest_workflow *row)
{
    page *self = argument;
    self->is_found = cleat__uuid_equals(&row->id, &self->wanted);
    if (self->is_found) {
        write_workflow(self, row);
    }
    return !self->is_found;
}

static cleat_status visit(page *self, bool (*visitor)(void *argument, const cleat__rest_workflow *row))
{
    cleat__rest *rest = self->call->service;
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_workflows(store, self->call->identity.tenant, visitor, self);
    }
    cleat__rest_give(rest, store);
    return status;
}

static void answer(page *self, cleat_status status)
{
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(self->call, 200, &self->writer);
    } else {
        cleat__http_call_fail_status(self->call, status);
    }
    cleat__buffer_deinit(&self->writer.out);
}

void cleat__rest_workflow_list(cleat__http_call *call)
{
    page self = {.call = call, .search = cleat__http_call_argument(call, "name"), .limit = 50};
    if (!cleat__http_call_int(call, "offset", 0, 1000000000, &self.offset) ||
        !cleat__http_call_int(call, "limit", 1, 10000, &self.limit)) {
        return;
    }
    cleat__writer_begin_object(&self.writer, NULL);
    cleat__writer_begin_array(&self.writer, "rows");
    cleat_status status = visit(&self, write_row);
    cleat__writer_end_array(&self.writer);
    cleat__rest_write_pages(&self.writer, self.offset, self.limit, self.total);
    cleat__writer_end_object(&self.writer);
    answer(&self, status);
}

void cleat__rest_workflow_get(cleat__http_call *call)
{
    page self = {.call = call, .wanted = cleat__http_call_id(call, "workflow")};
    cleat_status status = visit(&self, write_wanted);
    if (status == CLEAT_OK && !self.is_found) {
        status = cleat__fail(CLEAT_NOT_FOUND, "there is no such workflow");
    }
    answer(&self, status);
}
