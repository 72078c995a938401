/* The runs of a forest. */
#include "collector/stitching.h"

#include "base/error.h"
#include "collector/row.h"

static const char reading[] = "reading the runs of a picture";

/* What a run is found by. */
typedef struct run_name {
    cleat__uuid id;
    int32_t index; /* -1: the tenant has no such run */
} run_name;

#define RUN_ROWS                                                                                     \
    "SELECT t.id, coalesce(t.parent_id, t.dag_id), w.name, y.task_name, coalesce(e.state, l.state)," \
    " t.created_at_ms, coalesce(e.started_at_ms, l.started_at_ms), e.finished_at_ms"                 \
    " FROM task t JOIN task_type y ON y.id = t.type_id JOIN workflow w ON w.id = y.workflow_id"      \
    " LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id"

static cleat_slice id_slice(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* The one that was read beyond the bound has a name and no place. */
static int32_t index_of(const cleat__stitching *it, const cleat__uuid *id)
{
    const run_name *name = cleat__map_get(&it->run_ids, id_slice(id));
    return name != NULL && name->index < it->out->run_count ? name->index : CLEAT__STITCHED_NONE;
}

static cleat_status remember(cleat__stitching *it, const cleat__uuid *id, int32_t index)
{
    run_name *name = cleat__arena_get(&it->out->memory, sizeof(*name));
    if (name == NULL) {
        return cleat__fail_memory();
    }
    *name = (run_name){*id, index};
    return cleat__map_put(&it->run_ids, id_slice(&name->id), name);
}

static cleat_status add_run(cleat__stitching *it, sqlite3_stmt *stmt)
{
    cleat__stitched *out = it->out;
    cleat__uuid id, parent;
    int state = sqlite3_column_int(stmt, 4);
    if (!cleat__column_uuid(stmt, 0, &id) || cleat__map_get(&it->run_ids, id_slice(&id)) != NULL) {
        return CLEAT_OK; /* its own ancestor: it is there already */
    }
    cleat_status status =
        cleat__stitch_grow((void **)&out->runs, out->run_count, &it->run_capacity, sizeof(*out->runs));
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__stitched_run *run = &out->runs[out->run_count];
    run->id = id;
    run->parent = cleat__column_uuid(stmt, 1, &parent) ? index_of(it, &parent) : CLEAT__STITCHED_NONE;
    run->status =
        state >= CLEAT_RUN_QUEUED && state <= CLEAT_RUN_EVICTED ? (cleat_run_status)state : CLEAT_RUN_QUEUED;
    run->created_at_ms = sqlite3_column_int64(stmt, 5);
    run->started_at_ms = sqlite3_column_int64(stmt, 6);
    run->finished_at_ms = sqlite3_column_int64(stmt, 7);
    if (!cleat__arena_keep(&out->memory, cleat__column_text(stmt, 2), &run->workflow) ||
        !cleat__arena_keep(&out->memory, cleat__column_text(stmt, 3), &run->task)) {
        return cleat__fail_memory();
    }
    return remember(it, &id, out->run_count++);
}

static cleat_status add_runs(cleat__stitching *it, const char *sql, const cleat__uuid *id, int64_t limit)
{
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, it->out->tenant);
    sqlite3_bind_int64(stmt, 3, limit);
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = add_run(it, stmt);
    }
    cleat_status end = cleat__store_rows_end(it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

static cleat_status add_one(cleat__stitching *it, const cleat__uuid *id)
{
    static const char sql[] = RUN_ROWS " WHERE t.id = ?1 AND y.tenant = ?2 LIMIT ?3";
    return add_runs(it, sql, id, 1);
}

cleat_status cleat__stitch_runs(cleat__stitching *it, const cleat__uuid *id)
{
    static const char children[] =
        RUN_ROWS " WHERE (t.parent_id = ?1 OR t.dag_id = ?1) AND y.tenant = ?2 ORDER BY t.id LIMIT ?3";
    cleat__stitched *out = it->out;
    cleat_status status = add_one(it, id);
    if (status == CLEAT_OK && out->run_count == 0) {
        char text[37];
        cleat__uuid_format(id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
    }
    for (int32_t i = 0; status == CLEAT_OK && i < out->run_count; i++) {
        int32_t room = CLEAT__STITCHED_RUNS_MAX - out->run_count;
        cleat__uuid parent = out->runs[i].id; /* the array may move */
        status = add_runs(it, children, &parent, room + 1);
        if (out->run_count > CLEAT__STITCHED_RUNS_MAX) {
            out->run_count--; /* what was read beyond the bound only tells that there is more */
            out->is_complete = false;
            break;
        }
    }
    return status;
}

cleat_status cleat__stitch_find_run(cleat__stitching *it, const cleat__uuid *id, int32_t *index)
{
    cleat_status status = CLEAT_OK;
    bool is_known = cleat__map_get(&it->run_ids, id_slice(id)) != NULL;
    if (!is_known && !it->of_run && it->out->run_count < CLEAT__STITCHED_RUNS_MAX) {
        status = add_one(it, id);
        if (status == CLEAT_OK && cleat__map_get(&it->run_ids, id_slice(id)) == NULL) {
            status = remember(it, id, CLEAT__STITCHED_NONE);
        }
    }
    *index = index_of(it, id);
    return status;
}
