#include "collector/known_trace.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/row.h"

static const char storing[] = "storing a trace";

/* ---- Names ---- */

static cleat_slice part(const cleat__known_trace *trace, size_t at, size_t size, bool is_there)
{
    const char *begin = (const char *)trace->names.data;
    return (cleat_slice){!is_there ? NULL : begin != NULL ? begin + at : "", is_there ? size : 0};
}

static cleat_slice task_of(const cleat__known_trace *trace)
{
    return part(trace, trace->name_size, trace->task_size, trace->has_task);
}

static cleat_slice service_of(const cleat__known_trace *trace)
{
    return part(trace, trace->name_size + trace->task_size, trace->service_size, trace->has_service);
}

static cleat_status set_names(cleat__known_trace *trace, cleat_slice name, cleat_slice task,
                              cleat_slice service)
{
    cleat__buffer_clear(&trace->names);
    cleat__buffer_append_slice(&trace->names, name);
    cleat__buffer_append_slice(&trace->names, task);
    cleat__buffer_append_slice(&trace->names, service);
    trace->name_size = name.size;
    trace->task_size = task.size;
    trace->service_size = service.size;
    trace->has_task = task.data != NULL;
    trace->has_service = service.data != NULL;
    return trace->names.failed ? cleat__fail_memory() : CLEAT_OK;
}

/* ---- Reading ---- */

static cleat_status read_row(cleat__known_trace *trace, sqlite3_stmt *stmt)
{
    trace->is_new = false;
    trace->number = sqlite3_column_int64(stmt, 0);
    trace->root_start_ns = sqlite3_column_int64(stmt, 4);
    trace->has_root = sqlite3_column_int(stmt, 5) != 0;
    trace->start_ns = sqlite3_column_int64(stmt, 6);
    trace->end_ns = sqlite3_column_int64(stmt, 7);
    trace->span_count = sqlite3_column_int64(stmt, 8);
    trace->error_count = sqlite3_column_int64(stmt, 9);
    trace->bytes = sqlite3_column_int64(stmt, 10);
    return set_names(trace, cleat__column_text(stmt, 1), cleat__column_text(stmt, 2),
                     cleat__column_text(stmt, 3));
}

static cleat_status load(cleat__store *store, cleat__known_trace *trace)
{
    static const char sql[] = "SELECT id, root_name, root_task, root_service, root_start_ns,"
                              " has_root, start_ns, end_ns, span_count, error_count, bytes"
                              " FROM trace WHERE trace_id = ?1 AND tenant = ?2";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, &trace->key.id);
    sqlite3_bind_int64(stmt, 2, trace->key.tenant);
    trace->is_new = true;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        status = read_row(trace, stmt);
    }
    cleat_status end = cleat__store_rows_end(store, stmt, code, storing);
    return status != CLEAT_OK ? status : end;
}

/* Rows are inserted behind the spans that refer to them, so their numbers are given out here. */
static cleat_status next_number(cleat__trace_set *set, cleat__store *store, int64_t *out)
{
    static const char sql[] = "SELECT coalesce(max(id), 0) FROM trace";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = CLEAT_OK;
    if (set->last_number == 0) {
        status = cleat__store_prepare(store, sql, &stmt);
        if (status != CLEAT_OK) {
            return status;
        }
        int code = sqlite3_step(stmt);
        set->last_number = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
        status = cleat__store_rows_end(store, stmt, code, storing);
    }
    *out = ++set->last_number;
    return status;
}

static cleat_slice key_of(const cleat__trace_key *key)
{
    return (cleat_slice){(const char *)key, sizeof(*key)};
}

static void free_trace(cleat__known_trace *trace)
{
    cleat__buffer_deinit(&trace->names);
    cleat__free(trace);
}

static cleat_status add_trace(cleat__trace_set *set, cleat__store *store, const cleat__trace_key *key,
                              cleat__known_trace **out)
{
    cleat__known_trace *trace = cleat__calloc(1, sizeof(*trace));
    if (trace == NULL) {
        return cleat__fail_memory();
    }
    trace->key = *key;
    cleat_status status = load(store, trace);
    if (status == CLEAT_OK && trace->is_new) {
        status = next_number(set, store, &trace->number);
    }
    if (status == CLEAT_OK) {
        status = cleat__map_put(&set->by_key, key_of(&trace->key), trace);
    }
    if (status != CLEAT_OK) {
        free_trace(trace);
        return status;
    }
    trace->next = set->first;
    set->first = trace;
    *out = trace;
    return CLEAT_OK;
}

