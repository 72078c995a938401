/* Log lines: PutLogRequest and cleat__log_line. */
#ifndef CLEAT_WIRE_LOG_LINE_H
#define CLEAT_WIRE_LOG_LINE_H

#include "model/task.h"
#include "wire/events.pb-c.h"

/*
 * A server's reading; the message's text is borrowed. Without a time it is now, without a level
 * INFO, without a retry_count CLEAT__RETRY_CURRENT. Metadata must be a JSON object or
 * empty. CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE, CLEAT_NO_MEMORY.
 */
cleat_status cleat__log_line_read(const Cleat__PutLogRequest *message, int64_t now_ms, cleat__log_line *out);
/* A worker's writing; longer texts are cut. NULL on no memory. Free with cleat__message_free(). */
Cleat__PutLogRequest *cleat__log_line_write(const cleat__log_line *line);

#endif
