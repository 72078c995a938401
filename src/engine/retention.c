#include "engine/retention.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/expiry.h"
#include "store/path.h"

#include <inttypes.h>

#define DEFAULT_AGE_MS   (INT64_C(30) * 24 * 3600 * 1000)
#define DEFAULT_EVERY_MS 10000
/* Where the file is too large: who waits for a run must get to know of its end. */
#define SURPLUS_AGE_MS 60000
#define FIRST_MS       1000
/* Of the engine's time. Whoever comes in the middle waits for the rest of it, and the commit. Where others have the
 * processor in between, as many as take about that. */
#define PIECE_NS    (CLEAT__NS_PER_MS / 6)
#define PIECE_LEAST 8
#define PIECE_ROWS  200 /* of tables where a run may have many: some are large */
#define PIECE_PAGES 256 /* of the file, that become free; but one run at least */
/* The engine is left alone after a piece so many times as long as that took, and once as long as it then took to come
 * to the disk: a good half of its time and the disk's is for others. */
#define PAUSES         3
#define PAUSE_LEAST_NS CLEAT__NS_PER_MS
#define PAUSE_MOST_NS  (100 * CLEAT__NS_PER_MS)
/* Looking takes at most such a part of the time: what is kept for its parent is looked at again and again. */
#define LOOK_PART 50
/* Of a clock: what is more is not believed at once. */
#define JUMP_MS (INT64_C(3600) * 1000)

struct cleat__retention {
    cleat__engine *engine; /* borrowed */
    char *path;            /* absolute: the program may change its directory */
    int64_t age_ms, max_bytes, every_ms, opened_ms;
    const cleat_clock *clock;
    /* Of whoever looks. */
    cleat__store *reader;
    int64_t looked_ns; /* for this long, pieces and pauses not counted */
    bool has_seen_clock;
    int64_t seen_unix_ms, seen_monotonic_ms; /* then */
    int64_t ahead_ms;                        /* of what the clock says so much is not believed */
    int64_t believe_ms;                      /* until then, monotonic */
    bool is_measuring;                       /* removes until the file is small enough: */
    bool is_enough;                          /* it is */
    bool has_warned;                         /* that it does not become so */
    bool is_paced;                           /* there is a thread */
    bool has_thread;                         /* its starter's */
    pthread_t thread;
    pthread_mutex_t mutex; /* what follows */
    pthread_cond_t wake;
    bool is_stopping;
    cleat__retention_stats stats;
};

/* ---- Pieces, on the engine's thread ---- */

typedef enum kind {
    KIND_RUN,
    KIND_REST,
    KIND_EVENT,
} kind;

typedef struct piece {
    const cleat__expired *page;
    kind kind;
    int64_t before_ms;
    size_t next; /* in the page */
    uint64_t removed;
    bool has_left; /* rows of a run, for KIND_REST */
    int64_t took_ns;
} piece;

static cleat_status remove_one(cleat__store *store, piece *part, const cleat__uuid *id, int64_t *rows)
{
    bool was_removed = true;
    cleat_status status = CLEAT_OK;
    switch (part->kind) {
    case KIND_RUN: status = cleat__expire_run(store, id, part->before_ms, rows, &was_removed); break;
    case KIND_REST: status = cleat__expire_rest(store, id, rows); break;
    case KIND_EVENT: status = cleat__expire_event(store, id); break;
    }
    part->removed += status == CLEAT_OK && was_removed;
    return status;
}

static cleat_status remove_piece(cleat__store *store, void *argument)
{
    piece *part = argument;
    const cleat__expired *page = part->page;
    const int64_t begun_ns = cleat__clock_monotonic_ns(NULL);
    const size_t least = part->next + PIECE_LEAST;
    int64_t rows = PIECE_ROWS, free_before = 0, free_now = 0;
    cleat_status status = cleat__expiry_free_pages(store, &free_before);
    while (status == CLEAT_OK) {
        status = remove_one(store, part, &page->ids[part->next], &rows);
        if (status == CLEAT_OK) {
            status = cleat__expiry_free_pages(store, &free_now);
        }
        part->has_left |= rows <= 0;
        part->next += rows > 0 || part->kind != KIND_REST; /* else there is more of it */
        part->took_ns = cleat__clock_monotonic_ns(NULL) - begun_ns;
        if (part->next == page->count || rows <= 0 || free_now - free_before >= PIECE_PAGES ||
            (part->next >= least && part->took_ns >= PIECE_NS)) {
            break;
        }
    }
    return status;
}

