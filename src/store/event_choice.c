#include "store/event_choice.h"

#include "base/error.h"
#include "model/metadata.h"
#include "store/bind.h"
#include "store/run_choice.h"

#include <stdlib.h>

/* ---- What they have started ---- */

cleat_status cleat__event_list_started(cleat__store *store, int64_t tenant, const cleat__uuid *event_id,
                                       bool (*visit)(void *argument, const cleat__event_started *row),
                                       void *argument)
{
    static const char sql[] =
        "SELECT t.id, w.uuid, " CLEAT__RUN_SHOWN_STATE
        ", t.filter_id FROM task t JOIN task_type y ON y.id = t.type_id "
        "JOIN workflow w ON w.id = y.workflow_id LEFT JOIN task_live l ON l.id = t.id "
        "LEFT JOIN task_end e ON e.id = t.id WHERE t.event_id = ?1 AND y.tenant = ?2 ORDER BY t.id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, event_id);
    sqlite3_bind_int64(select, 2, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__event_started row = {.status = (cleat_run_status)sqlite3_column_int(select, 2)};
        cleat__column_uuid(select, 0, &row.id);
        cleat__column_uuid(select, 1, &row.workflow_id);
        cleat__column_uuid(select, 3, &row.filter_id);
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing what an event started");
}

/* ---- Which are chosen ---- */

typedef struct choosing {
    const cleat__event_choice *choice;
    bool is_wanted; /* one of what it started is asked for */
} choosing;

static bool has(const cleat__uuid *ids, size_t count, const cleat__uuid *id)
{
    for (size_t i = 0; i < count; i++) {
        if (cleat__uuid_equals(&ids[i], id)) {
            return true;
        }
    }
    return count == 0;
}

static bool see_started(void *argument, const cleat__event_started *row)
{
    choosing *self = argument;
    const cleat__event_choice *choice = self->choice;
    self->is_wanted = (choice->statuses == 0 || (choice->statuses >> row->status & 1) != 0) &&
                      has(choice->workflows, choice->workflow_count, &row->workflow_id);
    return !self->is_wanted;
}

static cleat_status check_started(cleat__store *store, int64_t tenant, const cleat__event_choice *choice,
                                  const cleat__uuid *id, bool *is_wanted)
{
    choosing self = {.choice = choice};
    *is_wanted = true;
    if (choice->workflow_count == 0 && choice->statuses == 0) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__event_list_started(store, tenant, id, see_started, &self);
    *is_wanted = self.is_wanted;
    return status;
}

static cleat_status bind_texts(sqlite3_stmt *select, int index, const json_t *texts)
{
    if (texts == NULL) {
        sqlite3_bind_null(select, index);
        return CLEAT_OK;
    }
    char *text = json_dumps(texts, JSON_COMPACT);
    bool is_bound = text != NULL && sqlite3_bind_text(select, index, text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
    free(text); /* jansson's */
    return is_bound ? CLEAT_OK : cleat__fail_memory();
}

/* What is not asked for is NULL. */
static cleat_status prepare(cleat__store *store, int64_t tenant, const cleat__event_choice *choice,
                            sqlite3_stmt **out)
{
    static const char sql[] =
        "SELECT id, key, payload, metadata, scope, created_at_ms, webhook FROM event WHERE tenant = ?1 "
        "AND id >= ?2 AND created_at_ms BETWEEN ?3 AND ?4 AND (?5 IS NULL OR key IN (SELECT value FROM "
        "json_each(?5))) "
        "AND (?6 IS NULL OR coalesce(scope, '') IN (SELECT value FROM json_each(?6))) ORDER BY id DESC";
    cleat__uuid from = cleat__uuid_first(choice->since_ms);
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_bind_blob(*out, 2, from.bytes, sizeof(from.bytes), SQLITE_TRANSIENT) != SQLITE_OK) {
        return cleat__fail_memory();
    }
    sqlite3_bind_int64(*out, 1, tenant);
    sqlite3_bind_int64(*out, 3, choice->since_ms);
    sqlite3_bind_int64(*out, 4, choice->until_ms);
    status = bind_texts(*out, 5, choice->keys);
    return status == CLEAT_OK ? bind_texts(*out, 6, choice->scopes) : status;
}

static cleat__event_row row_of(sqlite3_stmt *select, int64_t tenant)
{
    cleat__event_row row = {
        .tenant = tenant,
        .key = cleat__column_text(select, 1),
        .payload = cleat__column_text(select, 2),
        .metadata = cleat__column_text(select, 3),
        .scope = cleat__column_text(select, 4),
        .created_at_ms = sqlite3_column_int64(select, 5),
        .webhook = cleat__column_text(select, 6),
    };
    cleat__column_uuid(select, 0, &row.id);
    return row;
}

cleat_status cleat__event_choose(cleat__store *store, int64_t tenant, const cleat__event_choice *choice,
                                 bool (*visit)(void *argument, const cleat__event_row *row), void *argument)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, tenant, choice, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = SQLITE_ROW;
    bool goes_on = true;
    while (goes_on && status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        bool is_wanted = false;
        cleat__uuid id;
        cleat__column_uuid(select, 0, &id);
        if (has(choice->ids, choice->id_count, &id) &&
            cleat__metadata_has_pairs(choice->metadata, true, cleat__column_text(select, 3))) {
            status = check_started(store, tenant, choice, &id, &is_wanted);
        }
        if (is_wanted && status == CLEAT_OK) {
            const cleat__event_row row = row_of(select, tenant);
            goes_on = visit(argument, &row);
        }
    }
    cleat_status end =
        cleat__store_rows_end(store, select, status == CLEAT_OK ? code : SQLITE_ROW, "listing events");
    return status == CLEAT_OK ? end : status;
}
