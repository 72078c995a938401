/* GET .../tasks/{task}/logs */
#include "rest_parts.h"
#include "store/log.h"

/* Of the levels from the first one, CLEAT_LOG_ERROR, on. */
static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG", NULL};
_Static_assert(CLEAT_LOG_WARN == CLEAT_LOG_ERROR + 1 && CLEAT_LOG_INFO == CLEAT_LOG_ERROR + 2 &&
                   CLEAT_LOG_DEBUG == CLEAT_LOG_ERROR + 3,
               "in the order of the names");

typedef struct page {
    cleat__http_call *call;
    cleat__json_writer *writer;
    char name[CLEAT__REST_NAME_SIZE];
    int64_t limit;
    cleat__log_choice choice;
} page;

static bool write_line(void *argument, const cleat__log_line *line)
{
    page *self = argument;
    cleat__json_writer *writer = self->writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_time(writer, "createdAt", line->time_ms);
    cleat__writer_slice(writer, "message", line->message);
    cleat__rest_write_payload(writer, "metadata", line->metadata);
    cleat__rest_write_uuid(writer, "taskExternalId", &line->task_id);
    cleat__writer_string(writer, "taskDisplayName", self->name);
    cleat__writer_int(writer, "retryCount", line->retry_count);
    cleat__writer_int(writer, "attempt", line->retry_count + 1);
    cleat__writer_string(writer, "level", level_names[line->level - CLEAT_LOG_ERROR]);
    cleat__writer_end_object(writer);
    return --self->limit != 0 && !cleat__answer_is_full(writer);
}

static bool read_query(page *self)
{
    cleat__http_call *call = self->call;
    static const char *const directions[] = {"ASC", "DESC", NULL};
    cleat__log_choice *choice = &self->choice;
    int direction = 0;
    unsigned levels = 0; /* from the first one on */
    if (!cleat__rest_read_choice(call, "order_by_direction", directions, &direction)) {
        return false;
    }
    choice->is_newest_first = direction == 1;
    choice->search = cleat__http_call_argument(call, "search");
    choice->until_ms = INT64_MAX;
    self->limit = 50;
    bool is_read = cleat__http_call_int(call, "limit", 1, CLEAT__REST_LIMIT_MAX, &self->limit) &&
                   cleat__http_call_int(call, "attempt", 1, INT32_MAX, &choice->attempt) &&
                   cleat__http_call_time(call, "since", &choice->since_ms) &&
                   cleat__http_call_time(call, "until", &choice->until_ms) &&
                   cleat__rest_read_choices(call, "levels", level_names, &levels);
    choice->levels = levels << CLEAT_LOG_ERROR;
    return is_read;
}

static cleat_status write_page(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    page *self = argument;
    int64_t tenant = self->call->identity.tenant;
    cleat__uuid id = cleat__http_call_id(self->call, "task");
    cleat__rest_run run;
    cleat_status status = cleat__rest_query_run(store, tenant, &id, false, &run);
    if (status != CLEAT_OK) {
        return status;
    }
    self->writer = writer;
    cleat__rest_run_name(&run, self->name);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_object(writer, "pagination"); /* nobody turns pages here */
    cleat__writer_int(writer, "current_page", 0);
    cleat__writer_int(writer, "next_page", 0);
    cleat__writer_int(writer, "num_pages", 0);
    cleat__writer_end_object(writer);
    cleat__writer_begin_array(writer, "rows");
    status = cleat__log_choose(store, tenant, &id, &self->choice, write_line, self);
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_log_list(cleat__http_call *call)
{
    page self = {.call = call};
    if (read_query(&self)) {
        cleat__rest_answer(call, write_page, &self);
    }
}
