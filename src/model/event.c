#include "model/event.h"

#include "base/error.h"
#include "model/json.h"

#include <cleat/run.h>
#include <inttypes.h>

static cleat_status check_name(const char *what, cleat_slice name)
{
    if (name.size > CLEAT__EVENT_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the event's %s has %zu bytes; at most %d are allowed",
                           what, name.size, CLEAT__EVENT_KEY_MAX);
    }
    return CLEAT_OK;
}

static cleat_status check_size(const char *what, cleat_slice text)
{
    if (text.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "the event's %s has %zu bytes; at most %zu are stored", what,
                           text.size, CLEAT_PAYLOAD_MAX);
    }
    return CLEAT_OK;
}

cleat_status cleat__user_event_check_sizes(const cleat__user_event *event)
{
    if (event->key.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the event has no key");
    }
    size_t prefix = strlen(CLEAT__HOOK_EVENT_PREFIX);
    if (event->key.size >= prefix && memcmp(event->key.data, CLEAT__HOOK_EVENT_PREFIX, prefix) == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the event's key begins with \"" CLEAT__HOOK_EVENT_PREFIX
                                                   "\", which is for hooks: resume the hook instead");
    }
    if (event->priority < 0 || event->priority > CLEAT_PRIORITY_HIGH) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the event's priority is %" PRId32 "; it must be 1 (low) .. 3 (high), or 0",
                           event->priority);
    }
    cleat_status status = check_name("key", event->key);
    if (status == CLEAT_OK) {
        status = check_name("scope", event->scope);
    }
    if (status == CLEAT_OK) {
        status = check_size("payload", event->payload);
    }
    return status == CLEAT_OK ? check_size("metadata", event->metadata) : status;
}

cleat_status cleat__user_event_check(const cleat__user_event *event)
{
    cleat_status status = cleat__user_event_check_sizes(event);
    if (status == CLEAT_OK && event->payload.data != NULL) {
        status = cleat__json_check("the event's payload", event->payload, true);
    }
    if (status == CLEAT_OK && event->metadata.data != NULL) {
        status = cleat__json_check("the event's metadata", event->metadata, true);
    }
    return status;
}
