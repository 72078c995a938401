/* Looking at events that were pushed. */
#include <cleat/event.h>

#include "base/error.h"
#include "sdk/choice.h"
#include "sdk/client.h"
#include "sdk/options.h"

enum { IDS_MAX = 100 };

static cleat_status read_ids(const cleat_client *client, const cleat_event_list_options *options,
                             cleat__uuid *room, cleat__event_page *page)
{
    cleat_status status = CLEAT_OK;
    if (options->id_count > IDS_MAX || (options->ids == NULL && options->id_count != 0)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "ids are %s, and id_count is %zu: there may be %d",
                           options->ids == NULL ? "NULL" : "there", options->id_count, (int)IDS_MAX);
    }
    for (size_t i = 0; i < options->id_count && status == CLEAT_OK; i++) {
        const cleat_event_id *id = &options->ids[i];
        status = cleat__id_parse(client, id->text, sizeof(id->text), "id of an event", &room[i]);
    }
    page->ids = room;
    page->id_count = options->id_count;
    return status;
}

static cleat_status read_texts(const cleat_event_list_options *options, cleat__event_page *page)
{
    cleat_status status = cleat__texts_check("keys", options->keys);
    if (status == CLEAT_OK) {
        status = cleat__texts_check("scopes", options->scopes);
    }
    page->keys = options->keys;
    page->scopes = options->scopes;
    page->metadata = options->metadata;
    return status == CLEAT_OK ? cleat__pairs_check("metadata", options->metadata) : status;
}

static cleat_status read_page(const cleat_client *client, const cleat_event_list_options *options,
                              cleat__uuid *ids, cleat__event_page *page)
{
    int64_t limit = options->limit;
    cleat_status status = cleat__page_check(options->offset, &limit);
    if (status == CLEAT_OK) {
        status = cleat__times_read(options->since_ms, options->until_ms, &page->since_ms, &page->until_ms);
    }
    if (status == CLEAT_OK) {
        status = cleat__statuses_read("run_statuses", options->run_statuses, &page->statuses);
    }
    if (status == CLEAT_OK) {
        status = read_ids(client, options, ids, page);
    }
    page->offset = options->offset;
    page->limit = limit;
    return status == CLEAT_OK ? read_texts(options, page) : status;
}

static cleat_status list_events(cleat_client *client, const cleat_event_list_options *options,
                                cleat_event_list *out)
{
    cleat_event_list_options known;
    cleat__event_page page = {.ids = NULL};
    cleat__uuid ids[IDS_MAX];
    cleat__task_names of = {.tasks = NULL};
    cleat_status status = cleat__options_read("CLEAT_EVENT_LIST_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = read_page(client, &known, ids, &page);
    }
    if (status == CLEAT_OK) {
        status = cleat__task_names_read(known.tasks, &of);
    }
    if (status == CLEAT_OK) {
        page.workflows = of.workflows;
        page.workflow_count = of.count;
        status = cleat__task_names_missing(&of, client->transport->events(client->transport, &page, out));
    }
    cleat__task_names_deinit(&of);
    return status;
}

cleat_status cleat_client_list_events(cleat_client *client, const cleat_event_list_options *options,
                                      cleat_event_list *out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_event_list){0};
    cleat_status status = list_events(client, options, out);
    if (status != CLEAT_OK) {
        cleat_event_list_deinit(out);
    }
    return status;
}
