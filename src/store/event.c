#include "store/event.h"

#include "base/error.h"
#include "store/bind.h"

#define COLUMNS "id, tenant, key, payload, metadata, scope, created_at_ms, webhook"

cleat_status cleat__event_insert(cleat__store *store, const cleat__event_row *row)
{
    static const char sql[] = "INSERT INTO event (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    cleat__bind_text(insert, 3, row->key);
    cleat__bind_text(insert, 4, row->payload);
    cleat__bind_text(insert, 5, row->metadata);
    cleat__bind_text(insert, 6, row->scope);
    sqlite3_bind_int64(insert, 7, row->created_at_ms);
    cleat__bind_text(insert, 8, row->webhook);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        status = cleat__store_error(store, "storing an event");
    }
    sqlite3_reset(insert);
    return status;
}

static void read_event(sqlite3_stmt *select, cleat__event_row *row)
{
    cleat__column_uuid(select, 0, &row->id);
    row->tenant = sqlite3_column_int64(select, 1);
    row->key = cleat__column_text(select, 2);
    row->payload = cleat__column_text(select, 3);
    row->metadata = cleat__column_text(select, 4);
    row->scope = cleat__column_text(select, 5);
    row->created_at_ms = sqlite3_column_int64(select, 6);
    row->webhook = cleat__column_text(select, 7);
}

static cleat_status visit_all(cleat__store *store, sqlite3_stmt *select,
                              bool (*visit)(void *argument, const cleat__event_row *row), void *argument)
{
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__event_row row;
        read_event(select, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing events");
}

cleat_status cleat__event_list(cleat__store *store, const cleat__event_filter *filter,
                               bool (*visit)(void *argument, const cleat__event_row *row), void *argument)
{
#define REST "(?1 = 0 OR tenant = ?1) AND (?2 IS NULL OR key = ?2) ORDER BY id DESC LIMIT ?4"
    static const char all[] = "SELECT " COLUMNS " FROM event WHERE ?3 IS NULL AND " REST;
    static const char older[] = "SELECT " COLUMNS " FROM event WHERE id < ?3 AND " REST;
#undef REST
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, filter->before != NULL ? older : all, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_clear_bindings(select);
    sqlite3_bind_int64(select, 1, filter->tenant);
    cleat__bind_text(select, 2, filter->key);
    if (filter->before != NULL) {
        cleat__bind_uuid(select, 3, filter->before);
    }
    sqlite3_bind_int64(select, 4, filter->limit);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__event_list_since(cleat__store *store, const cleat__event_search *search,
                                     bool (*visit)(void *argument, const cleat__event_row *row),
                                     void *argument)
{
    static const char sql[] = "SELECT " COLUMNS " FROM event WHERE tenant = ?1 AND key = ?2 AND scope = ?5 "
                              "AND id >= ?3 AND created_at_ms >= ?4 ORDER BY id DESC LIMIT ?6";
    sqlite3_stmt *select = NULL;
    cleat__uuid first = {{0}}; /* their ids begin with the time */
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    for (size_t i = 0; i < 6; i++) {
        first.bytes[i] = (uint8_t)(search->since_ms >> (8 * (5 - i)));
    }
    sqlite3_bind_int64(select, 1, search->tenant);
    cleat__bind_text(select, 2, search->key);
    cleat__bind_uuid(select, 3, &first);
    sqlite3_bind_int64(select, 4, search->since_ms);
    cleat__bind_text(select, 5, search->scope);
    sqlite3_bind_int64(select, 6, search->limit);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__event_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                              cleat__event_row *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM event WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_event(select, out);
        return CLEAT_OK;
    }
    char text[37];
    cleat__uuid_format(id, text);
    status = code == SQLITE_DONE ? cleat__fail(CLEAT_NOT_FOUND, "there is no event %s", text)
                                 : cleat__store_error(store, "reading an event");
    sqlite3_reset(select);
    return status;
}
