#include "store/webhook.h"

#include "base/error.h"
#include "store/statement.h"

#define COLUMNS                                                                         \
    "id, tenant, name, source, key_expression, scope_expression, static_payload, "      \
    "returns_event, auth_kind, auth_name, auth_secret, auth_algorithm, auth_encoding, " \
    "created_at_ms, updated_at_ms"

/* ---- Changes ---- */

static void bind_auth(sqlite3_stmt *insert, const cleat__webhook_auth *auth)
{
    sqlite3_bind_int(insert, 9, (int)auth->kind);
    cleat__bind_text(insert, 10, auth->name);
    cleat__bind_text(insert, 11, auth->secret);
    sqlite3_bind_int(insert, 12, (int)auth->algorithm);
    sqlite3_bind_int(insert, 13, (int)auth->encoding);
}

cleat_status cleat__webhook_insert(cleat__store *store, const cleat__webhook_row *row)
{
    static const char sql[] = "INSERT INTO webhook (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, "
                              "coalesce(?6, ''), ?7, ?8, ?9, coalesce(?10, ''), ?11, ?12, ?13, ?14, ?15) "
                              "ON CONFLICT (tenant, name) DO NOTHING";
    const cleat__webhook *webhook = &row->webhook;
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    cleat__bind_text(insert, 3, webhook->name);
    sqlite3_bind_int(insert, 4, (int)webhook->source);
    cleat__bind_text(insert, 5, webhook->key_expression);
    cleat__bind_text(insert, 6, webhook->scope_expression);
    cleat__bind_text(insert, 7, webhook->static_payload);
    sqlite3_bind_int(insert, 8, webhook->returns_event);
    bind_auth(insert, &webhook->auth);
    sqlite3_bind_int64(insert, 14, row->created_at_ms);
    sqlite3_bind_int64(insert, 15, row->updated_at_ms);
    status = cleat__statement_finish(store, insert, "storing a webhook");
    return status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0
               ? cleat__fail(CLEAT_ALREADY_EXISTS, "there is a webhook \"%.*s\"",
                             CLEAT_SLICE_ARGS(webhook->name))
               : status;
}

static cleat_status fail_not_found(cleat_slice name)
{
    return cleat__fail(CLEAT_NOT_FOUND, "there is no webhook \"%.*s\"", CLEAT_SLICE_ARGS(name));
}

static cleat_status prepare(cleat__store *store, const char *sql, cleat__webhook_key key, sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status == CLEAT_OK) {
        sqlite3_bind_int64(*out, 1, key.tenant);
        cleat__bind_text(*out, 2, key.name);
    }
    return status;
}

static cleat_status finish_one(cleat__store *store, sqlite3_stmt *statement, cleat__webhook_key key,
                               const char *while_doing)
{
    cleat_status status = cleat__statement_finish(store, statement, while_doing);
    return status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0 ? fail_not_found(key.name)
                                                                              : status;
}

cleat_status cleat__webhook_update(cleat__store *store, cleat__webhook_key key,
                                   const cleat__webhook_change *change, int64_t now_ms)
{
    static const char sql[] =
        "UPDATE webhook SET key_expression = coalesce(?3, key_expression), "
        "scope_expression = coalesce(?4, scope_expression), "
        "static_payload = coalesce(?5, static_payload), returns_event = coalesce(?6, returns_event), "
        "updated_at_ms = ?7 WHERE tenant = ?1 AND name = ?2";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare(store, sql, key, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(update, 3, change->key_expression);
    cleat__bind_text(update, 4, change->scope_expression);
    cleat__bind_text(update, 5, change->static_payload);
    sqlite3_bind_null(update, 6);
    if (change->has_returns_event) {
        sqlite3_bind_int(update, 6, change->returns_event);
    }
    sqlite3_bind_int64(update, 7, now_ms);
    return finish_one(store, update, key, "changing a webhook");
}

cleat_status cleat__webhook_delete(cleat__store *store, cleat__webhook_key key)
{
    sqlite3_stmt *delete = NULL;
    cleat_status status = prepare(store, "DELETE FROM webhook WHERE tenant = ?1 AND name = ?2", key, &delete);
    return status == CLEAT_OK ? finish_one(store, delete, key, "deleting a webhook") : status;
}

/* ---- Reading ---- */

/* One of so many: of others `cleat check` tells. */
static int read_choice(sqlite3_stmt *select, int column, int count)
{
    int choice = sqlite3_column_int(select, column);
    return choice >= 0 && choice < count ? choice : 0;
}

static void read_row(sqlite3_stmt *select, cleat__webhook_row *row)
{
    cleat__webhook *webhook = &row->webhook;
    cleat__column_uuid(select, 0, &row->id);
    row->tenant = sqlite3_column_int64(select, 1);
    webhook->name = cleat__column_text(select, 2);
    webhook->source = (cleat__webhook_source)read_choice(select, 3, CLEAT__WEBHOOK_SVIX + 1);
    webhook->key_expression = cleat__column_text(select, 4);
    webhook->scope_expression = cleat__column_text(select, 5);
    webhook->static_payload = cleat__column_text(select, 6);
    webhook->returns_event = sqlite3_column_int(select, 7) != 0;
    webhook->auth.kind = (cleat__webhook_kind)read_choice(select, 8, CLEAT__WEBHOOK_HMAC + 1);
    webhook->auth.name = cleat__column_text(select, 9);
    webhook->auth.secret = cleat__column_text(select, 10);
    webhook->auth.algorithm = (cleat__webhook_algorithm)read_choice(select, 11, CLEAT__WEBHOOK_MD5 + 1);
    webhook->auth.encoding = (cleat__webhook_encoding)read_choice(select, 12, CLEAT__WEBHOOK_BASE64URL + 1);
    row->created_at_ms = sqlite3_column_int64(select, 13);
    row->updated_at_ms = sqlite3_column_int64(select, 14);
}

cleat_status cleat__webhook_get(cleat__store *store, cleat__webhook_key key, cleat__webhook_row *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status =
        prepare(store, "SELECT " COLUMNS " FROM webhook WHERE tenant = ?1 AND name = ?2", key, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_row(select, out);
        return CLEAT_OK;
    }
    status = code == SQLITE_DONE ? fail_not_found(key.name) : cleat__store_error(store, "reading a webhook");
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__webhook_list(cleat__store *store, int64_t tenant,
                                 bool (*visit)(void *argument, const cleat__webhook_row *row), void *argument)
{
    static const char sql[] = "SELECT " COLUMNS " FROM webhook WHERE tenant = ?1 ORDER BY id DESC";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__webhook_row row;
        read_row(select, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing webhooks");
}
