#include "transport/embedded_lists.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/texts.h"
#include "store/event_choice.h"
#include "store/log.h"
#include "store/query.h"
#include "store/rate.h"
#include "transport/embedded_reader.h"
#include "transport/event_list.h"
#include "transport/log_list.h"
#include "transport/rate_list.h"

/* ---- Events ---- */

typedef struct event_filter {
    cleat__event_choice choice; /* refers to what follows */
    cleat__uuid *workflows;
    json_t *keys, *scopes, *metadata;
} event_filter;

static void free_event_filter(event_filter *it)
{
    cleat__free(it->workflows);
    json_decref(it->keys);
    json_decref(it->scopes);
    json_decref(it->metadata);
}

/* To be freed also after a failure. */
static cleat_status make_event_filter(event_filter *it, cleat__store *store, int64_t tenant,
                                      const cleat__event_page *page)
{
    *it = (event_filter){.workflows = NULL};
    cleat_status status =
        cleat__embedded_find_workflows(store, tenant, page->workflows, page->workflow_count, &it->workflows);
    if (status == CLEAT_OK) {
        status = cleat__embedded_texts(page->keys, cleat__texts_count(page->keys), &it->keys);
    }
    if (status == CLEAT_OK) {
        status = cleat__embedded_texts(page->scopes, cleat__texts_count(page->scopes), &it->scopes);
    }
    if (status == CLEAT_OK) {
        status = cleat__embedded_texts(page->metadata, cleat__texts_count(page->metadata), &it->metadata);
    }
    it->choice = (cleat__event_choice){.since_ms = page->since_ms,
                                       .until_ms = page->until_ms,
                                       .keys = it->keys,
                                       .scopes = it->scopes,
                                       .ids = page->ids,
                                       .id_count = page->id_count,
                                       .metadata = it->metadata,
                                       .workflows = it->workflows,
                                       .workflow_count = page->workflow_count,
                                       .statuses = page->statuses};
    return status;
}

typedef struct event_listing {
    cleat__store *store;
    int64_t tenant, to_skip, limit;
    cleat_event_list *out;
    cleat_status status;
} event_listing;

static bool add_run(void *argument, const cleat__event_started *row)
{
    event_listing *it = argument;
    it->status = cleat__event_list_add_run(it->out, &row->id);
    return it->status == CLEAT_OK;
}

static bool add_event(void *argument, const cleat__event_row *row)
{
    event_listing *it = argument;
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__event_list_add(it->out, &(cleat__listed_event){.id = row->id,
                                                                       .key = row->key,
                                                                       .payload = row->payload,
                                                                       .metadata = row->metadata,
                                                                       .scope = row->scope,
                                                                       .pushed_at_ms = row->created_at_ms});
    if (it->status == CLEAT_OK) {
        cleat_status status = cleat__event_list_started(it->store, it->tenant, &row->id, add_run, it);
        it->status = it->status == CLEAT_OK ? status : it->status;
    }
    return it->status == CLEAT_OK && (int64_t)it->out->count < it->limit;
}

static cleat_status list_events(cleat__store *store, int64_t tenant, const cleat__event_page *page,
                                cleat_event_list *out)
{
    event_filter of;
    event_listing it = {
        .store = store, .tenant = tenant, .to_skip = page->offset, .limit = page->limit, .out = out};
    cleat_status status = make_event_filter(&of, store, tenant, page);
    if (status == CLEAT_OK) {
        status = cleat__event_choose(store, tenant, &of.choice, add_event, &it);
    }
    free_event_filter(&of);
    return status == CLEAT_OK ? it.status : status;
}

cleat_status cleat__embedded_events(cleat__engine *engine, int64_t tenant, const cleat__event_page *page,
                                    cleat_event_list *out)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__embedded_begin_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = list_events(store, tenant, page, out);
    }
    cleat__store_close(store);
    return status;
}

/* ---- Log lines ---- */

typedef struct log_listing {
    int64_t to_skip, limit;
    cleat_log_list *out;
    cleat_status status;
} log_listing;

static bool add_line(void *argument, const cleat__log_line *line)
{
    log_listing *it = argument;
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__log_list_add(it->out, line);
    return it->status == CLEAT_OK && (int64_t)it->out->count < it->limit;
}

static cleat_status check_run(cleat__store *store, int64_t tenant, const cleat__uuid *run_id)
{
    cleat__run_row row;
    cleat_status status = cleat__run_glance(store, run_id, &row);
    if (status == CLEAT_OK && row.tenant != tenant) {
        char text[37];
        cleat__uuid_format(run_id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
    }
    return status;
}

static cleat_status list_logs(cleat__store *store, int64_t tenant, const cleat__uuid *run_id,
                              const cleat__log_page *page, cleat_log_list *out)
{
    log_listing it = {.to_skip = page->offset, .limit = page->limit, .out = out};
    const cleat__log_choice choice = {.since_ms = page->since_ms,
                                      .until_ms = page->until_ms,
                                      .attempt = page->attempt,
                                      .search = page->search,
                                      .levels = page->levels,
                                      .is_newest_first = page->is_newest_first};
    cleat_status status = check_run(store, tenant, run_id);
    if (status == CLEAT_OK) {
        status = cleat__log_choose(store, tenant, run_id, &choice, add_line, &it);
    }
    return status == CLEAT_OK ? it.status : status;
}

cleat_status cleat__embedded_logs(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                  const cleat__log_page *page, cleat_log_list *out)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__embedded_begin_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = list_logs(store, tenant, run_id, page, out);
    }
    cleat__store_close(store);
    return status;
}

/* ---- Rate limits ---- */

typedef struct rate_listing {
    int64_t to_skip, limit;
    cleat_rate_limit_list *out;
    cleat_status status;
} rate_listing;

static bool add_rate(void *argument, const cleat__rate_found *row)
{
    rate_listing *it = argument;
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__rate_list_add(it->out, row->key, &row->window);
    return it->status == CLEAT_OK && (int64_t)it->out->count < it->limit;
}

cleat_status cleat__embedded_rate_limits(cleat__engine *engine, int64_t tenant, cleat_slice search,
                                         int64_t offset, int64_t limit, cleat_rate_limit_list *out)
{
    const cleat__rate_filter filter = {.search = search.size != 0 ? search : (cleat_slice){NULL, 0},
                                       .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    rate_listing it = {.to_skip = offset, .limit = limit, .out = out};
    cleat__store *store = NULL;
    cleat_status status = cleat__embedded_open_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = cleat__rate_list(store, tenant, &filter, add_rate, &it);
    }
    cleat__store_close(store);
    return status == CLEAT_OK ? it.status : status;
}
