#include "wire/event.h"

#include "wire/message.h"
#include "wire/payload.h"
#include "wire/timestamp.h"

#include <string.h>

cleat_status cleat__event_read(const Cleat__PushEventRequest *message, cleat__user_event *out)
{
    *out = (cleat__user_event){.key = cleat_slice_of(message->key)};
    if (message->payload[0] != '\0') {
        out->payload = cleat_slice_of(message->payload);
    }
    if (message->has_scope_case != 0) {
        out->scope = cleat_slice_of(message->scope);
    }
    if (message->has_priority_case != 0) {
        out->priority = message->priority;
    }
    cleat_status status = CLEAT_OK;
    if (message->has_additional_metadata_case != 0) {
        status = cleat__payload_metadata(message->additional_metadata, &out->metadata);
    }
    return status == CLEAT_OK ? cleat__user_event_check(out) : status;
}

Cleat__PushEventRequest *cleat__event_write(const cleat__user_event *event, cleat_slice key, int64_t now_ms)
{
    bool failed = false;
    Cleat__PushEventRequest *message = cleat__message_new(&cleat__push_event_request__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->key = cleat__message_text(&failed, key);
    message->payload =
        cleat__message_text(&failed, event->payload.data != NULL ? event->payload : cleat_slice_of("{}"));
    message->event_timestamp = cleat__timestamp_new(&failed, now_ms);
    if (event->metadata.data != NULL) {
        message->has_additional_metadata_case =
            CLEAT__PUSH_EVENT_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
        message->additional_metadata = cleat__message_text(&failed, event->metadata);
    }
    if (event->priority != 0) {
        message->has_priority_case = CLEAT__PUSH_EVENT_REQUEST__HAS_PRIORITY_PRIORITY;
        message->priority = event->priority;
    }
    if (event->scope.data != NULL) {
        message->has_scope_case = CLEAT__PUSH_EVENT_REQUEST__HAS_SCOPE_SCOPE;
        message->scope = cleat__message_text(&failed, event->scope);
    }
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

void cleat__event_reply_init(cleat__event_reply *reply, const Cleat__PushEventRequest *asked,
                             const cleat__uuid *id, int64_t at_ms, char *tenant_id)
{
    cleat__event__init(&reply->message);
    cleat__google__protobuf__timestamp__init(&reply->stored_at);
    cleat__uuid_format(id, reply->id);
    reply->stored_at.seconds = at_ms / 1000;
    reply->stored_at.nanos = (int32_t)(at_ms % 1000) * 1000000;
    reply->message.tenant_id = tenant_id;
    reply->message.event_id = reply->id;
    reply->message.key = asked->key;
    reply->message.payload = asked->payload;
    reply->message.event_timestamp = &reply->stored_at;
    if (asked->has_additional_metadata_case != 0) {
        reply->message.has_additional_metadata_case =
            CLEAT__EVENT__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
        reply->message.additional_metadata = asked->additional_metadata;
    }
    if (asked->has_scope_case != 0) {
        reply->message.has_scope_case = CLEAT__EVENT__HAS_SCOPE_SCOPE;
        reply->message.scope = asked->scope;
    }
}
