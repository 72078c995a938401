#include "transport/grpc_lane.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/log.h"
#include "grpc/call_status.h"

enum { REFUSALS_MAX = 20 };

struct cleat__lane_item {
    cleat__lane_item *next, *previous;
    cleat__lane *lane;
    cleat__call *call; /* not NULL: on its way */
    uint64_t number;   /* ascending in the lane */
    void *tag;
    unsigned refusals; /* while others were taken */
    size_t size;
    char message[];
};

static void pump(cleat__lane *lane);

static void retry(cleat__link_timer *self)
{
    pump(CLEAT__CONTAINER(self, cleat__lane, retry));
}

void cleat__lane_init(cleat__lane *lane)
{
    lane->retry.run = retry;
}

static void remove_item(cleat__lane_item *item)
{
    cleat__lane *lane = item->lane;
    *(item->previous != NULL ? &item->previous->next : &lane->first) = item->next;
    *(item->next != NULL ? &item->next->previous : &lane->last) = item->previous;
    lane->waiting = lane->waiting == item ? item->next : lane->waiting;
    lane->count--;
    lane->bytes -= item->size;
    if (item->tag != NULL && lane->settled != NULL) {
        lane->settled(lane, item->tag);
    }
    cleat__free(item);
    pthread_cond_broadcast(&lane->link->changed);
}

static void wait_for_retry(cleat__lane *lane)
{
    const cleat__remote_settings *settings = &lane->link->settings;
    if (lane->retry.is_set) {
        return; /* others of the same outage */
    }
    int64_t delay_ms = cleat__link_back_off_ms(lane->link, settings->reconnect_ms, settings->reconnect_max_ms,
                                               lane->failures);
    lane->failures += lane->failures < 30;
    cleat__link_timer_set(lane->link, &lane->retry, cleat__deadline_ns(delay_ms));
}

static void log_refusal(const cleat__lane *lane, int code, const char *text)
{
    static cleat__log_site site;
    cleat__link_log(lane->link, &site, CLEAT_LOG_WARN, "the server at %s does not take %s: %s: %s",
                    lane->link->settings.address, lane->what, cleat__grpc_code_name(code), text);
}

/* The codes that say of the message itself that it will never be taken. */
static bool is_final(int code)
{
    switch (code) {
    case GRPC_STATUS_INVALID_ARGUMENT:
    case GRPC_STATUS_NOT_FOUND:
    case GRPC_STATUS_ALREADY_EXISTS:
    case GRPC_STATUS_FAILED_PRECONDITION:
    case GRPC_STATUS_OUT_OF_RANGE:
    case GRPC_STATUS_UNIMPLEMENTED: return true;
    default: return false;
    }
}

/* Whatever has befallen the server will be mended some day; but a message that alone is refused, again and again
 * while others are taken, is to blame itself. */
static bool may_try_again(cleat__lane_item *item, int code, const char *text)
{
    const cleat__lane *lane = item->lane;
    if (!lane->must_arrive || is_final(code) || cleat__grpc_is_too_large(code, text)) {
        return false;
    }
    item->refusals += lane->failures == 0 && !cleat__grpc_code_is_passing(code, text);
    return item->refusals < REFUSALS_MAX;
}

/* False: there is no shorter one. */
static bool shorten(cleat__lane_item *item)
{
    cleat__lane *lane = item->lane;
    cleat__buffer shorter = {0};
    bool is_shorter = lane->shorten != NULL &&
                      lane->shorten((cleat_slice){item->message, item->size}, &shorter) == CLEAT_OK &&
                      shorter.size < item->size;
    if (is_shorter) {
        memcpy(item->message, shorter.data, shorter.size);
        lane->bytes -= item->size - shorter.size;
        item->size = shorter.size;
    }
    cleat__buffer_deinit(&shorter);
    return is_shorter;
}

static void answered(void *owner, cleat__call *call)
{
    cleat__lane_item *item = owner;
    cleat__lane *lane = item->lane;
    char text[CLEAT__CALL_TEXT];
    cleat__call_text(call, text);
    item->call = NULL;
    lane->in_flight--;
    if (call->code == GRPC_STATUS_OK) {
        lane->failures = 0;
        remove_item(item);
    } else if (may_try_again(item, (int)call->code, text)) {
        lane->waiting = lane->first; /* this one is, again */
        wait_for_retry(lane);
    } else if (cleat__grpc_is_too_large((int)call->code, text) && shorten(item)) {
        lane->waiting = lane->first;
    } else if (!lane->link->is_closing) {
        log_refusal(lane, (int)call->code, text);
        lane->dropped++;
        remove_item(item);
    }
    pump(lane);
}

static void pump(cleat__lane *lane)
{
    cleat__lane_item *item = lane->waiting;
    while (item != NULL && lane->in_flight < lane->window && !lane->retry.is_set && !lane->link->is_closing) {
        if (item->call == NULL) {
            item->call = cleat__call_start(lane->link, lane->path, (cleat_slice){item->message, item->size},
                                           lane->link->settings.call_timeout_ms, answered, item);
            if (item->call == NULL) {
                wait_for_retry(lane); /* no memory */
                return;
            }
            lane->in_flight++;
        }
        item = item->next;
        lane->waiting = item;
    }
}

cleat_status cleat__lane_put(cleat__lane *lane, cleat_slice message, void *tag)
{
    if (lane->link->is_closing) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed");
    }
    if (lane->count >= lane->most_items || lane->bytes + message.size > lane->most_bytes) {
        lane->dropped++;
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "%s is lost: %zu wait already for the server at %s",
                           lane->what, lane->count, lane->link->settings.address);
    }
    cleat__lane_item *item = cleat__malloc(sizeof(*item) + message.size);
    if (item == NULL) {
        lane->dropped++;
        return cleat__fail_memory();
    }
    *item = (cleat__lane_item){
        .lane = lane, .previous = lane->last, .tag = tag, .number = ++lane->taken, .size = message.size};
    memcpy(item->message, message.data, message.size);
    *(lane->last != NULL ? &lane->last->next : &lane->first) = item;
    lane->last = item;
    lane->waiting = lane->waiting != NULL ? lane->waiting : item;
    lane->count++;
    lane->bytes += item->size;
    pump(lane);
    return CLEAT_OK;
}

/* Something up to that number. */
static bool is_on_its_way(const cleat__lane *lane, uint64_t last)
{
    return lane->first != NULL && lane->first->number <= last;
}

bool cleat__lane_flush(cleat__lane *lane, int64_t deadline_ns)
{
    bool in_time = true;
    uint64_t last = lane->taken;
    while (is_on_its_way(lane, last) && !lane->link->is_closing && in_time) {
        in_time = cleat__cond_wait_until(&lane->link->changed, &lane->link->mutex, deadline_ns);
    }
    return !is_on_its_way(lane, last);
}

void cleat__lane_deinit(cleat__lane *lane)
{
    if (lane->count != 0) {
        cleat__log(CLEAT_LOG_WARN, "%zu times %s did not reach the server at %s", lane->count, lane->what,
                   lane->link->settings.address);
    }
    while (lane->first != NULL) {
        remove_item(lane->first);
    }
}
