#include "store/run_choice.h"

#include "base/buffer.h"
#include "base/error.h"
#include "model/metadata.h"
#include "store/bind.h"

#include <stdlib.h>

/* By the narrowest index. Metadata are compared here; what the choice does not ask for is NULL or 0. */
#define CHOSEN                                                                                          \
    "FROM task t JOIN task_type y ON y.id = t.type_id "                                                 \
    "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id "                         \
    "WHERE t.id >= ?1 AND y.tenant = ?2 AND t.created_at_ms >= ?3 AND (?6 IS NULL OR y.workflow_id IN " \
    "(SELECT id FROM workflow WHERE tenant = ?2 AND hex(uuid) IN (SELECT value FROM json_each(?6)))) "  \
    "AND (e.finished_at_ms IS NULL OR e.finished_at_ms <= ?4) "                                         \
    "AND (?5 = 0 OR ?5 >> " CLEAT__RUN_SHOWN_STATE " & 1) "                                             \
    "AND (?7 IS NULL OR coalesce(e.worker_id, l.worker_id) = ?7 OR (NOT ?12 AND y.dag_type = 0 AND "    \
    "EXISTS (SELECT 1 FROM task c LEFT JOIN task_live m ON m.id = c.id "                                \
    "LEFT JOIN task_end f ON f.id = c.id WHERE c.dag_id = t.id AND "                                    \
    "coalesce(f.worker_id, m.worker_id) = ?7))) "                                                       \
    "AND CASE WHEN ?12 THEN y.dag_type IS NULL OR y.dag_type <> 0 ELSE t.dag_id IS NULL END "
/* Tasks of a run come from where that comes from, which only its own row says. */
#define OF(condition)                                                                              \
    "t.id IN (SELECT p.id FROM task p WHERE " condition " UNION ALL SELECT c.id FROM task p JOIN " \
    "task c ON c.dag_id = p.id WHERE ?12 AND " condition ")"
#define OF_PARENT "AND " OF("p.parent_id = ?8") " "
#define OF_EVENT  "AND " OF("p.event_id = ?9") " AND (?8 IS NULL OR " OF("p.parent_id = ?8") ") "
#define OF_KEYS                                                                                     \
    "AND " OF("p.idempotency_key IN (SELECT value FROM json_each(?11))") " AND (?9 IS NULL OR " OF( \
        "p.event_id = ?9") ") AND (?8 IS NULL OR " OF("p.parent_id = ?8") ") "

/* A statement for each way to find them. */
typedef struct ways {
    const char *all, *children, *started, *keyed;
} ways;

static const char *choose_way(const cleat__run_choice *choice, const ways *by)
{
    return choice->idempotency_keys != NULL ? by->keyed
           : choice->has_event              ? by->started
           : choice->has_parent             ? by->children
                                            : by->all;
}

/* As in hex(): ["0190A0.."]. Fails into the buffer. */
static void write_workflows(cleat__buffer *out, const cleat__uuid *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat__buffer_append_string(out, i == 0 ? "[\"" : "\",\"");
        for (size_t j = 0; j < sizeof(ids[i].bytes); j++) {
            cleat__buffer_append_format(out, "%02X", ids[i].bytes[j]);
        }
    }
    cleat__buffer_append_string(out, "\"]");
}

