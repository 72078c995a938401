#include "store/token.h"

#include "base/error.h"
#include "store/bind.h"

#include <stdio.h>

/* Ends a statement that answers no rows. */
static cleat_status execute(cleat__store *store, sqlite3_stmt *statement, const char *while_doing)
{
    cleat_status status =
        sqlite3_step(statement) == SQLITE_DONE ? CLEAT_OK : cleat__store_error(store, while_doing);
    sqlite3_reset(statement);
    return status;
}

static void copy_text(sqlite3_stmt *select, int column, char *out, size_t room)
{
    cleat_slice text = cleat__column_text(select, column);
    snprintf(out, room, "%.*s", CLEAT_SLICE_ARGS(text));
}

/* ---- Tokens ---- */

#define COLUMNS                                                                         \
    "SELECT t.id, t.tenant, n.uuid, n.name, t.name, t.created_at_ms, t.expires_at_ms, " \
    "t.revoked_at_ms FROM token t JOIN tenant n ON n.id = t.tenant "

static void read_row(sqlite3_stmt *select, cleat__token_row *out)
{
    cleat__column_uuid(select, 0, &out->id);
    out->tenant = sqlite3_column_int64(select, 1);
    cleat__column_uuid(select, 2, &out->tenant_uuid);
    copy_text(select, 3, out->tenant_name, sizeof(out->tenant_name));
    copy_text(select, 4, out->name, sizeof(out->name));
    out->created_at_ms = sqlite3_column_int64(select, 5);
    out->expires_at_ms = sqlite3_column_int64(select, 6);
    out->revoked_at_ms = sqlite3_column_int64(select, 7);
}

cleat_status cleat__token_insert(cleat__store *store, const cleat__token_row *row)
{
    static const char sql[] = "INSERT INTO token (id, tenant, name, created_at_ms, expires_at_ms) "
                              "VALUES (?1, ?2, nullif(?3, ''), ?4, ?5)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    cleat__bind_text(insert, 3, cleat_slice_of(row->name));
    sqlite3_bind_int64(insert, 4, row->created_at_ms);
    sqlite3_bind_int64(insert, 5, row->expires_at_ms);
    return execute(store, insert, "storing a token");
}

cleat_status cleat__token_get(cleat__store *store, const cleat__uuid *id, cleat__token_row *out)
{
    static const char sql[] = COLUMNS "WHERE t.id = ?1";
    *out = (cleat__token_row){0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_row(select, out);
    } else if (code == SQLITE_DONE) {
        char text[37];
        cleat__uuid_format(id, text);
        status = cleat__fail(CLEAT_NOT_FOUND, "there is no token %s", text);
    } else {
        status = cleat__store_error(store, "reading a token");
    }
    sqlite3_reset(select); /* at once: an open query pins a state of the file */
    return status;
}

/* The digits of a prefix without its dashes, in upper case as hex() writes them. */
static cleat_status prefix_digits(cleat_slice prefix, char digits[33])
{
    size_t count = 0;
    for (size_t i = 0; i < prefix.size; i++) {
        char c = prefix.data[i];
        bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (c == '-') {
            continue;
        }
        if ((!is_letter && (c < '0' || c > '9')) || count == 32) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is not the beginning of a token's id",
                               CLEAT_SLICE_ARGS(prefix));
        }
        digits[count++] = is_letter ? (char)(c & ~0x20) : c;
    }
    digits[count] = '\0';
    if (count < 8) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is too short: 8 digits of the id at least",
                           CLEAT_SLICE_ARGS(prefix));
    }
    return CLEAT_OK;
}

cleat_status cleat__token_find(cleat__store *store, cleat_slice prefix, cleat__uuid *out)
{
    static const char sql[] = "SELECT id FROM token WHERE substr(hex(id), 1, length(?1)) = ?1 LIMIT 2";
    char digits[33];
    cleat_status status = prefix_digits(prefix, digits);
    sqlite3_stmt *select = NULL;
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, sql, &select);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(select, 1, cleat_slice_of(digits));
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__column_uuid(select, 0, out);
        code = sqlite3_step(select);
        if (code == SQLITE_ROW) {
            status =
                cleat__fail(CLEAT_INVALID_ARGUMENT, "several tokens begin with %.*s: give more of the id",
                            CLEAT_SLICE_ARGS(prefix));
        }
    } else if (code == SQLITE_DONE) {
        status = cleat__fail(CLEAT_NOT_FOUND, "there is no token %.*s", CLEAT_SLICE_ARGS(prefix));
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = cleat__store_error(store, "looking for a token");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__token_list(cleat__store *store, int64_t tenant,
                               bool (*visit)(void *argument, const cleat__token_row *row), void *argument)
{
    static const char sql[] = COLUMNS "WHERE ?1 IN (0, t.tenant) ORDER BY t.id DESC";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__token_row row;
        read_row(select, &row);
        goes_on = visit(argument, &row);
    }
    if (goes_on && code != SQLITE_DONE) {
        status = cleat__store_error(store, "listing tokens");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__token_revoke(cleat__store *store, const cleat__uuid *id, int64_t now_ms)
{
    static const char sql[] = "UPDATE token SET revoked_at_ms = coalesce(revoked_at_ms, ?2) WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    sqlite3_bind_int64(update, 2, now_ms);
    status = execute(store, update, "revoking a token");
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0) {
        char text[37];
        cleat__uuid_format(id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no token %s", text);
    }
    return status;
}

/* ---- Keys ---- */

/* CLEAT_EMPTY: no row. */
static cleat_status read_key(cleat__store *store, sqlite3_stmt *select, cleat__token_key *out)
{
    *out = (cleat__token_key){0};
    int code = sqlite3_step(select);
    cleat_status status = CLEAT_OK;
    if (code == SQLITE_ROW) {
        copy_text(select, 0, out->kid, sizeof(out->kid));
        copy_text(select, 1, out->public_key, sizeof(out->public_key));
        copy_text(select, 2, out->private_key, sizeof(out->private_key));
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "reading a key");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__token_key_newest(cleat__store *store, cleat__token_key *out)
{
    static const char sql[] = "SELECT kid, public_key, private_key FROM token_key ORDER BY id DESC LIMIT 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    return status == CLEAT_OK ? read_key(store, select, out) : status;
}

cleat_status cleat__token_key_find(cleat__store *store, cleat_slice kid, cleat__token_key *out)
{
    static const char sql[] = "SELECT kid, public_key, NULL FROM token_key WHERE kid = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(select, 1, kid);
    return read_key(store, select, out);
}

cleat_status cleat__token_key_insert(cleat__store *store, const cleat__token_key *key, int64_t now_ms)
{
    static const char sql[] = "INSERT INTO token_key (kid, private_key, public_key, created_at_ms) "
                              "VALUES (?1, ?2, ?3, ?4)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(insert, 1, cleat_slice_of(key->kid));
    cleat__bind_text(insert, 2, cleat_slice_of(key->private_key));
    cleat__bind_text(insert, 3, cleat_slice_of(key->public_key));
    sqlite3_bind_int64(insert, 4, now_ms);
    return execute(store, insert, "storing a key");
}
