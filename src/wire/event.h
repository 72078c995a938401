/* Events that programs push: PushEventRequest. */
#ifndef CLEAT_WIRE_EVENT_H
#define CLEAT_WIRE_EVENT_H

#include "model/event.h"
#include "wire/events.pb-c.h"

/* Borrows from the message. The status and sentence of cleat__user_event_check(), which is part of it. */
cleat_status cleat__event_read(const Cleat__PushEventRequest *message, cleat__user_event *out);

/* A client's writing; `key` instead of the event's. NULL on no memory. Free with cleat__message_free(). */
Cleat__PushEventRequest *cleat__event_write(const cleat__user_event *event, cleat_slice key, int64_t now_ms);

/* What an event is told back with; `message` borrows from all of it. */
typedef struct cleat__event_reply {
    Cleat__Event message;
    Cleat__Google__Protobuf__Timestamp stored_at;
    char id[37];
} cleat__event_reply;
/* `asked` is what it was read from, `tenant_id` a text. */
void cleat__event_reply_init(cleat__event_reply *reply, const Cleat__PushEventRequest *asked,
                             const cleat__uuid *id, int64_t at_ms, char *tenant_id);

#endif
