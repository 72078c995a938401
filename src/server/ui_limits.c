/* What runs are held back by: of one run, and GET rate-limits and filters. */
#include "base/alloc.h"
#include "base/clock.h"
#include "model/workflow.h"
#include "store/bind.h"
#include "store/filter.h"
#include "ui_parts.h"

enum { ROWS_MOST = 1000, MEMBERS_MOST = 20 };

/* ---- Of a run ---- */

static void write_slots(cleat__json_writer *writer, const cleat__needs *needs, const json_t *keys)
{
    size_t count = needs->concurrency != NULL ? needs->concurrency->count : 0;
    cleat__writer_begin_array(writer, "slots");
    for (size_t i = 0; i < count && i < json_array_size(keys); i++) {
        const cleat__concurrency *rule = &needs->concurrency->items[i];
        const json_t *key = json_array_get(keys, i);
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_slice(writer, "rule", rule->name.data != NULL ? rule->name : rule->expression);
        cleat__writer_slice(writer, "key", (cleat_slice){json_string_value(key), json_string_length(key)});
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

static void write_units(cleat__json_writer *writer, const json_t *rates)
{
    cleat__writer_begin_array(writer, "rates");
    for (size_t i = 0; i < json_array_size(rates); i++) {
        const json_t *rate = json_array_get(rates, i), *key = json_array_get(rate, 0);
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_slice(writer, "key", (cleat_slice){json_string_value(key), json_string_length(key)});
        cleat__writer_int(writer, "units", json_integer_value(json_array_get(rate, 1)));
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
}

/* Who runs with it, itself among them, of the oldest runs: how many, and the first of these. */
static cleat_status write_members(cleat__json_writer *writer, cleat__store *store, const cleat__uuid *id)
{
    static const char sql[] =
        "SELECT l.id FROM (SELECT id, batch_id FROM task_live ORDER BY id LIMIT 10000) l "
        "WHERE l.batch_id = (SELECT batch_id FROM task_live WHERE id = ?1) ORDER BY l.id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code;
    int64_t count = 0;
    cleat__writer_begin_array(writer, "members");
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__uuid member;
        if (cleat__column_uuid(select, 0, &member) && count++ < MEMBERS_MOST) {
            cleat__ui_write_uuid(writer, NULL, &member);
        }
    }
    cleat__writer_end_array(writer);
    cleat__writer_int(writer, "running_together", count);
    return cleat__store_rows_end(store, select, code, "reading a batch");
}

static cleat_status write_batch(cleat__json_writer *writer, cleat__store *store, const cleat__rest_run *run)
{
    if (run->batch_key.data == NULL) {
        cleat__ui_write_null(writer, "batch");
        return CLEAT_OK;
    }
    cleat__writer_begin_object(writer, "batch");
    cleat__writer_slice(writer, "key", run->batch_key);
    cleat_status status = write_members(writer, store, &run->row.id);
    cleat__writer_end_object(writer);
    return status;
}

static const char *sticky_name(cleat__sticky sticky)
{
    return sticky == CLEAT__STICKY_HARD ? "hard" : sticky == CLEAT__STICKY_SOFT ? "soft" : "none";
}

static cleat_status write_held(cleat__json_writer *writer, cleat_slice limits, cleat_slice desired,
                               cleat_slice declaration)
{
    cleat__needs *needs = NULL;
    cleat__wish wish = {.labels = NULL};
    json_t *json = limits.data != NULL ? json_loadb(limits.data, limits.size, 0, NULL) : NULL;
    cleat_status status = cleat__needs_decode(declaration, &needs);
    if (status == CLEAT_OK && desired.data != NULL) {
        status = cleat__wish_decode(desired, &wish);
    }
    if (status == CLEAT_OK) {
        cleat__writer_begin_object(writer, "limits");
        write_slots(writer, needs, json_object_get(json, "keys"));
        write_units(writer, json_object_get(json, "rates"));
        cleat__writer_end_object(writer);
        cleat__ui_write_uuid(writer, "desired_worker_id", &wish.worker);
        cleat__writer_string(writer, "sticky", sticky_name(needs->sticky));
    }
    cleat__needs_free(needs);
    cleat__free(wish.labels);
    json_decref(json);
    return status;
}

cleat_status cleat__ui_write_limits(cleat__json_writer *writer, cleat__store *store,
                                    const cleat__rest_run *run)
{
    static const char sql[] = "SELECT t.limits, t.desired, y.declaration FROM task t "
                              "JOIN task_type y ON y.id = t.type_id WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat__writer_slice(writer, "idempotency_key", run->idempotency_key);
    cleat_status status = write_batch(writer, store, run);
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, sql, &select);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &run->row.id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = write_held(writer, cleat__column_text(select, 0), cleat__column_text(select, 1),
                            cleat__column_text(select, 2));
    }
    cleat_status end = cleat__store_rows_end(store, select, code, "reading the limits of a run");
    return status == CLEAT_OK ? end : status;
}

/* ---- Lists ---- */

typedef struct list {
    cleat__json_writer *writer;
    int64_t count;
} list;

static bool write_rate(void *argument, const cleat__rate_found *row)
{
    list *self = argument;
    cleat__json_writer *writer = self->writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_slice(writer, "key", row->key);
    cleat__writer_int(writer, "units", row->window.limit);
    cleat__writer_int(writer, "left", row->window.value);
    cleat__writer_int(writer, "window_ms", row->window.window_ms);
    cleat__writer_int(writer, "refilled_at_ms", row->window.refilled_ms);
    cleat__writer_end_object(writer);
    return ++self->count < ROWS_MOST && !cleat__answer_is_full(writer);
}

static cleat_status write_rates(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__http_call *call = argument;
    const cleat__rate_filter filter = {.now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    list self = {.writer = writer};
    cleat__ui_begin_rows(writer);
    cleat_status status = cleat__rate_list(store, call->identity.tenant, &filter, write_rate, &self);
    cleat__ui_end_rows(writer);
    return status;
}

void cleat__ui_rate_list(cleat__http_call *call)
{
    cleat__ui_answer(call, write_rates, call);
}

static bool write_filter(void *argument, const cleat__filter_row *row)
{
    list *self = argument;
    cleat__json_writer *writer = self->writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_uuid(writer, "id", &row->id);
    cleat__ui_write_uuid(writer, "workflow_id", &row->workflow_id);
    cleat__writer_slice(writer, "scope", row->filter.scope);
    cleat__writer_slice(writer, "expression", row->filter.expression);
    cleat__writer_raw(writer, "payload", row->filter.payload);
    cleat__writer_bool(writer, "is_declared", row->is_declarative);
    cleat__writer_int(writer, "updated_at_ms", row->updated_at_ms);
    cleat__writer_end_object(writer);
    return ++self->count < ROWS_MOST && !cleat__answer_is_full(writer);
}

static cleat_status write_filters(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__http_call *call = argument;
    list self = {.writer = writer};
    cleat__ui_begin_rows(writer);
    cleat_status status = cleat__filter_list(store, call->identity.tenant, write_filter, &self);
    cleat__ui_end_rows(writer);
    return status;
}

void cleat__ui_filter_list(cleat__http_call *call)
{
    cleat__ui_answer(call, write_filters, call);
}
