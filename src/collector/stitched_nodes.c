/* The spans of a forest without their records, and whose child each is. */
#include "collector/stitching.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/row.h"

#include <stdlib.h>

static const char reading[] = "reading the spans of a picture";

/* ---- Reading ---- */

static int32_t room_of(const cleat__stitching *it)
{
    int32_t most = it->limit > CLEAT__STITCHED_READ_MAX ? it->limit : CLEAT__STITCHED_READ_MAX;
    return it->node_count < most ? most - it->node_count : 0;
}

#define NODE_ROWS "SELECT id, span_id, parent_span_id, start_ns, end_ns, run_id FROM span"

static cleat_status add_node(cleat__stitching *it, int32_t trace, sqlite3_stmt *stmt)
{
    cleat__uuid run;
    cleat_status status =
        cleat__stitch_grow((void **)&it->nodes, it->node_count, &it->node_capacity, sizeof(*it->nodes));
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__stitch_node *node = &it->nodes[it->node_count++];
    node->trace = trace;
    node->parent = node->run = node->draft = CLEAT__STITCHED_NONE;
    node->row = sqlite3_column_int64(stmt, 0);
    cleat__column_id(stmt, 1, node->id.bytes, sizeof(node->id.bytes));
    cleat__column_id(stmt, 2, node->parent_id.bytes, sizeof(node->parent_id.bytes));
    int64_t start_ns = sqlite3_column_int64(stmt, 3);
    int64_t end_ns = sqlite3_column_int64(stmt, 4);
    node->start_ns = start_ns > 0 ? start_ns : 0;
    node->end_ns = end_ns > node->start_ns ? end_ns : node->start_ns;
    return it->of_run && cleat__column_uuid(stmt, 5, &run) ? cleat__stitch_find_run(it, &run, &node->run)
                                                           : CLEAT_OK;
}

/* `key` of a run or a span; absent where the statement has none. */
static cleat_status add_nodes(cleat__stitching *it, const char *sql, int32_t trace, cleat_slice key)
{
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_DONE;
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, it->traces[trace].trace.number);
    sqlite3_bind_int64(stmt, 2, room_of(it));
    if (key.data != NULL) {
        cleat__bind_bytes(stmt, 3, key.data, key.size);
    }
    while (status == CLEAT_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = add_node(it, trace, stmt);
    }
    cleat_status end = cleat__store_rows_end(it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

static cleat_slice id_slice(const cleat_span_id *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* In any order, as long as it is one. */
static int compare_ids(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, &((const cleat__stitch_node *)a)->id, sizeof(x));
    memcpy(&y, &((const cleat__stitch_node *)b)->id, sizeof(y));
    return x < y ? -1 : x > y;
}
_Static_assert(sizeof(cleat_span_id) == sizeof(uint64_t), "an id is compared as a number");

/* ---- Of a trace that is too large to be looked at ---- */

/* The runs' own spans; or any, of a trace that is wanted whole. */
static cleat_status add_some(cleat__stitching *it, int32_t trace)
{
    static const char of_run[] = NODE_ROWS " WHERE trace = ?1 AND run_id = ?3 LIMIT ?2";
    static const char any[] = NODE_ROWS " WHERE trace = ?1 LIMIT ?2";
    cleat_status status = CLEAT_OK;
    if (!it->of_run) {
        return add_nodes(it, any, trace, (cleat_slice){NULL, 0});
    }
    for (int32_t i = 0; status == CLEAT_OK && i < it->out->run_count; i++) {
        const cleat__uuid *id = &it->out->runs[i].id;
        status = add_nodes(it, of_run, trace, (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)});
    }
    return status;
}

typedef struct climb {
    cleat__map known; /* ids that are there, or have been looked for */
    cleat__arena ids;
} climb;

static cleat_status know(climb *up, const cleat_span_id *id)
{
    cleat_slice kept;
    return cleat__arena_keep(&up->ids, id_slice(id), &kept)
               ? cleat__map_put(&up->known, kept, (void *)(uintptr_t)kept.data)
               : cleat__fail_memory();
}

