/* GET .../tasks/{task}/logs */
#define _GNU_SOURCE /* memmem */
#include "rest_parts.h"

#include "base/error.h"

static const char *const level_names[] = {
    [CLEAT_LOG_ERROR] = "ERROR",
    [CLEAT_LOG_WARN] = "WARN",
    [CLEAT_LOG_INFO] = "INFO",
    [CLEAT_LOG_DEBUG] = "DEBUG",
};

typedef struct page {
    cleat__http_call *call;
    cleat__json_writer writer;
    char name[CLEAT__REST_NAME_SIZE];
    int64_t limit;
    int64_t since_ms, until_ms;
    int64_t attempt; /* 0: any */
    cleat_slice search;
    unsigned levels; /* 1 << cleat_log_level; 0: any */
    bool is_newest_first;
} page;

static bool passes(const page *self, const cleat__log_line *line)
{
    return line->time_ms >= self->since_ms && line->time_ms <= self->until_ms &&
           (self->attempt == 0 || line->retry_count + 1 == self->attempt) &&
           (self->levels == 0 || self->levels >> line->level & 1) &&
           (self->search.size == 0 ||
            memmem(line->message.data, line->message.size, self->search.data, self->search.size) != NULL);
}

static bool write_line(void *argument, const cleat__log_line *line)
{
    page *self = argument;
    cleat__json_writer *writer = &self->writer;
    bool is_known = line->level >= CLEAT_LOG_ERROR && line->level <= CLEAT_LOG_DEBUG;
    if (!is_known || !passes(self, line)) {
        return true;
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_time(writer, "createdAt", line->time_ms);
    cleat__writer_slice(writer, "message", line->message);
    cleat__rest_write_payload(writer, "metadata", line->metadata);
    cleat__rest_write_uuid(writer, "taskExternalId", &line->task_id);
    cleat__writer_string(writer, "taskDisplayName", self->name);
    cleat__writer_int(writer, "retryCount", line->retry_count);
    cleat__writer_int(writer, "attempt", line->retry_count + 1);
    cleat__writer_string(writer, "level", level_names[line->level]);
    cleat__writer_end_object(writer);
    return --self->limit != 0;
}

static bool read_levels(page *self)
{
    cleat_slice value;
    size_t cursor = 0;
    while (cleat__http_call_next(self->call, "levels", &cursor, &value)) {
        int level = CLEAT_LOG_ERROR;
        while (level <= CLEAT_LOG_DEBUG && !cleat_slice_equals(value, cleat_slice_of(level_names[level]))) {
            level++;
        }
        if (level > CLEAT_LOG_DEBUG) {
            cleat__http_call_refuse(self->call, 400, "Invalid format for parameter levels");
            return false;
        }
        self->levels |= 1U << level;
    }
    return true;
}

static bool read_query(page *self)
{
    cleat__http_call *call = self->call;
    cleat_slice direction = cleat__http_call_argument(call, "order_by_direction");
    self->is_newest_first = cleat_slice_equals(direction, cleat_slice_of("DESC"));
    if (direction.data != NULL && !self->is_newest_first &&
        !cleat_slice_equals(direction, cleat_slice_of("ASC"))) {
        cleat__http_call_refuse(call, 400, "Invalid format for parameter order_by_direction");
        return false;
    }
    self->search = cleat__http_call_argument(call, "search");
    self->limit = 50;
    self->until_ms = INT64_MAX;
    return cleat__http_call_int(call, "limit", 1, 10000, &self->limit) &&
           cleat__http_call_int(call, "attempt", 1, INT32_MAX, &self->attempt) &&
           cleat__http_call_time(call, "since", &self->since_ms) &&
           cleat__http_call_time(call, "until", &self->until_ms) && read_levels(self);
}

static cleat_status write_page(page *self, cleat__store *store)
{
    int64_t tenant = self->call->identity.tenant;
    cleat__uuid id = cleat__http_call_id(self->call, "task");
    cleat__rest_run run;
    cleat_status status = cleat__rest_query_run(store, tenant, &id, &run);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__rest_run_name(&run, self->name);
    cleat__writer_begin_object(&self->writer, NULL);
    cleat__writer_begin_object(&self->writer, "pagination"); /* nobody turns pages here */
    cleat__writer_int(&self->writer, "current_page", 0);
    cleat__writer_int(&self->writer, "next_page", 0);
    cleat__writer_int(&self->writer, "num_pages", 0);
    cleat__writer_end_object(&self->writer);
    cleat__writer_begin_array(&self->writer, "rows");
    status = cleat__rest_query_logs(store, tenant, &id, self->is_newest_first, write_line, self);
    cleat__writer_end_array(&self->writer);
    cleat__writer_end_object(&self->writer);
    return status;
}

void cleat__rest_log_list(cleat__http_call *call)
{
    cleat__rest *rest = call->service;
    page self = {.call = call};
    cleat__store *store = NULL;
    if (!read_query(&self)) {
        return;
    }
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = write_page(&self, store);
    }
    cleat__rest_give(rest, store);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &self.writer);
    } else {
        cleat__http_call_fail_status(call, status);
        cleat__buffer_deinit(&self.writer.out);
    }
}