/* ---- On the thread ---- */

/* False: it is to stop. */
static bool wait_until(cleat__retention *retention, int64_t deadline_ns)
{
    pthread_mutex_lock(&retention->mutex);
    while (!retention->is_stopping &&
           cleat__cond_wait_until(&retention->wake, &retention->mutex, deadline_ns)) {
    }
    bool is_stopping = retention->is_stopping;
    pthread_mutex_unlock(&retention->mutex);
    return !is_stopping;
}

/* After a piece that took so long, and so long with its commit and what it waited for. */
static bool pause_after(cleat__retention *retention, int64_t took_ns, int64_t all_ns)
{
    int64_t pause_ns = PAUSES * took_ns + all_ns - took_ns;
    pause_ns = pause_ns < PAUSE_LEAST_NS  ? PAUSE_LEAST_NS
               : pause_ns > PAUSE_MOST_NS ? PAUSE_MOST_NS
                                          : pause_ns;
    return !retention->is_paced || wait_until(retention, cleat__clock_monotonic_ns(NULL) + pause_ns);
}

static void count(cleat__retention *retention, const piece *part)
{
    pthread_mutex_lock(&retention->mutex);
    retention->stats.pieces++;
    if (part->kind == KIND_EVENT) {
        retention->stats.events += part->removed;
    } else if (part->kind == KIND_RUN) {
        retention->stats.runs += part->removed;
    }
    pthread_mutex_unlock(&retention->mutex);
}

static cleat_status remove_all(cleat__retention *retention, kind what, int64_t before_ms);

/* Behind a piece. What a run left is in the file until it is gone, too. */
static cleat_status measure(cleat__retention *retention, piece *part)
{
    int64_t bytes = 0;
    if (!retention->is_measuring || part->kind == KIND_REST) {
        return CLEAT_OK;
    }
    cleat_status status = part->has_left ? remove_all(retention, KIND_REST, 0) : CLEAT_OK;
    part->has_left = false;
    if (status == CLEAT_OK) {
        status = cleat__expiry_bytes(retention->reader, &bytes);
    }
    retention->is_enough = status == CLEAT_OK && bytes <= retention->max_bytes;
    return status;
}

static cleat_status remove_page(cleat__retention *retention, const cleat__expired *page, kind what,
                                int64_t before_ms)
{
    piece part = {.page = page, .kind = what, .before_ms = before_ms};
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && part.next < page->count && !retention->is_enough) {
        int64_t begun_ns = cleat__clock_monotonic_ns(NULL);
        part.removed = 0;
        status = cleat__engine_call(retention->engine, remove_piece, &part);
        if (status == CLEAT_OK) {
            count(retention, &part);
            if (!pause_after(retention, part.took_ns, cleat__clock_monotonic_ns(NULL) - begun_ns)) {
                return CLEAT_CANCELLED;
            }
            status = measure(retention, &part);
        }
    }
    return status;
}

static cleat_status read_page(cleat__retention *retention, kind what, int64_t before_ms, cleat__expired *page)
{
    switch (what) {
    case KIND_RUN: return cleat__expired_runs(retention->reader, before_ms, page);
    case KIND_EVENT: return cleat__expired_events(retention->reader, before_ms, page);
    case KIND_REST: break;
    }
    return cleat__expired_rest(retention->reader, page);
}

static cleat_status next_page(cleat__retention *retention, kind what, int64_t before_ms, cleat__expired *page)
{
    int64_t begun_ns = cleat__clock_monotonic_ns(NULL);
    cleat_status status = read_page(retention, what, before_ms, page);
    retention->looked_ns += cleat__clock_monotonic_ns(NULL) - begun_ns;
    return status;
}

static cleat_status remove_all(cleat__retention *retention, kind what, int64_t before_ms)
{
    cleat__expired page = {.is_last = false};
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && !page.is_last && !retention->is_enough) {
        status = next_page(retention, what, before_ms, &page);
        if (status == CLEAT_OK) {
            status = remove_page(retention, &page, what, before_ms);
        }
    }
    return status;
}

static int64_t now_ms(const cleat__retention *retention)
{
    return cleat__clock_unix_ns(retention->clock) / CLEAT__NS_PER_MS;
}