/* The way up from each, span by span: `it->node_count` grows meanwhile. */
static cleat_status add_parents(cleat__stitching *it, int32_t trace, climb *up)
{
    static const char one[] = NODE_ROWS " WHERE trace = ?1 AND span_id = ?3 LIMIT ?2";
    int32_t first = it->traces[trace].first_node;
    cleat_status status = CLEAT_OK;
    for (int32_t i = first; status == CLEAT_OK && i < it->node_count; i++) {
        status = know(up, &it->nodes[i].id);
    }
    for (int32_t i = first; status == CLEAT_OK && i < it->node_count && room_of(it) > 0; i++) {
        cleat_span_id parent = it->nodes[i].parent_id; /* the array may move */
        if (!cleat_span_id_is_valid(&parent) || cleat__map_get(&up->known, id_slice(&parent)) != NULL) {
            continue;
        }
        status = know(up, &parent);
        if (status == CLEAT_OK) {
            status = add_nodes(it, one, trace, id_slice(&parent));
        }
    }
    return status;
}

static cleat_status read_part(cleat__stitching *it, int32_t trace)
{
    climb up = {.known = {0}};
    it->out->is_complete = false;
    cleat_status status = add_some(it, trace);
    if (status == CLEAT_OK) {
        status = add_parents(it, trace, &up);
    }
    cleat__map_deinit(&up.known);
    cleat__arena_deinit(&up.ids);
    return status;
}

/* ---- Whose child ---- */

static int32_t find_node(const cleat__stitching *it, const cleat__stitch_trace *trace,
                         const cleat_span_id *id)
{
    cleat__stitch_node wanted = {.id = *id};
    if (trace->node_count == 0) {
        return CLEAT__STITCHED_NONE;
    }
    const cleat__stitch_node *found = bsearch(&wanted, &it->nodes[trace->first_node],
                                              (size_t)trace->node_count, sizeof(wanted), compare_ids);
    return found != NULL ? (int32_t)(found - it->nodes) : CLEAT__STITCHED_NONE;
}

static void find_parents(cleat__stitching *it, const cleat__stitch_trace *trace)
{
    for (int32_t i = trace->first_node; i < trace->first_node + trace->node_count; i++) {
        cleat__stitch_node *node = &it->nodes[i];
        if (cleat_span_id_is_valid(&node->parent_id)) {
            node->parent = find_node(it, trace, &node->parent_id);
            node->orphan = node->parent == CLEAT__STITCHED_NONE;
        }
    }
}

/* Walks up from each span; one that is met twice on the same way is cut off its parent. `draft`
 * serves as the mark of the way: -1 unseen, else the span the walk began at. */
static void cut_cycles(cleat__stitching *it, const cleat__stitch_trace *trace)
{
    cleat__stitch_node *nodes = it->nodes;
    int32_t end = trace->first_node + trace->node_count;
    for (int32_t i = trace->first_node; i < end; i++) {
        int32_t at = i;
        while (at != CLEAT__STITCHED_NONE && nodes[at].draft == CLEAT__STITCHED_NONE) {
            nodes[at].draft = i;
            int32_t up = nodes[at].parent;
            if (up != CLEAT__STITCHED_NONE && nodes[up].draft == i) {
                nodes[at].parent = CLEAT__STITCHED_NONE;
                nodes[at].orphan = true;
            }
            at = nodes[at].parent;
        }
    }
    for (int32_t i = trace->first_node; i < end; i++) {
        nodes[i].draft = CLEAT__STITCHED_NONE;
    }
}

static cleat_status read_trace(cleat__stitching *it, int32_t index)
{
    /* Row by row as they lie in the file, not by their ids, which are random: a large trace is read in a third
     * of the time. */
    static const char all[] = NODE_ROWS " WHERE id IN (SELECT id FROM span WHERE trace = ?1 LIMIT ?2)";
    cleat__stitch_trace *trace = &it->traces[index];
    trace->first_node = it->node_count;
    cleat_status status = trace->trace.span_count <= room_of(it)
                              ? add_nodes(it, all, index, (cleat_slice){NULL, 0})
                              : read_part(it, index);
    trace->node_count = it->node_count - trace->first_node;
    if (trace->node_count > 0) {
        qsort(&it->nodes[trace->first_node], (size_t)trace->node_count, sizeof(*it->nodes), compare_ids);
    }
    find_parents(it, trace);
    cut_cycles(it, trace);
    return status;
}

cleat_status cleat__stitch_nodes(cleat__stitching *it)
{
    cleat_status status = CLEAT_OK;
    for (int32_t i = 0; status == CLEAT_OK && i < it->trace_count; i++) {
        status = read_trace(it, i);
    }
    return status;
}
