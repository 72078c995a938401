#include "run_selection.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/metadata.h"
#include "store/query.h"
#include "wire/timestamp.h"

enum { PIECE = 500 }; /* runs: some milliseconds */

/* ---- Reading ---- */

static cleat_status read_statuses(cleat__run_selection *self)
{
    for (size_t i = 0; i < self->filter->n_statuses; i++) {
        const char *name = self->filter->statuses[i];
        int status = CLEAT_RUN_QUEUED;
        while (status <= CLEAT_RUN_CANCELLED &&
               strcmp(name, cleat_run_status_name((cleat_run_status)status)) != 0) {
            status++;
        }
        if (status > CLEAT_RUN_CANCELLED) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.statuses: \"%.64s\" is no status", name);
        }
        self->statuses |= 1U << status;
        self->statuses |= status == CLEAT_RUN_RUNNING ? 1U << CLEAT_RUN_EVICTED : 0; /* shown as such */
    }
    return CLEAT_OK;
}

static cleat_status read_workflows(cleat__run_selection *self)
{
    self->workflow_ids = cleat__calloc(self->filter->n_workflow_ids + 1, sizeof(*self->workflow_ids));
    if (self->workflow_ids == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < self->filter->n_workflow_ids; i++) {
        const char *text = self->filter->workflow_ids[i];
        if (cleat__uuid_parse(cleat_slice_of(text), &self->workflow_ids[i]) != CLEAT_OK) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.workflow_ids: \"%.64s\" is no UUID", text);
        }
    }
    return CLEAT_OK;
}

static cleat_status check_metadata(const cleat__run_selection *self)
{
    for (size_t i = 0; i < self->filter->n_additional_metadata; i++) {
        if (strchr(self->filter->additional_metadata[i], ':') == NULL) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "filter.additional_metadata: \"%.64s\" is no key:value",
                               self->filter->additional_metadata[i]);
        }
    }
    return CLEAT_OK;
}

static cleat_status read_times(cleat__run_selection *self)
{
    cleat_status status = cleat__timestamp_read("filter.since", self->filter->since, &self->since_ms);
    if (status == CLEAT_EMPTY) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "filter.since is missing");
    }
    if (status == CLEAT_OK) {
        status = cleat__timestamp_read("filter.until", self->filter->until, &self->until_ms);
    }
    if (status == CLEAT_EMPTY) {
        self->until_ms = INT64_MAX;
        status = CLEAT_OK;
    }
    return status;
}

/* No run that was created then or later has an id below `from`. */
static void set_range(cleat__run_selection *self)
{
    int64_t since_ms = self->since_ms > 0 ? self->since_ms : 0;
    for (int i = 0; i < 6; i++) {
        self->from.bytes[i] = (uint8_t)(since_ms >> (40 - 8 * i));
    }
    memset(self->before.bytes, 0xFF, sizeof(self->before.bytes));
}

cleat_status cleat__run_selection_init(cleat__run_selection *selection, int64_t tenant,
                                       const Cleat__V1__TasksFilter *filter, size_t limit)
{
    *selection = (cleat__run_selection){.tenant = tenant, .filter = filter, .limit = limit};
    cleat_status status = read_times(selection);
    if (status == CLEAT_OK) {
        status = read_statuses(selection);
    }
    if (status == CLEAT_OK) {
        status = read_workflows(selection);
    }
    if (status == CLEAT_OK) {
        status = check_metadata(selection);
    }
    set_range(selection);
    return status;
}

void cleat__run_selection_deinit(cleat__run_selection *selection)
{
    cleat__free(selection->workflow_ids);
    cleat__free(selection->ids);
}

/* ---- Choosing ---- */

static bool has_workflow(const cleat__run_selection *self, const cleat__uuid *id)
{
    size_t count = self->filter->n_workflow_ids;
    for (size_t i = 0; i < count; i++) {
        if (cleat__uuid_equals(&self->workflow_ids[i], id)) {
            return true;
        }
    }
    return count == 0;
}

/* One of the pairs, each divided by its first colon. */
static bool has_metadata(const cleat__run_selection *self, cleat_slice metadata)
{
    size_t count = self->filter->n_additional_metadata;
    for (size_t i = 0; i < count && metadata.size != 0; i++) {
        const char *pair = self->filter->additional_metadata[i], *colon = strchr(pair, ':');
        cleat_slice key = {pair, (size_t)(colon - pair)};
        if (cleat__metadata_says(metadata, key, cleat_slice_of(colon + 1))) {
            return true;
        }
    }
    return count == 0;
}

static bool passes(const cleat__run_selection *self, const cleat__run_brief *run)
{
    return run->tenant == self->tenant && run->created_at_ms >= self->since_ms &&
           (run->finished_at_ms == 0 || run->finished_at_ms <= self->until_ms) &&
           (self->statuses == 0 || (self->statuses >> run->status & 1) != 0) &&
           has_workflow(self, &run->workflow_id) && has_metadata(self, run->metadata);
}

static void add(cleat__run_selection *self, const cleat__uuid *id)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity != 0 ? 2 * self->capacity : 64;
        cleat__uuid *ids = cleat__realloc(self->ids, capacity * sizeof(*ids));
        if (ids == NULL) {
            self->failed = true;
            return;
        }
        self->ids = ids;
        self->capacity = capacity;
    }
    self->ids[self->count++] = *id;
}

typedef struct piece {
    cleat__run_selection *selection;
    int seen;
} piece;

static void look_at(void *argument, const cleat__run_brief *run)
{
    piece *of = argument;
    cleat__run_selection *self = of->selection;
    of->seen++;
    self->before = run->id;
    if (!self->failed && self->count < self->limit && passes(self, run)) {
        add(self, &run->id);
    }
}

cleat_status cleat__run_selection_go_on(cleat__run_selection *selection, cleat__store *store)
{
    piece of = {selection, 0};
    const cleat__uuid before = selection->before;
    cleat_status status = cleat__run_scan(store, &selection->from, &before,
                                          selection->filter->n_additional_metadata != 0, PIECE, look_at, &of);
    selection->is_done = of.seen < PIECE || selection->count == selection->limit;
    return status == CLEAT_OK && selection->failed ? cleat__fail_memory() : status;
}
