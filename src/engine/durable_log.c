#include "engine/durable_log.h"

#include "base/error.h"
#include "base/log.h"

#include <inttypes.h>

/* ---- When the order of calls has changed ---- */

#define SHOWN_MAX 5 /* nodes of each order */

static void append_node(cleat__buffer *text, int64_t number, cleat_slice label, bool is_first)
{
    cleat__buffer_append_format(text, "%s%" PRId64 " %.*s", is_first ? "" : ", ", number,
                                CLEAT_SLICE_ARGS(label));
}

/* The nodes from `first` on, up to the one that differs, of which there are two. */
static cleat_status describe(cleat__core *core, cleat__durable *durable, int64_t first, int64_t last,
                             cleat__buffer *common, cleat__buffer *recorded)
{
    cleat_status status = CLEAT_OK;
    for (int64_t number = first; number <= last && status == CLEAT_OK; number++) {
        cleat__entry_row entry;
        cleat__node node = {durable->branch, number};
        status = cleat__core_check(
            core, cleat__durable_resolve(core->store, &durable->run.id, node.branch, number, &node.branch));
        if (status == CLEAT_OK) {
            status = cleat__log_look(core, durable, node, &entry);
        }
        if (status == CLEAT_OK) {
            append_node(number < last ? common : recorded, number, entry.label, number == first);
        }
    }
    return status;
}

static cleat_status fail_changed(cleat__core *core, cleat__durable *durable, cleat__node node,
                                 cleat_slice label)
{
    int64_t first = node.number < SHOWN_MAX ? 1 : node.number - SHOWN_MAX + 1;
    cleat__buffer common = {0}, recorded = {0}, now = {0};
    cleat_status status = describe(core, durable, first, node.number, &common, &recorded);
    append_node(&now, node.number, label, first == node.number);
    if (status == CLEAT_OK && (common.failed || recorded.failed || now.failed)) {
        status = cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        const char *before = first > 1 ? ".. " : "";
        cleat_slice name = durable->run.type->workflow->name;
        name.size = name.size < CLEAT__NODE_LABEL_MAX ? name.size : CLEAT__NODE_LABEL_MAX;
        status = cleat__fail(CLEAT_NON_DETERMINISTIC,
                             "the calls of \"%.*s\" have changed at node %" PRId64 ":%" PRId64
                             "; recorded: %s%.*s%.*s; now: %s%.*s%.*s",
                             CLEAT_SLICE_ARGS(name), node.branch, node.number, before,
                             CLEAT_SLICE_ARGS(cleat__buffer_slice(&common)),
                             CLEAT_SLICE_ARGS(cleat__buffer_slice(&recorded)), before,
                             CLEAT_SLICE_ARGS(cleat__buffer_slice(&common)),
                             CLEAT_SLICE_ARGS(cleat__buffer_slice(&now)));
    }
    cleat__buffer_deinit(&common);
    cleat__buffer_deinit(&recorded);
    cleat__buffer_deinit(&now);
    return status;
}

/* ---- Nodes ---- */

cleat_status cleat__log_see(cleat__core *core, const cleat__durable *durable, cleat__node *node)
{
    if (node->branch != CLEAT__BRANCH_UNSAID) {
        return CLEAT_OK;
    }
    return cleat__core_check(core, cleat__durable_resolve(core->store, &durable->run.id, durable->branch,
                                                          node->number, &node->branch));
}

typedef cleat_status reading(cleat__store *store, const cleat__uuid *run_id, cleat__node node,
                             cleat__entry_row *out);

static cleat_status find(cleat__core *core, const cleat__durable *durable, cleat__node node,
                         reading *read_entry, cleat__entry_row *entry)
{
    cleat_status status = cleat__core_begin(core); /* what `entry` borrows holds a snapshot */
    if (status != CLEAT_OK) {
        return status;
    }
    status = read_entry(core->store, &durable->run.id, node, entry);
    if (status == CLEAT_EMPTY) {
        return cleat__fail(CLEAT_NOT_FOUND, "the log has no node %" PRId64 ":%" PRId64, node.branch,
                           node.number);
    }
    return cleat__core_check(core, status);
}

cleat_status cleat__log_get(cleat__core *core, cleat__durable *durable, cleat__node node,
                            cleat__entry_row *entry)
{
    return find(core, durable, node, cleat__entry_get, entry);
}

cleat_status cleat__log_look(cleat__core *core, cleat__durable *durable, cleat__node node,
                             cleat__entry_row *entry)
{
    return find(core, durable, node, cleat__entry_look, entry);
}

cleat_status cleat__log_next(cleat__core *core, cleat__durable *durable, const cleat__log_question *asked,
                             cleat__node *node, cleat__entry_row *entry)
{
    reading *read_entry = asked->kind == CLEAT__NODE_MEMO ? cleat__entry_get : cleat__entry_look;
    *node = (cleat__node){durable->branch, (int64_t)durable->node + 1 + asked->ahead};
    if (node->number > durable->log_size) {
        return CLEAT_EMPTY;
    }
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__durable_resolve(core->store, &durable->run.id, node->branch,
                                                                node->number, &node->branch));
    }
    if (status == CLEAT_OK) {
        status = read_entry(core->store, &durable->run.id, *node, entry);
        status = status == CLEAT_EMPTY ? cleat__fail(CLEAT_CORRUPT, "a node of a log is missing") : status;
        status = cleat__core_check(core, status);
    }
    if (status == CLEAT_OK && (entry->kind != asked->kind || entry->hash != asked->hash)) {
        status = fail_changed(core, durable, *node, asked->label);
    }
    return status;
}

static void warn_of_size(const cleat__durable *durable)
{
    char id[37];
    cleat__uuid_format(&durable->run.id, id);
    cleat__log(
        CLEAT_LOG_WARN,
        "the log of run %s of \"%.*s\" has %d entries, and each invocation reads them again: end it with "
        "cleat_continue_as_new() before it gets that long, or let child runs do the work",
        id, CLEAT_SLICE_ARGS(durable->run.type->workflow->name), CLEAT__LOG_WARN_ENTRIES);
}

cleat_status cleat__log_add(cleat__core *core, cleat__durable *durable, const cleat__log_question *asked,
                            cleat__entry_row *entry)
{
    entry->kind = asked->kind;
    entry->hash = asked->hash;
    entry->label = asked->label;
    entry->created_at_ms = core->now.unix_ms;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__entry_insert(core->store, &durable->run.id, entry));
    }
    if (status == CLEAT_OK && ++durable->log_size == CLEAT__LOG_WARN_ENTRIES) {
        warn_of_size(durable);
    }
    return status;
}
