/* cleat_worker_add_workflow(): versions of one workflow stand behind the one that was added last. */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sdk/options.h"

static const char slot_type[] = "durable";

cleat_status cleat__worker_offer_durable(cleat_worker *worker)
{
    int32_t units = 0;
    for (size_t i = 0; i < worker->slot_count; i++) {
        if (cleat_slice_equals(worker->slots[i].type, cleat_slice_of(slot_type))) {
            return CLEAT_OK;
        }
        if (cleat_slice_equals(worker->slots[i].type, cleat_slice_of("default"))) {
            units = worker->slots[i].units;
        }
    }
    cleat__slots *slots = cleat__realloc(worker->slots, (worker->slot_count + 1) * sizeof(*slots));
    if (slots == NULL) {
        return cleat__fail_memory();
    }
    worker->slots = slots;
    slots[worker->slot_count++] = (cleat__slots){cleat_slice_of(slot_type), units};
    worker->threads_max += worker->has_own_threads ? 0 : (size_t)units;
    return CLEAT_OK;
}

static bool is_same_version(const cleat__declaration *a, const cleat__declaration *b)
{
    return strcmp(a->version_json, b->version_json) == 0;
}

/* `former`: what the worker has by that name; NULL: nothing. */
static cleat_status check_free(const cleat__declaration *added, const cleat__declaration *former)
{
    if (former != NULL && (!former->is_workflow || former->of != NULL)) {
        return cleat__fail(CLEAT_ALREADY_EXISTS, "this worker has a task \"%s\" already", added->action);
    }
    for (const cleat__declaration *it = former; it != NULL; it = it->older) {
        if (is_same_version(it, added)) {
            return cleat__fail(CLEAT_ALREADY_EXISTS,
                               "this worker has the workflow \"%s\" in the version %s already", added->action,
                               added->version_json);
        }
    }
    return CLEAT_OK;
}

/* Puts it into the place of `former`, which becomes the version before. */
static cleat_status add_version(cleat_worker *worker, cleat__declaration *added, cleat__declaration *former)
{
    cleat_status status = cleat__map_put(&worker->by_action, cleat_slice_of(added->action), added);
    if (status != CLEAT_OK) {
        return status;
    }
    for (cleat__declaration **at = &worker->declarations; *at != NULL; at = &(*at)->next) {
        if (*at == former) {
            *at = added;
            break;
        }
    }
    added->next = former->next;
    former->next = NULL;
    added->older = former;
    return CLEAT_OK;
}

static cleat_status declare(cleat_worker *worker, const cleat_workflow_options *options)
{
    cleat__declaration *declaration = NULL, *former = NULL;
    cleat_status status = cleat__worker_check_new(worker, options->name, options->run != NULL);
    if (status == CLEAT_OK) {
        status = cleat__declaration_new_workflow(options, &declaration);
    }
    if (status == CLEAT_OK) {
        former = cleat__map_get(&worker->by_action, cleat_slice_of(declaration->action));
        status = check_free(declaration, former);
    }
    if (status == CLEAT_OK) {
        status = cleat__worker_offer_durable(worker);
    }
    if (status == CLEAT_OK && declaration->spans == CLEAT_WORKFLOW_SPANS) {
        status = cleat__client_know_workflow(worker->client, declaration->action, declaration->machine_name);
    }
    if (status == CLEAT_OK) {
        status = former != NULL ? add_version(worker, declaration, former)
                                : cleat__worker_add_declaration(worker, declaration);
    }
    if (status != CLEAT_OK) {
        cleat__declaration_free(declaration);
    }
    return status;
}

cleat_status cleat_worker_add_workflow(cleat_worker *worker, const cleat_workflow_options *options)
{
    cleat_workflow_options known;
    if (worker == NULL || options == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", worker == NULL ? "worker" : "options");
    }
    cleat_status status = cleat__options_read("CLEAT_WORKFLOW_OPTIONS", options, &known, sizeof(known));
    return status == CLEAT_OK ? declare(worker, &known) : status;
}
