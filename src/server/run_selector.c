#include "run_selector.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"
#include "wire/timestamp.h"

enum {
    THREADS = 2,
    MOST_WAITING = 64,
    MOST_WORKFLOWS = 10000,
    STEPS = 1000, /* of SQLite's machine, after which it asks whether to go on */
    LONGEST_S = 30,
};

struct cleat__run_selector {
    char *path;
    cleat__http_pool *pool;
    atomic_size_t waiting; /* or at work */
};

/* ---- Reading ---- */

static cleat_status read_statuses(cleat__run_selection *self, const Cleat__V1__TasksFilter *filter)
{
    for (size_t i = 0; i < filter->n_statuses; i++) {
        const char *name = filter->statuses[i];
        int status = CLEAT_RUN_QUEUED;
        while (status <= CLEAT_RUN_CANCELLED &&
               strcmp(name, cleat_run_status_name((cleat_run_status)status)) != 0) {
            status++;
        }
        if (status > CLEAT_RUN_CANCELLED) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.statuses: \"%.64s\" is no status", name);
        }
        self->filter.statuses |= 1U << status;
        self->filter.statuses |=
            status == CLEAT_RUN_RUNNING ? 1U << CLEAT_RUN_EVICTED : 0; /* shown as such */
    }
    return CLEAT_OK;
}

static cleat_status read_workflows(cleat__run_selection *self, const Cleat__V1__TasksFilter *filter)
{
    cleat_status status = CLEAT_OK;
    if (filter->n_workflow_ids > MOST_WORKFLOWS) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.workflow_ids has %zu ids; it may have %d",
                           filter->n_workflow_ids, (int)MOST_WORKFLOWS);
    }
    for (size_t i = 0; i < filter->n_workflow_ids && status == CLEAT_OK; i++) {
        cleat__uuid id;
        const char *text = filter->workflow_ids[i];
        status = cleat__uuid_parse(cleat_slice_of(text), &id) == CLEAT_OK
                     ? cleat__rest_ids_add(&self->filter.workflows, &id)
                     : cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.workflow_ids: \"%.64s\" is no UUID", text);
    }
    return status;
}

static cleat_status read_metadata(cleat__run_selection *self, const Cleat__V1__TasksFilter *filter)
{
    if (filter->n_additional_metadata == 0) {
        return CLEAT_OK;
    }
    self->filter.metadata = json_array();
    for (size_t i = 0; i < filter->n_additional_metadata; i++) {
        const char *pair = filter->additional_metadata[i];
        json_t *text = json_string(pair);
        if (strchr(pair, ':') == NULL || text == NULL) {
            json_decref(text);
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "filter.additional_metadata: \"%.64s\" is no key:value", pair);
        }
        if (json_array_append_new(self->filter.metadata, text) != 0) {
            return cleat__fail_memory(); /* with less of a filter more would be chosen */
        }
    }
    return CLEAT_OK;
}

static cleat_status read_times(cleat__run_selection *self, const Cleat__V1__TasksFilter *filter)
{
    cleat_status status = cleat__timestamp_read("filter.since", filter->since, &self->filter.since_ms);
    if (status == CLEAT_EMPTY) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.since is missing");
    }
    if (status == CLEAT_OK) {
        status = cleat__timestamp_read("filter.until", filter->until, &self->filter.until_ms);
    }
    if (status == CLEAT_EMPTY) {
        self->filter.until_ms = INT64_MAX;
        status = CLEAT_OK;
    }
    return status;
}

cleat_status cleat__run_selection_init(cleat__run_selection *selection, int64_t tenant,
                                       const Cleat__V1__TasksFilter *filter, size_t limit)
{
    *selection = (cleat__run_selection){.tenant = tenant, .filter = {.limit = (int64_t)limit}};
    cleat_status status = read_times(selection, filter);
    if (status == CLEAT_OK) {
        status = read_statuses(selection, filter);
    }
    if (status == CLEAT_OK) {
        status = read_workflows(selection, filter);
    }
    return status == CLEAT_OK ? read_metadata(selection, filter) : status;
}

void cleat__run_selection_deinit(cleat__run_selection *selection)
{
    cleat__rest_filter_deinit(&selection->filter);
    cleat__rest_ids_deinit(&selection->ids);
}

/* ---- Choosing ---- */

static int is_over(void *argument)
{
    const cleat__run_selection *self = argument;
    return atomic_load(self->is_over) || cleat__clock_monotonic_ns(NULL) > self->deadline_ns;
}

typedef struct finding {
    cleat__rest_ids *ids;
    cleat_status status;
} finding;

static bool add(void *argument, const cleat__uuid *id)
{
    finding *self = argument;
    self->status = cleat__rest_ids_add(self->ids, id);
    return self->status == CLEAT_OK;
}

static cleat_status choose(cleat__run_selection *self)
{
    cleat__store *store = NULL;
    finding found = {&self->ids, CLEAT_OK};
    cleat_status status = cleat__store_open(self->selector->path, CLEAT__STORE_READ, &store);
    if (status == CLEAT_OK) {
        sqlite3_progress_handler(cleat__store_db(store), STEPS, is_over, self);
        status = cleat__rest_query_run_ids(store, self->tenant, &self->filter, add, &found, NULL);
    }
    cleat__store_close(store);
    return status == CLEAT_OK ? found.status : status;
}

static void run(cleat__http_job *job, bool is_late)
{
    cleat__run_selection *self = (cleat__run_selection *)job;
    cleat__run_selector *selector = self->selector;
    int64_t longest_ns = cleat__clock_monotonic_ns(NULL) + LONGEST_S * CLEAT__NS_PER_S;
    self->deadline_ns = self->deadline_ns < longest_ns ? self->deadline_ns : longest_ns;
    bool is_given_up = is_late || is_over(self);
    cleat_status status =
        is_given_up ? cleat__fail(CLEAT_CANCELLED, "nobody waits for the runs any more") : choose(self);
    self->done(self->argument, status);
    atomic_fetch_sub(&selector->waiting, 1);
}

/* ---- The threads ---- */

cleat_status cleat__run_selector_start(const char *path, cleat__run_selector **out)
{
    cleat__run_selector *selector = cleat__calloc(1, sizeof(*selector));
    *out = NULL;
    if (selector == NULL) {
        return cleat__fail_memory();
    }
    selector->path = cleat__strdup(path);
    cleat_status status =
        selector->path != NULL ? cleat__http_pool_start(THREADS, run, &selector->pool) : cleat__fail_memory();
    if (status != CLEAT_OK) {
        cleat__run_selector_free(selector);
        return status;
    }
    *out = selector;
    return CLEAT_OK;
}

cleat_status cleat__run_selector_add(cleat__run_selector *selector, cleat__run_selection *selection)
{
    if (atomic_fetch_add(&selector->waiting, 1) >= MOST_WAITING) {
        atomic_fetch_sub(&selector->waiting, 1);
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the server looks for the runs of %d filters already",
                           (int)MOST_WAITING);
    }
    selection->selector = selector;
    if (!cleat__http_pool_add(selector->pool, &selection->job)) {
        atomic_fetch_sub(&selector->waiting, 1);
        return cleat__fail(CLEAT_UNAVAILABLE, "the server stops");
    }
    return CLEAT_OK;
}

void cleat__run_selector_free(cleat__run_selector *selector)
{
    if (selector == NULL) {
        return;
    }
    if (selector->pool != NULL) {
        cleat__http_pool_stop(selector->pool);
    }
    cleat__http_pool_free(selector->pool);
    cleat__free(selector->path);
    cleat__free(selector);
}