/* The events that are older than the runs of the page, then these. */
static cleat_status remove_oldest(cleat__retention *retention, int64_t before_ms, cleat__expired *page)
{
    cleat_status status = next_page(retention, KIND_RUN, before_ms, page);
    int64_t events_ms =
        page->count != 0 ? cleat__expiry_time_of(&page->ids[0]) : cleat__expiry_time_of(&page->after);
    if (status == CLEAT_OK) {
        status = remove_all(retention, KIND_EVENT, page->is_last && page->count == 0 ? before_ms : events_ms);
    }
    return status == CLEAT_OK ? remove_page(retention, page, KIND_RUN, before_ms) : status;
}

static cleat_status remove_until_enough(cleat__retention *retention)
{
    const int64_t before_ms = now_ms(retention) - SURPLUS_AGE_MS;
    cleat__expired page = {.is_last = false};
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && !page.is_last && !retention->is_enough) {
        status = remove_oldest(retention, before_ms, &page);
    }
    return status == CLEAT_OK ? remove_all(retention, KIND_EVENT, before_ms) : status;
}

/* Once, until it is small enough for a time. */
static void warn(cleat__retention *retention)
{
    if (!retention->is_enough && !retention->has_warned) {
        cleat__log(CLEAT_LOG_WARN,
                   "the file's content has more than %" PRId64
                   " bytes, and there is nothing to be removed: runs "
                   "that have not ended, or have just ended, stay",
                   retention->max_bytes);
    }
    retention->has_warned = !retention->is_enough;
}

/* The oldest go until the file is small enough. */
static cleat_status remove_surplus(cleat__retention *retention)
{
    int64_t bytes = 0;
    cleat_status status = cleat__expiry_bytes(retention->reader, &bytes);
    if (status != CLEAT_OK || bytes <= retention->max_bytes) {
        retention->has_warned = retention->has_warned && status != CLEAT_OK;
        return status;
    }
    retention->is_measuring = true;
    status = remove_until_enough(retention);
    if (status == CLEAT_OK) {
        warn(retention);
    }
    retention->is_measuring = retention->is_enough = false;
    return status;
}

/* ---- The clock ---- */

/* How far it has gone ahead since the last look, or at the first one since there was something new. */
static cleat_status measure_jump(cleat__retention *retention, int64_t unix_ms, int64_t monotonic_ms,
                                 int64_t *jump_ms)
{
    if (retention->has_seen_clock) {
        *jump_ms = unix_ms - retention->seen_unix_ms - (monotonic_ms - retention->seen_monotonic_ms);
        return CLEAT_OK;
    }
    int64_t newest_ms = 0;
    cleat_status status = cleat__expiry_newest(retention->reader, retention->opened_ms, &newest_ms);
    *jump_ms = newest_ms != 0 ? unix_ms - newest_ms : 0;
    return status;
}

static void doubt(cleat__retention *retention, int64_t jump_ms, int64_t monotonic_ms)
{
    if (retention->ahead_ms == 0 && retention->has_seen_clock) {
        cleat__log(CLEAT_LOG_WARN,
                   "the clock has gone ahead by %" PRId64 " minutes more than the time that has passed: runs "
                   "and events that are old only by that are removed in an hour, if it stays so",
                   jump_ms / 60000);
    }
    retention->ahead_ms += jump_ms;
    retention->believe_ms = monotonic_ms + JUMP_MS;
}

static cleat_status look_at_clock(cleat__retention *retention)
{
    int64_t unix_ms = now_ms(retention), jump_ms = 0;
    int64_t monotonic_ms = cleat__clock_monotonic_ns(retention->clock) / CLEAT__NS_PER_MS;
    cleat_status status = measure_jump(retention, unix_ms, monotonic_ms, &jump_ms);
    if (status != CLEAT_OK) {
        return status;
    }
    if (monotonic_ms >= retention->believe_ms) {
        retention->ahead_ms = 0;
    }
    if (jump_ms > JUMP_MS) {
        doubt(retention, jump_ms, monotonic_ms);
    } else if (jump_ms < -JUMP_MS) { /* it was set right */
        retention->ahead_ms = retention->ahead_ms > -jump_ms ? retention->ahead_ms + jump_ms : 0;
    }
    retention->seen_unix_ms = unix_ms;
    retention->seen_monotonic_ms = monotonic_ms;
    retention->has_seen_clock = true;
    return CLEAT_OK;
}

/* ---- A look ---- */

