/* Reading what the HTTP side of a server answers: objects, and lists of them. */
#ifndef CLEAT_TRANSPORT_REMOTE_ROWS_H
#define CLEAT_TRANSPORT_REMOTE_ROWS_H

#include "base/uuid.h"
#include "model/json_members.h"
#include "transport/settings.h"

/* Payloads are in these answers, which are text to us: numbers of any size stay as they are. */
bool cleat__remote_is_object(cleat_slice text);
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
/* The rows of a list. CLEAT_INVALID_ARGUMENT: it is no list; `what` is for the sentence. */
cleat_status cleat__remote_rows(const cleat__remote_settings *settings, cleat_slice body, const char *what,
                                cleat__json_cursor *cursor);
/* As the program knows it: without what the namespace put before it. */
cleat_slice cleat__remote_own_name(const cleat__remote_settings *settings, const char *name);

#endif