static cleat_status bind_workflows(sqlite3_stmt *select, const cleat__uuid *ids, size_t count)
{
    cleat__buffer text = {0};
    if (count == 0) {
        return sqlite3_bind_null(select, 6) == SQLITE_OK ? CLEAT_OK : cleat__fail_memory();
    }
    write_workflows(&text, ids, count);
    bool is_bound = !text.failed && sqlite3_bind_text64(select, 6, (const char *)text.data, text.size,
                                                        SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
    cleat__buffer_deinit(&text);
    return is_bound ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status bind_keys(sqlite3_stmt *select, const json_t *keys)
{
    char *text = keys != NULL ? json_dumps(keys, JSON_COMPACT) : NULL;
    if (keys == NULL) {
        return CLEAT_OK; /* the statement does not ask */
    }
    bool is_bound = text != NULL && sqlite3_bind_text(select, 11, text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
    free(text); /* jansson's */
    return is_bound ? CLEAT_OK : cleat__fail_memory();
}

static void bind_if(sqlite3_stmt *select, int index, bool is_there, const cleat__uuid *id)
{
    if (is_there) {
        cleat__bind_uuid(select, index, id);
    } else {
        sqlite3_bind_null(select, index);
    }
}

static cleat_status prepare(cleat__store *store, int64_t tenant, const cleat__run_choice *choice,
                            const char *sql, sqlite3_stmt **out)
{
    cleat__uuid from = cleat__uuid_first(choice->since_ms);
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_bind_blob(*out, 1, from.bytes, sizeof(from.bytes), SQLITE_TRANSIENT) != SQLITE_OK) {
        return cleat__fail_memory();
    }
    sqlite3_bind_int64(*out, 2, tenant);
    sqlite3_bind_int64(*out, 3, choice->since_ms);
    sqlite3_bind_int64(*out, 4, choice->until_ms);
    sqlite3_bind_int64(*out, 5, choice->statuses);
    bind_if(*out, 7, choice->has_worker, &choice->worker_id);
    bind_if(*out, 8, choice->has_parent, &choice->parent_id);
    bind_if(*out, 9, choice->has_event, &choice->event_id);
    sqlite3_bind_int(*out, 12, choice->only_tasks);
    status = bind_keys(*out, choice->idempotency_keys);
    return status == CLEAT_OK ? bind_workflows(*out, choice->workflows, choice->workflow_count) : status;
}

static bool has_metadata(const cleat__run_choice *choice, sqlite3_stmt *select)
{
    return choice->metadata == NULL || cleat__metadata_has_pairs(choice->metadata, choice->needs_all_metadata,
                                                                 cleat__column_text(select, 2));
}

cleat_status cleat__run_choose(cleat__store *store, int64_t tenant, const cleat__run_choice *choice,
                               bool (*visit)(void *argument, const cleat__uuid *id, cleat_run_status status),
                               void *argument)
{
#define SELECT_IDS "SELECT t.id, " CLEAT__RUN_SHOWN_STATE ", CASE WHEN ?10 THEN t.metadata END " CHOSEN
    static const ways by = {
        .all = SELECT_IDS "ORDER BY t.id DESC",
        .children = SELECT_IDS OF_PARENT "ORDER BY t.id DESC",
        .started = SELECT_IDS OF_EVENT "ORDER BY t.id DESC",
        .keyed = SELECT_IDS OF_KEYS "ORDER BY t.id DESC",
    };
#undef SELECT_IDS
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, tenant, choice, choose_way(choice, &by), &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(select, 10, choice->metadata != NULL);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__uuid id;
        cleat__column_uuid(select, 0, &id);
        goes_on = !has_metadata(choice, select) ||
                  visit(argument, &id, (cleat_run_status)sqlite3_column_int(select, 1));
    }
    return cleat__store_rows_end(store, select, code, "listing runs");
}

/* ---- How many ---- */

static bool see_status(void *argument, const cleat__uuid *id, cleat_run_status status)
{
    uint64_t *by_status = argument;
    (void)id;
    by_status[status]++;
    return true;
}

cleat_status cleat__run_choice_count(cleat__store *store, int64_t tenant, const cleat__run_choice *choice,
                                     uint64_t by_status[CLEAT__RUN_SHOWN_STATES])
{
#define SELECT_COUNTS                                                               \
    "SELECT total(s = 0), total(s = 1), total(s = 2), total(s = 3), total(s = 4), " \
    "total(s = 5) FROM "                                                            \
    "(SELECT " CLEAT__RUN_SHOWN_STATE " AS s " CHOSEN
    static const ways by = {
        .all = SELECT_COUNTS ")",
        .children = SELECT_COUNTS OF_PARENT ")",
        .started = SELECT_COUNTS OF_EVENT ")",
        .keyed = SELECT_COUNTS OF_KEYS ")",
    };
#undef SELECT_COUNTS
    memset(by_status, 0, CLEAT__RUN_SHOWN_STATES * sizeof(by_status[0]));
    if (choice->metadata != NULL) {
        return cleat__run_choose(store, tenant, choice, see_status, by_status);
    }
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, tenant, choice, choose_way(choice, &by), &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    for (int i = 0; i < CLEAT__RUN_SHOWN_STATES && code == SQLITE_ROW; i++) {
        by_status[i] = (uint64_t)sqlite3_column_int64(select, i);
    }
    return cleat__store_rows_end(store, select, code, "counting runs");
}
