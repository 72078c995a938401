/* Reading what the HTTP side of a server answers: objects, and lists of them. */
#ifndef CLEAT_TRANSPORT_REMOTE_ROWS_H
#define CLEAT_TRANSPORT_REMOTE_ROWS_H

#include "base/uuid.h"
#include "model/json_members.h"
#include <cleat/run.h>
#include "transport/settings.h"

/* Payloads are in these answers, which are text to us: numbers of any size stay as they are. */
bool cleat__remote_is_object(cleat_slice text);
bool cleat__remote_is_array(cleat_slice text);
/* Absent when there is none. */
cleat_slice cleat__remote_member(cleat_slice object, const char *name);
/* A copy, to be freed; NULL: no string, or no memory. */
char *cleat__remote_text(cleat_slice value);
/* False: it is none. Absent: {}. */
bool cleat__remote_payload(cleat_slice value, cleat_slice *out);
/* "metadata": {"id": .. } of a row; false: it has none. */
bool cleat__remote_row_id(cleat_slice row, cleat__uuid *id);
/* "priority"; 0: it has none. What a Hatchet engine stores of an absent priority is 1. */
int32_t cleat__remote_row_priority(cleat_slice row);
/* "status" and "isEvicted" of a run or a task; false: it has none. */
bool cleat__remote_row_status(cleat_slice row, cleat_run_status *out);
/* A time of RFC 3339. Absent, null, or Go's zero time: 0. False: it is none. */
bool cleat__remote_time(cleat_slice value, int64_t *unix_ms);
/* A whole number of 0 or more; absent: 0. False: it is none. */
bool cleat__remote_count(cleat_slice value, int64_t *out);
/* Of "errorMessage" what a person reads, to be freed; NULL where it has none. CLEAT_NO_MEMORY. */
cleat_status cleat__remote_row_error(cleat_slice row, char **out);
/* The rows of a list. CLEAT_INVALID_ARGUMENT: it is no list; `what` is for the sentence. */
cleat_status cleat__remote_rows(const cleat__remote_settings *settings, cleat_slice body, const char *what,
                                cleat__json_cursor *cursor);
/* As the program knows it: without what the namespace put before it. */
cleat_slice cleat__remote_own_name(const cleat__remote_settings *settings, const char *name);

#endif
