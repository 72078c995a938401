#include "ui_query.h"

#include "store/bind.h"

static const char counting[] = "counting children";

#define OF_TASKS    "dag_id = ?1"
#define OF_CHILDREN "parent_id IN (SELECT ?1 UNION ALL SELECT id FROM task WHERE dag_id = ?1)"

static cleat_status prepare(cleat__store *store, const char *sql, const cleat__uuid *run_id,
                            sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status == CLEAT_OK) {
        cleat__bind_uuid(*out, 1, run_id);
    }
    return status;
}

/* Whether those that were counted are all. */
static cleat_status look_for_more(cleat__store *store, const cleat__uuid *run_id, cleat__ui_family family,
                                  bool *is_complete)
{
    static const char *const sql[] = {
        [CLEAT__UI_TASKS] = "SELECT 1 FROM task WHERE " OF_TASKS " LIMIT 1 OFFSET ?2",
        [CLEAT__UI_CHILDREN] = "SELECT 1 FROM task WHERE " OF_CHILDREN " LIMIT 1 OFFSET ?2",
    };
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, sql[family], run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, CLEAT__UI_CHILDREN_MAX);
    int code = sqlite3_step(select);
    *is_complete = code == SQLITE_DONE;
    return cleat__store_rows_end(store, select, code, counting);
}

cleat_status cleat__ui_query_child_counts(cleat__store *store, const cleat__uuid *run_id,
                                          cleat__ui_family family, cleat__ui_children *out)
{
#define SELECT_COUNTS(condition)                                                                             \
    "SELECT coalesce(e.state, l.state), count(*) FROM (SELECT id FROM task WHERE " condition " LIMIT ?2) t " \
    "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id GROUP BY 1"
    static const char *const sql[] = {
        [CLEAT__UI_TASKS] = SELECT_COUNTS(OF_TASKS),
        [CLEAT__UI_CHILDREN] = SELECT_COUNTS(OF_CHILDREN),
    };
#undef SELECT_COUNTS
    sqlite3_stmt *select = NULL;
    *out = (cleat__ui_children){.is_complete = true};
    cleat_status status = prepare(store, sql[family], run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, CLEAT__UI_CHILDREN_MAX);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        int state = sqlite3_column_int(select, 0);
        int64_t count = sqlite3_column_int64(select, 1);
        if (state >= 0 && state < CLEAT__RUN_SHOWN_STATES) {
            out->by_status[state] += count;
            out->total += count;
        }
    }
    status = cleat__store_rows_end(store, select, code, counting);
    return status == CLEAT_OK && out->total == CLEAT__UI_CHILDREN_MAX
               ? look_for_more(store, run_id, family, &out->is_complete)
               : status;
}

cleat_status cleat__ui_query_child_ids(cleat__store *store, const cleat__uuid *run_id,
                                       cleat__ui_family family, int64_t limit, cleat__rest_ids *out)
{
#define SELECT_IDS(condition, order) \
    "SELECT id FROM (SELECT id, type_id FROM task WHERE " condition " LIMIT ?2) ORDER BY " order " LIMIT ?3"
    static const char *const sql[] = {
        [CLEAT__UI_TASKS] = SELECT_IDS(OF_TASKS, "type_id"),
        [CLEAT__UI_CHILDREN] = SELECT_IDS(OF_CHILDREN, "id"),
    };
#undef SELECT_IDS
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, sql[family], run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, CLEAT__UI_CHILDREN_MAX);
    sqlite3_bind_int64(select, 3, limit);
    int code;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__uuid id;
        cleat__column_uuid(select, 0, &id);
        status = cleat__rest_ids_add(out, &id);
    }
    cleat_status end = cleat__store_rows_end(store, select, code, "listing children");
    return status == CLEAT_OK ? end : status;
}

cleat_status cleat__ui_query_log_count(cleat__store *store, const cleat__uuid *run_id, int64_t *out)
{
    static const char sql[] = "SELECT max(line) FROM task_log WHERE task_id = ?1"; /* they count from 1 on */
    sqlite3_stmt *select = NULL;
    *out = 0;
    cleat_status status = prepare(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(select, 0);
    }
    return cleat__store_rows_end(store, select, code, "counting log lines");
}
