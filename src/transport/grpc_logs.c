/* The log of a task: over HTTP, since the protocol only takes lines. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/log_list.h"
#include "transport/remote_http.h"
#include "transport/remote_query.h"
#include "transport/remote_rows.h"

enum { LINES_MAX = 10000 }; /* of one answer */

/* By cleat_log_level. */
static const char *const levels[] = {NULL, "ERROR", "WARN", "INFO", "DEBUG"};

static void write_page(const cleat__uuid *run_id, const cleat__log_page *page, cleat__buffer *path)
{
    char id[37];
    cleat__uuid_format(run_id, id);
    cleat__buffer_append_format(path, "/api/v1/stable/tasks/%s/logs", id);
    cleat__remote_query_int(path, "limit", page->offset + page->limit); /* there is no offset */
    cleat__remote_query_text(path, "order_by_direction",
                             cleat_slice_of(page->is_newest_first ? "DESC" : "ASC"));
    cleat__remote_query_time(path, "since", page->since_ms);
    if (page->until_ms != INT64_MAX) {
        cleat__remote_query_time(path, "until", page->until_ms);
    }
    for (int level = CLEAT_LOG_ERROR; level <= CLEAT_LOG_DEBUG; level++) {
        if ((page->levels >> level & 1U) != 0) {
            cleat__remote_query_text(path, "levels", cleat_slice_of(levels[level]));
        }
    }
    if (page->attempt != 0) {
        cleat__remote_query_int(path, "attempt", page->attempt);
    }
    if (page->search.size != 0) {
        cleat__remote_query_text(path, "search", page->search);
    }
}

/* Those of other engines may have none: INFO. False: it is none. */
static bool read_level(cleat_slice row, cleat_log_level *out)
{
    cleat_slice value = cleat__remote_member(row, "level");
    char *name = cleat__remote_text(value);
    int level = CLEAT_LOG_ERROR;
    bool is_absent = value.data == NULL || cleat_slice_equals(value, cleat_slice_of("null"));
    while (name != NULL && level <= CLEAT_LOG_DEBUG && strcmp(name, levels[level]) != 0) {
        level++;
    }
    *out = is_absent ? CLEAT_LOG_INFO : (cleat_log_level)level;
    bool is_level = is_absent || (name != NULL && level <= CLEAT_LOG_DEBUG);
    cleat__free(name);
    return is_level;
}

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_log_list *out)
{
    char *message = cleat__remote_text(cleat__remote_member(row, "message"));
    cleat__log_line line = {.message = cleat_slice_of(message)};
    int64_t retry_count = 0;
    cleat_status status;
    if (message != NULL && read_level(row, &line.level) &&
        cleat__remote_time(cleat__remote_member(row, "createdAt"), &line.time_ms) &&
        cleat__remote_count(cleat__remote_member(row, "retryCount"), &retry_count) &&
        retry_count < INT32_MAX &&
        cleat__remote_payload(cleat__remote_member(row, "metadata"), &line.metadata)) {
        line.retry_count = (int32_t)retry_count;
        status = cleat__log_list_add(out, &line);
    } else {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a line of a log that is none",
                             link->settings.api_url);
    }
    cleat__free(message);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, int64_t to_skip, cleat_log_list *out)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = cleat__remote_rows(&link->settings, body, "log lines", &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        if (to_skip > 0) {
            to_skip--;
        } else {
            status = read_row(link, row, out);
        }
    }
    return status;
}

cleat_status cleat__remote_logs(cleat__link *link, const cleat__uuid *run_id, const cleat__log_page *page,
                                cleat_log_list *out)
{
    cleat__buffer path = {0}, reply = {0};
    char id[37];
    if (page->offset + page->limit > LINES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "offset and limit are more than %d together, which a server does not tell",
                           (int)LINES_MAX);
    }
    write_page(run_id, page, &path);
    char *text = cleat__buffer_take_string(&path);
    cleat_status status =
        text != NULL ? cleat__remote_http(&link->settings, "GET", text, (cleat_slice){NULL, 0}, &reply)
                     : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = read_rows(link, cleat__buffer_slice(&reply), page->offset, out);
    } else if (status == CLEAT_NOT_FOUND) {
        cleat__uuid_format(run_id, id);
        status = cleat__fail(status, "there is no run %s", id);
    }
    cleat__free(text);
    cleat__buffer_deinit(&reply);
    return status;
}
