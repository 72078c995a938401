/* The end of an invocation that waits, and how one that is evicted is called again. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "engine/durable_log.h"
#include "engine/life.h"
#include "engine/replay.h"
#include "store/durable.h"

#include <inttypes.h>
#include <string.h>

/* What is known of the nodes that are waited for. */
typedef struct waiting {
    cleat__node *nodes; /* owned; sorted, each once */
    size_t count;
    cleat__buffer text;    /* as it is stored */
    cleat__buffer carrier; /* of the message that met the one that counts */
    int64_t order;         /* of that one; 0: none is met */
    size_t met;
    uint32_t kinds; /* of those that are met, as far as they tell */
} waiting;

static cleat_status init(waiting *what, cleat__core *core, const cleat__durable *durable,
                         const cleat__durable_request *request)
{
    cleat_status status = cleat__core_begin(core);
    size_t size = request->as.evict.count * sizeof(*what->nodes);
    *what = (waiting){.nodes = cleat__malloc(size != 0 ? size : 1)};
    if (what->nodes == NULL) {
        return cleat__fail_memory();
    }
    if (size != 0) {
        memcpy(what->nodes, request->as.evict.nodes, size);
    }
    for (size_t i = 0; i < request->as.evict.count && status == CLEAT_OK; i++) {
        status = cleat__log_see(core, durable, &what->nodes[i]);
    }
    what->count = cleat__nodes_sort(what->nodes, request->as.evict.count);
    return status;
}

static void deinit(waiting *what)
{
    cleat__free(what->nodes);
    cleat__buffer_deinit(&what->text);
    cleat__buffer_deinit(&what->carrier);
}

void cleat__durable_forget_waits(cleat__durable *durable)
{
    for (cleat__pending *pending = durable->first; pending != NULL; pending = pending->next) {
        pending->is_awaited = false;
    }
    durable->awaited = 0;
    durable->awaits_all = durable->awaits_any = false;
}

/* Of those that are met the last one when all count, else the first. */
static cleat_status note_met(const cleat__entry_row *entry, bool is_all, waiting *what)
{
    what->met++;
    what->kinds |= entry->kind == CLEAT__NODE_RUN ? UINT32_C(1) << CLEAT__PENDING_CHILD : 0;
    if (what->order == 0 || (entry->met_order > what->order) == is_all) {
        what->order = entry->met_order;
        cleat__buffer_clear(&what->carrier);
        cleat__buffer_append_slice(&what->carrier, entry->carrier);
    }
    return what->carrier.failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status look_at(cleat__core *core, cleat__durable *durable, cleat__node node, bool is_all,
                            waiting *what)
{
    cleat__entry_row entry;
    cleat_status status = cleat__log_look(core, durable, node, &entry);
    if (status == CLEAT_OK && entry.kind == CLEAT__NODE_MEMO) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "node %" PRId64 ":%" PRId64 " does not end by itself",
                             node.branch, node.number);
    }
    return status == CLEAT_OK && entry.met_order != 0 ? note_met(&entry, is_all, what) : status;
}

static cleat_status look(cleat__core *core, cleat__durable *durable, bool is_all, waiting *what)
{
    cleat_status status = CLEAT_OK;
    cleat__buffer_append_byte(&what->text, '[');
    for (size_t i = 0; i < what->count && status == CLEAT_OK; i++) {
        cleat__node node = what->nodes[i];
        cleat__buffer_append_format(&what->text, "%s[%" PRId64 ",%" PRId64 "]", i != 0 ? "," : "",
                                    node.branch, node.number);
        status = look_at(core, durable, node, is_all, what);
    }
    cleat__buffer_append_byte(&what->text, ']');
    cleat__pendings_await(durable, what->nodes, what->count);
    if (status == CLEAT_OK && what->met + (size_t)durable->awaited != what->count) {
        /* Of a former life of the run, and not asked for in this one. */
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "a node that is waited for does not end by itself");
    }
    return status == CLEAT_OK && what->text.failed ? cleat__fail_memory() : status;
}

static cleat_slice cut_reason(cleat_slice reason)
{
    enum { REASON_MAX = 1000 };
    size_t size = reason.size < REASON_MAX ? reason.size : REASON_MAX;
    return size != 0 ? (cleat_slice){reason.data, cleat__utf8_valid_prefix(reason.data, size)}
                     : (cleat_slice){NULL, 0};
}

