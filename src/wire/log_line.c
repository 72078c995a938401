#include "wire/log_line.h"

#include "base/error.h"
#include "base/utf8.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "wire/report.h"
#include "wire/timestamp.h"

#include <inttypes.h>

static const char *const level_names[] = {
    [CLEAT_LOG_ERROR] = "ERROR",
    [CLEAT_LOG_WARN] = "WARN",
    [CLEAT_LOG_INFO] = "INFO",
    [CLEAT_LOG_DEBUG] = "DEBUG",
};

/* ---- Reading ---- */

static cleat_status read_level(const Cleat__PutLogRequest *message, cleat__log_line *out)
{
    out->level = CLEAT_LOG_INFO;
    if (message->has_level_case == 0) {
        return CLEAT_OK;
    }
    for (int level = CLEAT_LOG_ERROR; level <= CLEAT_LOG_DEBUG; level++) {
        if (strcmp(message->level, level_names[level]) == 0) {
            out->level = (cleat_log_level)level;
            return CLEAT_OK;
        }
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "level is \"%.32s\"; it must be ERROR, WARN, INFO or DEBUG",
                       message->level);
}

static cleat_status read_message(const Cleat__PutLogRequest *message, cleat__log_line *out)
{
    out->message = cleat_slice_of(message->message);
    uint32_t left = CLEAT__LOG_LINE_MAX;
    if (out->message.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the log line's message is empty");
    }
    if (cleat__utf8_cut(out->message.data, out->message.size, &left) != out->message.size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the log line's message has more than %d characters",
                           CLEAT__LOG_LINE_MAX);
    }
    return CLEAT_OK;
}

static cleat_status read_attempt(const Cleat__PutLogRequest *message, cleat__log_line *out)
{
    if (cleat__uuid_parse(cleat_slice_of(message->task_run_external_id), &out->task_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task_run_external_id \"%.64s\" is no UUID",
                           message->task_run_external_id);
    }
    out->retry_count = CLEAT__RETRY_CURRENT;
    if (message->has_task_retry_count_case == 0) {
        return CLEAT_OK;
    }
    if (message->task_retry_count < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task_retry_count is %" PRId32 "; it must not be negative",
                           message->task_retry_count);
    }
    out->retry_count = message->task_retry_count;
    return CLEAT_OK;
}

cleat_status cleat__log_line_read(const Cleat__PutLogRequest *message, int64_t now_ms, cleat__log_line *out)
{
    *out = (cleat__log_line){.time_ms = now_ms};
    cleat_status status = read_attempt(message, out);
    if (status == CLEAT_OK) {
        status = cleat__timestamp_read("created_at", message->created_at, &out->time_ms);
        status = status == CLEAT_EMPTY ? CLEAT_OK : status;
    }
    if (status == CLEAT_OK) {
        status = read_level(message, out);
    }
    if (status == CLEAT_OK) {
        status = read_message(message, out);
    }
    return status == CLEAT_OK ? cleat__payload_metadata(message->metadata, &out->metadata) : status;
}

/* ---- Writing ---- */

Cleat__PutLogRequest *cleat__log_line_write(const cleat__log_line *line)
{
    bool failed = false;
    char id[37];
    Cleat__PutLogRequest *message = cleat__message_new(&cleat__put_log_request__descriptor);
    if (message == NULL) {
        return NULL;
    }
    cleat__uuid_format(&line->task_id, id);
    message->task_run_external_id = cleat__message_string(&failed, id);
    message->created_at = cleat__timestamp_new(&failed, line->time_ms);
    message->message = cleat__message_text(&failed, line->message);
    size_t size = strlen(message->message);
    uint32_t left = CLEAT__LOG_LINE_MAX;
    size_t cut = cleat__utf8_cut(message->message, size, &left);
    if (cut < size) {
        message->message[cut] = '\0';
    }
    message->has_level_case = CLEAT__PUT_LOG_REQUEST__HAS_LEVEL_LEVEL;
    message->level = cleat__message_string(&failed, level_names[line->level]);
    if (line->retry_count >= 0) {
        message->has_task_retry_count_case = CLEAT__PUT_LOG_REQUEST__HAS_TASK_RETRY_COUNT_TASK_RETRY_COUNT;
        message->task_retry_count = line->retry_count;
    }
    message->metadata = cleat__message_text(&failed, line->metadata);
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}
