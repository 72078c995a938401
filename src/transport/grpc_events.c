/* Pushing events. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "wire/event.h"
#include "wire/message.h"

/* NULL on no memory. */
static Cleat__PushEventRequest *write_event(const cleat__link *link, const cleat__user_event *event)
{
    cleat__buffer key = {0};
    cleat__remote_key(&link->settings, event->key, &key);
    Cleat__PushEventRequest *message =
        key.failed ? NULL
                   : cleat__event_write(event, cleat__buffer_slice(&key),
                                        cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    cleat__buffer_deinit(&key);
    return message;
}

static cleat_status read_id(const cleat__link *link, const Cleat__Event *event, cleat__uuid *id)
{
    if (cleat__uuid_parse(cleat_slice_of(event->event_id), id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the server at %s gives an event an id that is no UUID: \"%.64s\"",
                           link->settings.address, event->event_id);
    }
    return CLEAT_OK;
}

static cleat_status push_one(cleat__link *link, const cleat__user_event *event, cleat__uuid *id)
{
    static const cleat__method method = {"/EventsService/Push", &cleat__event__descriptor, false, NULL};
    void *reply = NULL;
    Cleat__PushEventRequest *message = write_event(link, event);
    if (message == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__link_call(link, &method, message, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        status = read_id(link, reply, id);
    }
    cleat__message_free(reply);
    cleat__message_free(message);
    return status;
}

static cleat_status write_events(const cleat__link *link, const cleat__user_event *events, size_t count,
                                 Cleat__BulkPushEventRequest *message)
{
    message->events = cleat__calloc(count, sizeof(*message->events));
    while (message->events != NULL && message->n_events < count) {
        Cleat__PushEventRequest *item = write_event(link, &events[message->n_events]);
        if (item == NULL) {
            break;
        }
        message->events[message->n_events++] = item;
    }
    return message->n_events == count ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status read_ids(const cleat__link *link, const Cleat__Events *reply, size_t count,
                             cleat__uuid *ids)
{
    if (reply->n_events != count) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s answers %zu events with %zu",
                           link->settings.address, count, reply->n_events);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; status == CLEAT_OK && i < count; i++) {
        status = read_id(link, reply->events[i], &ids[i]);
    }
    return status;
}

static cleat_status push_many(cleat__link *link, const cleat__user_event *events, size_t count,
                              cleat__uuid *ids)
{
    static const cleat__method method = {"/EventsService/BulkPush", &cleat__events__descriptor, false, NULL};
    void *reply = NULL;
    Cleat__BulkPushEventRequest *message = cleat__message_new(&cleat__bulk_push_event_request__descriptor);
    cleat_status status = message != NULL ? write_events(link, events, count, message) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__link_call(link, &method, message, INT64_MAX, &reply);
    }
    if (status == CLEAT_OK) {
        status = read_ids(link, reply, count, ids);
    }
    cleat__message_free(reply);
    cleat__message_free(message);
    return status;
}

cleat_status cleat__remote_push(cleat__link *link, const cleat__user_event *events, size_t count,
                                cleat__uuid *ids)
{
    return count == 1 ? push_one(link, events, ids) : push_many(link, events, count, ids);
}