cleat_status cleat__trace_set_get(cleat__trace_set *set, cleat__store *store, int64_t tenant,
                                  const cleat_trace_id *id, cleat__known_trace **out)
{
    const cleat__trace_key key = {tenant, *id};
    cleat_status status = CLEAT_OK;
    *out = set->last_found; /* spans of one trace mostly come together */
    if (*out == NULL || memcmp(&(*out)->key, &key, sizeof(key)) != 0) {
        *out = cleat__map_get(&set->by_key, key_of(&key));
    }
    if (*out == NULL) {
        status = add_trace(set, store, &key, out);
    }
    set->last_found = *out;
    return status;
}

/* ---- Adding ---- */

cleat_status cleat__known_trace_add(cleat__known_trace *trace, const cleat_span_view *span, cleat_slice task,
                                    cleat_slice service, int64_t size)
{
    bool is_root = !cleat_span_id_is_valid(&span->parent_span_id);
    bool is_first = trace->span_count == 0;
    cleat_status status = CLEAT_OK;
    if (is_first || (is_root && !trace->has_root) ||
        (is_root == trace->has_root && span->start_time_ns < trace->root_start_ns)) {
        status = set_names(trace, span->name, task, service);
        trace->root_start_ns = span->start_time_ns;
        trace->has_root = is_root;
        trace->root_changed = true;
    }
    if (is_first || span->start_time_ns < trace->start_ns) {
        trace->start_ns = span->start_time_ns;
        trace->root_changed = true;
    }
    if (is_first || span->end_time_ns > trace->end_ns) {
        trace->end_ns = span->end_time_ns;
    }
    trace->span_count++;
    trace->error_count += span->status == CLEAT_SPAN_STATUS_ERROR;
    trace->bytes += size;
    return status;
}

/* ---- Writing ---- */

static void bind_sums(sqlite3_stmt *stmt, const cleat__known_trace *trace)
{
    sqlite3_bind_int64(stmt, 1, trace->number);
    sqlite3_bind_int64(stmt, 2, trace->end_ns);
    sqlite3_bind_int64(stmt, 3, trace->span_count);
    sqlite3_bind_int64(stmt, 4, trace->error_count);
    sqlite3_bind_int64(stmt, 5, trace->bytes);
}

static void bind_root(sqlite3_stmt *stmt, const cleat__known_trace *trace)
{
    sqlite3_bind_int64(stmt, 6, trace->start_ns);
    cleat__bind_text(stmt, 7, part(trace, 0, trace->name_size, true));
    cleat__bind_text(stmt, 8, task_of(trace));
    cleat__bind_text(stmt, 9, service_of(trace));
    sqlite3_bind_int64(stmt, 10, trace->root_start_ns);
    sqlite3_bind_int(stmt, 11, trace->has_root);
}

static cleat_status write_trace(cleat__store *store, const cleat__known_trace *trace)
{
    static const char insert[] =
        "INSERT INTO trace (id, end_ns, span_count, error_count, bytes, start_ns, root_name,"
        " root_task, root_service, root_start_ns, has_root, trace_id, tenant)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    /* Index entries are moved by this one only. */
    static const char all[] = "UPDATE trace SET end_ns = ?2, span_count = ?3, error_count = ?4,"
                              " bytes = ?5, start_ns = ?6, root_name = ?7, root_task = ?8,"
                              " root_service = ?9, root_start_ns = ?10, has_root = ?11"
                              " WHERE id = ?1";
    static const char sums[] = "UPDATE trace SET end_ns = ?2, span_count = ?3, error_count = ?4,"
                               " bytes = ?5 WHERE id = ?1";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store,
                                               trace->is_new         ? insert
                                               : trace->root_changed ? all
                                                                     : sums,
                                               &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_sums(stmt, trace);
    if (trace->is_new || trace->root_changed) {
        bind_root(stmt, trace);
    }
    if (trace->is_new) {
        cleat__bind_trace_id(stmt, 12, &trace->key.id);
        sqlite3_bind_int64(stmt, 13, trace->key.tenant);
    }
    return cleat__step_done(store, stmt, storing);
}

static void forget(cleat__trace_set *set)
{
    while (set->first != NULL) {
        cleat__known_trace *next = set->first->next;
        free_trace(set->first);
        set->first = next;
    }
    cleat__map_deinit(&set->by_key);
    set->last_found = NULL;
}

cleat_status cleat__trace_set_write(cleat__trace_set *set, cleat__store *store)
{
    for (const cleat__known_trace *trace = set->first; trace != NULL; trace = trace->next) {
        /* One whose only spans were there already is as it was. */
        cleat_status status = trace->span_count != 0 ? write_trace(store, trace) : CLEAT_OK;
        if (status != CLEAT_OK) {
            return status;
        }
    }
    forget(set);
    return CLEAT_OK;
}

void cleat__trace_set_reset(cleat__trace_set *set)
{
    forget(set);
    set->last_number = 0;
}