static cleat_status evict(cleat__core *core, cleat__durable *durable, const cleat__durable_request *request,
                          const waiting *what)
{
    bool is_any = request->as.evict.count == 0, is_all = request->as.evict.is_all;
    bool is_over =
        is_any ? cleat__durable_is_unheard(durable) : (is_all ? durable->awaited == 0 : what->met != 0);
    durable->awaits_any = is_any;
    durable->awaits_all = is_all;
    const cleat__eviction eviction = {
        .retry_count = durable->run.retry_count,
        .waited_for = what->kinds | cleat__pendings_kinds(durable, is_any),
        .began_at_ms = durable->run.since_ms,
        .suspended_at_ms = core->now.unix_ms,
        .carrier = request->as.evict.carrier,
        .waits = cleat__buffer_slice(&what->text),
        .reason = cut_reason(request->as.evict.reason),
        .waits_for_all = is_all,
    };
    cleat_status status = cleat__life_evict(core, &durable->run, &eviction);
    return status == CLEAT_OK && is_over
               ? cleat__life_restore(core, &durable->run, cleat__buffer_slice(&what->carrier))
               : status;
}

cleat_status cleat__durable_evict_now(cleat__core *core, cleat__durable *durable,
                                      cleat__durable_request *request)
{
    waiting what;
    if (request->as.evict.carrier.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "the carrier has %zu bytes; at most %zu are stored",
                           request->as.evict.carrier.size, CLEAT_PAYLOAD_MAX);
    }
    cleat_status status = init(&what, core, durable, request);
    cleat__durable_forget_waits(durable);
    if (status == CLEAT_OK) {
        status = look(core, durable, request->as.evict.is_all, &what);
    }
    if (status == CLEAT_OK) {
        status = evict(core, durable, request, &what);
    } else {
        cleat__durable_forget_waits(durable);
    }
    deinit(&what);
    return status;
}

/* ---- From outside ---- */

cleat_status cleat__durable_restore(cleat__core *core, cleat__command *command)
{
    const cleat__uuid *id = &command->as.durable_restore;
    cleat__run *run = cleat__core_find_run(core, command->tenant, id);
    char text[37];
    cleat__uuid_format(id, text);
    if (run != NULL && run->state == CLEAT_RUN_EVICTED) {
        return cleat__life_restore(core, run, (cleat_slice){NULL, 0});
    }
    cleat_status status =
        run != NULL ? CLEAT_OK
                    : cleat__core_check_found(core, cleat__load_exists(core->store, command->tenant, id));
    return status == CLEAT_OK ? cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s is not evicted", text)
                              : status;
}

/* The node as the newest branch sees it, or as another one did. */
static cleat_status find_node(cleat__core *core, const cleat__uuid *run_id, cleat__node node,
                              cleat__durable_row *row)
{
    cleat__entry_row entry;
    cleat_status status = cleat__core_begin(core);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__durable_get(core->store, run_id, row);
    if (status == CLEAT_OK && node.branch > 1 && node.branch <= row->branch) {
        status = cleat__durable_resolve(core->store, run_id, node.branch, node.number, &node.branch);
    }
    if (status == CLEAT_OK) {
        status = cleat__entry_look(core->store, run_id, node, &entry);
    }
    if (status == CLEAT_EMPTY) {
        char text[37];
        cleat__uuid_format(run_id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "the log of run %s has no node %" PRId64 ":%" PRId64, text,
                           node.branch, node.number);
    }
    return cleat__core_check(core, status);
}

cleat_status cleat__durable_branch(cleat__core *core, cleat__command *command)
{
    const cleat__uuid *id = &command->as.durable_branch.run_id;
    cleat__node node = command->as.durable_branch.node;
    cleat__durable_row row = {.branch = 1};
    node.branch = node.branch > 0 ? node.branch : 1;
    cleat_status status = cleat__core_check_found(core, cleat__load_exists(core->store, command->tenant, id));
    if (status == CLEAT_OK) {
        status = find_node(core, id, node, &row);
    }
    if (status == CLEAT_OK) {
        status = cleat__replay_run(core, command->tenant, id, true);
    }
    if (status == CLEAT_OK) {
        *command->as.durable_branch.branch = row.branch + 1;
        status = cleat__core_check(core, cleat__durable_fork(core->store, id, row.branch + 1, node));
    }
    return status;
}
