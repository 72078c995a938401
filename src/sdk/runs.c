/* Listing, cancelling and replaying what a filter chooses, and looking at the tasks of a run. */
#include <cleat/runs.h>

#include "base/error.h"
#include "sdk/choice.h"
#include "sdk/client.h"
#include "sdk/options.h"

/* ---- Changing them ---- */

static cleat_status change_many(cleat_client *client, const cleat_run_filter *filter, bool is_replayed,
                                size_t *count)
{
    cleat__many_runs what = {.is_replayed = is_replayed};
    cleat__task_names of = {.tasks = NULL};
    size_t found = 0;
    cleat_status status =
        client != NULL
            ? cleat__run_filter_read(filter, is_replayed ? CLEAT__RUNS_ENDED : CLEAT__RUNS_LIVE, &of, &what)
            : cleat__fail(CLEAT_INVALID_ARGUMENT, "client is NULL");
    if (status == CLEAT_OK) {
        status = client->transport->change_many(client->transport, &what, &found);
        status = cleat__task_names_missing(&of, status);
    }
    cleat__task_names_deinit(&of);
    if (count != NULL) {
        *count = found;
    }
    return status;
}

cleat_status cleat_client_cancel_many(cleat_client *client, const cleat_run_filter *filter, size_t *count)
{
    return change_many(client, filter, false, count);
}

cleat_status cleat_client_replay_many(cleat_client *client, const cleat_run_filter *filter, size_t *count)
{
    return change_many(client, filter, true, count);
}

/* ---- Listing them ---- */

typedef struct origin {
    cleat__uuid parent, event;
} origin;

/* `room` is for what the page refers to. */
static cleat_status read_origin(const cleat_client *client, const cleat_run_list_options *options,
                                origin *room, cleat__run_page *page)
{
    cleat_status status = CLEAT_OK;
    if (options->parent != NULL) {
        status = cleat__run_id_parse(client, options->parent, &room->parent);
        page->parent = &room->parent;
    }
    if (status == CLEAT_OK && options->event != NULL) {
        status = cleat__id_parse(client, options->event->text, sizeof(options->event->text), "id of an event",
                                 &room->event);
        page->event = &room->event;
    }
    return status;
}

static cleat_status list_runs(cleat_client *client, const cleat_run_list_options *options,
                              cleat_run_list *out)
{
    cleat_run_list_options known;
    cleat__run_page page = {0};
    origin room;
    cleat__task_names of = {.tasks = NULL};
    cleat_status status = cleat__options_read("CLEAT_RUN_LIST_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = cleat__page_check(known.offset, &known.limit);
    }
    if (status == CLEAT_OK) {
        status = read_origin(client, &known, &room, &page);
    }
    if (status == CLEAT_OK) {
        status = cleat__run_filter_read(known.filter, CLEAT__RUNS_LIVE | CLEAT__RUNS_ENDED, &of, &page.what);
    }
    if (status == CLEAT_OK) {
        page.offset = known.offset;
        page.limit = known.limit;
        status = cleat__task_names_missing(&of, client->transport->runs(client->transport, &page, out));
    }
    cleat__task_names_deinit(&of);
    return status;
}

cleat_status cleat_client_list_runs(cleat_client *client, const cleat_run_list_options *options,
                                    cleat_run_list *out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_run_list){0};
    cleat_status status = list_runs(client, options, out);
    if (status != CLEAT_OK) {
        cleat_run_list_deinit(out);
    }
    return status;
}

/* ---- One run ---- */

cleat_status cleat_client_list_tasks(cleat_client *client, const cleat_run_id *id, cleat_task_list *out)
{
    cleat__uuid uuid;
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "out is NULL");
    }
    *out = (cleat_task_list){0};
    cleat_status status = cleat__run_id_parse(client, id, &uuid);
    if (status == CLEAT_OK) {
        status = client->transport->tasks(client->transport, &uuid, out);
    }
    if (status != CLEAT_OK) {
        cleat_task_list_deinit(out);
    }
    return status;
}
