/* Looking at rate limits and deleting them: over HTTP, since the protocol only puts them. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/rate_list.h"
#include "transport/remote_http.h"
#include "transport/remote_query.h"
#include "transport/remote_rows.h"

static const cleat_slice none = {NULL, 0};

/* By cleat_rate_limit_duration. */
static const char *const windows[] = {"",      "1 SECOND", "1 MINUTE", "1 HOUR",
                                      "1 DAY", "1 WEEK",   "1 MONTH",  "1 YEAR"};

/* 0: another one. */
static int64_t window_of(const char *text)
{
    for (int i = CLEAT_PER_SECOND; i <= CLEAT_PER_YEAR; i++) {
        if (strcmp(text, windows[i]) == 0) {
            return cleat__rate_duration_ms((cleat_rate_limit_duration)i);
        }
    }
    return 0;
}

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_rate_limit_list *out)
{
    char *key = cleat__remote_text(cleat__remote_member(row, "key"));
    char *window = cleat__remote_text(cleat__remote_member(row, "window"));
    int64_t limit = 0, value = 0;
    cleat__rate_window read = {.limit = 0};
    cleat_status status;
    if (key != NULL && window != NULL &&
        cleat__remote_count(cleat__remote_member(row, "limitValue"), &limit) && limit <= INT32_MAX &&
        cleat__remote_count(cleat__remote_member(row, "value"), &value) && value <= INT32_MAX &&
        cleat__remote_time(cleat__remote_member(row, "lastRefill"), &read.refilled_ms)) {
        read.limit = (int32_t)limit;
        read.value = (int32_t)value;
        read.window_ms = window_of(window);
        status = cleat__rate_list_add(out, cleat_slice_of(key), &read);
    } else {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a rate limit that is none",
                             link->settings.api_url);
    }
    cleat__free(key);
    cleat__free(window);
    return status;
}

/* Consumes the path. */
static cleat_status ask(const cleat__link *link, const char *method, cleat__buffer *path,
                        cleat__buffer *reply)
{
    char *text = cleat__buffer_take_string(path);
    cleat_status status =
        text != NULL ? cleat__remote_http(&link->settings, method, text, none, reply) : cleat__fail_memory();
    cleat__free(text);
    return status;
}

cleat_status cleat__remote_rate_limits(cleat__link *link, cleat_slice search, int64_t offset, int64_t limit,
                                       cleat_rate_limit_list *out)
{
    cleat__buffer path = {0}, reply = {0};
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat__buffer_append_string(&path, "/rate-limits");
    cleat__remote_query_int(&path, "offset", offset);
    cleat__remote_query_int(&path, "limit", limit);
    cleat__remote_query_text(&path, "orderByField", cleat_slice_of("key"));
    cleat__remote_query_text(&path, "orderByDirection", cleat_slice_of("asc"));
    if (search.size != 0) {
        cleat__remote_query_text(&path, "search", search);
    }
    cleat_status status = ask(link, "GET", &path, &reply);
    if (status == CLEAT_OK) {
        status = cleat__remote_rows(&link->settings, cleat__buffer_slice(&reply), "rate limits", &cursor);
    }
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_row(link, row, out);
    }
    cleat__buffer_deinit(&reply);
    return status;
}

cleat_status cleat__remote_delete_rate_limit(cleat__link *link, cleat_slice key)
{
    cleat__buffer path = {0}, reply = {0};
    cleat__buffer_append_string(&path, "/rate-limits");
    cleat__remote_query_text(&path, "key", key);
    cleat_status status = ask(link, "DELETE", &path, &reply);
    cleat__buffer_deinit(&reply);
    return status == CLEAT_NOT_FOUND
               ? cleat__fail(status, "there is no rate limit \"%.*s\"", CLEAT_SLICE_ARGS(key))
               : status;
}
