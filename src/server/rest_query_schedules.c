/* What the REST API reads about scheduled runs. */
#include "rest_query.h"

#include "base/error.h"
#include "model/metadata.h"
#include "store/bind.h"

#define SELECT_SCHEDULES                                                                                   \
    "SELECT s.id, s.at_ms, s.created_at_ms, s.workflow, s.input, s.metadata, s.priority, s.method, "       \
    "w.uuid, (SELECT y.version_id FROM task_type y WHERE y.workflow_id = w.id "                            \
    "AND coalesce(y.dag_type, 0) = 0 ORDER BY y.id DESC LIMIT 1) FROM schedule s LEFT JOIN workflow w ON " \
    "w.tenant = s.tenant "                                                                                 \
    "AND w.name = s.workflow AND w.deleted_at_ms IS NULL WHERE s.tenant = ?1 "

static void read_schedule(sqlite3_stmt *select, int64_t tenant, cleat__rest_schedule *out)
{
    cleat__schedule_row *row = &out->row;
    *row = (cleat__schedule_row){
        .tenant = tenant,
        .at_ms = sqlite3_column_int64(select, 1),
        .created_at_ms = sqlite3_column_int64(select, 2),
        .schedule.workflow = cleat__column_text(select, 3),
        .schedule.input = cleat__column_text(select, 4),
        .schedule.metadata = cleat__column_text(select, 5),
        .schedule.priority = sqlite3_column_int(select, 6),
        .schedule.method = (cleat__schedule_method)sqlite3_column_int(select, 7),
    };
    cleat__column_uuid(select, 0, &row->id);
    cleat__column_uuid(select, 8, &out->workflow_id);
    cleat__column_uuid(select, 9, &out->version_id);
}

static bool passes(const cleat__rest_schedule_filter *filter, const cleat__rest_schedule *it)
{
    return (filter->workflow_id == NULL || cleat__uuid_equals(filter->workflow_id, &it->workflow_id)) &&
           cleat__metadata_has_pairs(filter->metadata, true, it->row.schedule.metadata);
}

cleat_status cleat__rest_query_schedules(cleat__store *store, int64_t tenant,
                                         const cleat__rest_schedule_filter *filter,
                                         bool (*visit)(void *argument, const cleat__rest_schedule *row),
                                         void *argument)
{
    static const char latest[] = SELECT_SCHEDULES "ORDER BY s.at_ms DESC, s.id DESC";
    static const char earliest[] = SELECT_SCHEDULES "ORDER BY s.at_ms, s.id";
    static const char newest[] = SELECT_SCHEDULES "ORDER BY s.id DESC";
    static const char oldest[] = SELECT_SCHEDULES "ORDER BY s.id";
    static const char *const orders[2][2] = {{latest, earliest}, {newest, oldest}};
    sqlite3_stmt *select = NULL;
    cleat_status status =
        cleat__store_prepare(store, orders[filter->is_by_creation][filter->is_ascending], &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__rest_schedule row;
        read_schedule(select, tenant, &row);
        goes_on = !passes(filter, &row) || visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing schedules");
}

cleat_status cleat__rest_query_schedule(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                        cleat__rest_schedule *out)
{
    static const char sql[] = SELECT_SCHEDULES "AND s.id = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_uuid(select, 2, id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_schedule(select, tenant, out);
        return CLEAT_OK;
    }
    status = cleat__store_rows_end(store, select, code, "reading a schedule");
    return status != CLEAT_OK ? status : cleat__fail(CLEAT_NOT_FOUND, "there is no such schedule");
}
