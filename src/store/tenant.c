#include "store/tenant.h"

#include "base/error.h"
#include "store/bind.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

cleat_status cleat__tenant_check_name(cleat_slice name)
{
    if (name.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the tenant's name is empty");
    }
    if (name.size > CLEAT__TENANT_NAME_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the tenant's name has %zu bytes; at most %d are allowed",
                           name.size, CLEAT__TENANT_NAME_MAX);
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!is_name_character(name.data[i])) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "tenant name \"%.*s\": character %zu is not allowed; use letters, digits, "
                               "'.', '_' and '-'",
                               CLEAT_SLICE_ARGS(name), i + 1);
        }
    }
    return CLEAT_OK;
}

#define COLUMNS "SELECT id, uuid, name, created_at_ms FROM tenant "

/* CLEAT_EMPTY: no row. Resets the statement, so that it pins no state of the file. */
static cleat_status read_row(cleat__store *store, sqlite3_stmt *select, cleat__tenant *out)
{
    *out = (cleat__tenant){0};
    int code = sqlite3_step(select);
    cleat_status status = CLEAT_OK;
    if (code == SQLITE_ROW) {
        cleat_slice name = cleat__column_text(select, 2);
        out->id = sqlite3_column_int64(select, 0);
        cleat__column_uuid(select, 1, &out->uuid);
        snprintf(out->name, sizeof(out->name), "%.*s", CLEAT_SLICE_ARGS(name));
        out->created_at_ms = sqlite3_column_int64(select, 3);
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "reading a tenant");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__tenant_get(cleat__store *store, int64_t id, cleat__tenant *out)
{
    static const char sql[] = COLUMNS "WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, id);
    status = read_row(store, select, out);
    return status != CLEAT_EMPTY ? status
                                 : cleat__fail(CLEAT_NOT_FOUND, "there is no tenant number %" PRId64, id);
}

cleat_status cleat__tenant_find(cleat__store *store, cleat_slice name, cleat__tenant *out)
{
    static const char sql[] = COLUMNS "WHERE name = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(select, 1, name);
    status = read_row(store, select, out);
    return status != CLEAT_EMPTY
               ? status
               : cleat__fail(CLEAT_NOT_FOUND, "there is no tenant \"%.*s\"", CLEAT_SLICE_ARGS(name));
}

cleat_status cleat__tenant_find_id(cleat__store *store, const cleat__uuid *uuid, cleat__tenant *out)
{
    static const char sql[] = COLUMNS "WHERE uuid = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, uuid);
    status = read_row(store, select, out);
    return status != CLEAT_EMPTY ? status : cleat__fail(CLEAT_NOT_FOUND, "there is no such tenant");
}

cleat_status cleat__tenant_insert(cleat__store *store, cleat__tenant *tenant)
{
    static const char sql[] = "INSERT INTO tenant (uuid, name, created_at_ms) VALUES (?1, ?2, ?3)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &tenant->uuid);
    cleat__bind_text(insert, 2, cleat_slice_of(tenant->name));
    sqlite3_bind_int64(insert, 3, tenant->created_at_ms);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        status = cleat__store_error(store, "storing a tenant");
    }
    sqlite3_reset(insert);
    tenant->id = sqlite3_last_insert_rowid(cleat__store_db(store));
    return status;
}
