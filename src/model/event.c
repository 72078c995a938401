#include "model/event.h"

#include "base/error.h"
#include "base/utf8.h"
#include "model/json.h"

#include <cleat/run.h>
#include <inttypes.h>

bool cleat__event_key_is_of_hook(cleat_slice key)
{
    static const char prefix[] = CLEAT__HOOK_KEY_PREFIX;
    return key.size >= sizeof(prefix) - 1 && memcmp(key.data, prefix, sizeof(prefix) - 1) == 0;
}

static cleat_status check_name(const char *what, cleat_slice name)
{
    if (name.size > CLEAT__EVENT_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the event's %s has %zu bytes; at most %d are allowed",
                           what, name.size, CLEAT__EVENT_KEY_MAX);
    }
    return cleat__utf8_valid_prefix(name.data, name.size) == name.size
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "the event's %s is no valid UTF-8", what);
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
    if (cleat__event_key_is_of_hook(event->key)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the event's key begins with %s: hooks are resumed, not pushed",
                           CLEAT__HOOK_KEY_PREFIX);
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
