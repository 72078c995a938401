/*
 * Each token has a line of times per group: every call is due one interval after the one before, and may come
 * as much earlier as a second's calls take. So a group is one number, the time at which the next call is due.
 */
#include "rate_limit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"

#include <pthread.h>

enum { GROUP_COUNT = 7 };

static const struct {
    const char *prefix;
    int group, factor;
} groups[] = {
    {"/EventsService/", 0, 1},
    {"/WorkflowService/", 1, 1},
    {"/v1.AdminService/", 2, 1},
    {"/Dispatcher/", 3, 10},
    {"/v1.V1Dispatcher/", 3, 10},
    {"/opentelemetry.proto.collector.trace.v1.TraceService/", 4, 10},
    {"/hooks/", 5, 1},
    {"/webhooks/", 6, 1},
};

typedef struct line {
    cleat__uuid token_id; /* the map's key */
    int64_t due_ns[GROUP_COUNT];
} line;

struct cleat__rate_limit {
    const cleat_clock *clock;
    int64_t interval_ns;
    pthread_mutex_t mutex; /* guards what follows */
    cleat__map lines;      /* one for each token that ever called: they are few */
};

cleat_status cleat__rate_limit_new(uint32_t per_second, const cleat_clock *clock, cleat__rate_limit **out)
{
    *out = NULL;
    if (per_second == 0 || per_second > CLEAT__RATE_LIMIT_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the rate limit is %u; it must be 1 .. %d calls per second", per_second,
                           CLEAT__RATE_LIMIT_MAX);
    }
    cleat__rate_limit *limit = cleat__calloc(1, sizeof(*limit));
    if (limit == NULL) {
        return cleat__fail_memory();
    }
    limit->clock = clock;
    limit->interval_ns = CLEAT__NS_PER_S / per_second;
    pthread_mutex_init(&limit->mutex, NULL);
    *out = limit;
    return CLEAT_OK;
}

void cleat__rate_limit_free(cleat__rate_limit *limit)
{
    size_t cursor = 0;
    line *it;
    if (limit == NULL) {
        return;
    }
    while ((it = cleat__map_next(&limit->lines, &cursor)) != NULL) {
        cleat__free(it);
    }
    cleat__map_deinit(&limit->lines);
    pthread_mutex_destroy(&limit->mutex);
    cleat__free(limit);
}

/* The mutex is held. NULL on no memory. */
static line *find_or_make(cleat__rate_limit *limit, const cleat__uuid *token_id)
{
    line *it =
        cleat__map_get(&limit->lines, (cleat_slice){(const char *)token_id->bytes, sizeof(token_id->bytes)});
    if (it != NULL) {
        return it;
    }
    it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        return NULL;
    }
    it->token_id = *token_id;
    cleat_slice key = {(const char *)it->token_id.bytes, sizeof(it->token_id.bytes)};
    if (cleat__map_put(&limit->lines, key, it) != CLEAT_OK) {
        cleat__free(it);
        return NULL;
    }
    return it;
}

static bool take_place(int64_t *due_ns, int64_t now_ns, int64_t interval_ns)
{
    int64_t due = *due_ns > now_ns ? *due_ns : now_ns;
    if (due + interval_ns > now_ns + CLEAT__NS_PER_S) {
        return false;
    }
    *due_ns = due + interval_ns;
    return true;
}

bool cleat__rate_limit_admit(cleat__rate_limit *limit, const cleat__uuid *token_id, const char *path)
{
    size_t at = 0, count = sizeof(groups) / sizeof(groups[0]);
    while (at < count && strncmp(path, groups[at].prefix, strlen(groups[at].prefix)) != 0) {
        at++;
    }
    if (at == count) {
        return true;
    }
    int64_t now_ns = cleat__clock_monotonic_ns(limit->clock);
    pthread_mutex_lock(&limit->mutex);
    line *it = find_or_make(limit, token_id);
    bool is_admitted = it == NULL || take_place(&it->due_ns[groups[at].group], now_ns,
                                                limit->interval_ns / groups[at].factor);
    pthread_mutex_unlock(&limit->mutex);
    return is_admitted;
}