static cleat_status remove_aged(cleat__retention *retention)
{
    cleat_status status = look_at_clock(retention);
    int64_t before_ms = retention->seen_unix_ms - retention->ahead_ms - retention->age_ms;
    if (status == CLEAT_OK) {
        status = remove_all(retention, KIND_RUN, before_ms);
    }
    return status == CLEAT_OK ? remove_all(retention, KIND_EVENT, before_ms) : status;
}

static cleat_status remove_old(cleat__retention *retention)
{
    cleat_status status = remove_all(retention, KIND_REST, 0); /* of the time before */
    if (status == CLEAT_OK && retention->age_ms >= 0) {
        status = remove_aged(retention);
    }
    if (status == CLEAT_OK && retention->max_bytes > 0) {
        status = remove_surplus(retention);
    }
    return status == CLEAT_OK ? remove_all(retention, KIND_REST, 0) : status;
}

cleat_status cleat__retention_look(cleat__retention *retention)
{
    retention->looked_ns = 0;
    cleat_status status = cleat__store_open(retention->path, CLEAT__STORE_READ, &retention->reader);
    if (status == CLEAT_OK) {
        status = remove_old(retention);
    }
    cleat__store_close(retention->reader);
    retention->reader = NULL;
    if (status == CLEAT_OK) {
        pthread_mutex_lock(&retention->mutex);
        retention->stats.looks++;
        pthread_mutex_unlock(&retention->mutex);
    }
    return status;
}

/* What fails it is tried again the next time: a file that is locked, a log that cannot be read. Where the engine has
 * failed all does, and others say so. */
static void *run(void *argument)
{
    cleat__retention *retention = argument;
    int64_t next_ns = cleat__deadline_ns(FIRST_MS < retention->every_ms ? FIRST_MS : retention->every_ms);
    while (wait_until(retention, next_ns)) {
        (void)cleat__retention_look(retention);
        int64_t every_ns = retention->every_ms * CLEAT__NS_PER_MS;
        int64_t least_ns = LOOK_PART * retention->looked_ns;
        next_ns = cleat__clock_monotonic_ns(NULL) + (every_ns > least_ns ? every_ns : least_ns);
    }
    return NULL;
}

/* ---- The others ---- */

cleat_status cleat__retention_new(cleat__engine *engine, const cleat__retention_options *options,
                                  cleat__retention **out)
{
    bool exists = false;
    *out = NULL;
    cleat__retention *retention = cleat__calloc(1, sizeof(*retention));
    if (retention == NULL) {
        return cleat__fail_memory();
    }
    retention->engine = engine;
    retention->age_ms = options->age_ms != 0 ? options->age_ms : DEFAULT_AGE_MS;
    retention->max_bytes = options->max_bytes;
    retention->every_ms = options->every_ms != 0 ? options->every_ms : DEFAULT_EVERY_MS;
    retention->clock = options->clock;
    retention->opened_ms = options->opened_ms != 0 ? options->opened_ms : now_ms(retention);
    cleat_status status = cleat__path_resolve(options->path, false, true, &retention->path, &exists);
    if (status == CLEAT_OK && pthread_mutex_init(&retention->mutex, NULL) != 0) {
        status = cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        cleat__free(retention->path);
        cleat__free(retention);
        return status;
    }
    cleat__cond_init(&retention->wake);
    *out = retention;
    return CLEAT_OK;
}

cleat_status cleat__retention_start(cleat__retention *retention)
{
    if (retention->has_thread || (retention->age_ms < 0 && retention->max_bytes <= 0)) {
        return CLEAT_OK;
    }
    retention->is_paced = true;
    cleat_status status = cleat__thread_start(&retention->thread, "cleat-retention", run, retention);
    retention->has_thread = status == CLEAT_OK;
    return status;
}

void cleat__retention_free(cleat__retention *retention)
{
    if (retention == NULL) {
        return;
    }
    pthread_mutex_lock(&retention->mutex);
    retention->is_stopping = true;
    pthread_cond_signal(&retention->wake);
    pthread_mutex_unlock(&retention->mutex);
    if (retention->has_thread) {
        pthread_join(retention->thread, NULL);
    }
    pthread_cond_destroy(&retention->wake);
    pthread_mutex_destroy(&retention->mutex);
    cleat__free(retention->path);
    cleat__free(retention);
}

void cleat__retention_get_stats(cleat__retention *retention, cleat__retention_stats *out)
{
    pthread_mutex_lock(&retention->mutex);
    *out = retention->stats;
    pthread_mutex_unlock(&retention->mutex);
}
