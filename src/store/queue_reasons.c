/*
 * A run waits for the first of these that holds: its workflow is paused; it backs off; it is a task of a run, and waits for
 * others of it, for a time or an event; the slots of a rule are taken; a rate limit has too few units left; its batch is not
 * full. Else it waits for a worker.
 */
#include "store/queue_reasons.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/cut.h"
#include "model/duration.h"
#include "model/rate_window.h"
#include "model/workflow.h"
#include "store/durable.h"
#include "store/statement.h"

#include <inttypes.h>
#include <jansson.h>

enum { NAMES_SHOWN = 5, TEXT_SHOWN = 80 };

typedef struct waiting {
    cleat__store *store;
    int64_t now_ms;
    cleat__buffer *out;
    bool has_any;
    /* What is stored of the run. */
    cleat__uuid id, dag_id;
    int64_t type_id, dag_type, workflow, tenant, queued_at_ms;
    bool is_held, is_dag, is_task, is_paused;
    cleat__buffer action, declaration;
    json_t *limits; /* NULL: none */
    cleat__wish wish;
    cleat__needs *needs;
} waiting;

/* ---- Words ---- */

static void say(waiting *self, cleat__buffer *text)
{
    cleat__buffer_append_string(self->out, self->has_any ? "," : "");
    cleat__buffer_append_json(self->out, cleat__buffer_slice(text));
    self->out->failed = self->out->failed || text->failed;
    self->has_any = true;
    cleat__buffer_deinit(text);
}

static void say_plain(waiting *self, const char *words)
{
    cleat__buffer text = {0};
    cleat__buffer_append_string(&text, words);
    say(self, &text);
}

/* "in 59m12s": whole seconds, and from an hour on whole minutes. */
static void append_time_to(cleat__buffer *text, const waiting *self, int64_t at_ms)
{
    char duration[CLEAT__DURATION_TEXT];
    int64_t left = at_ms > self->now_ms ? at_ms - self->now_ms : 0;
    int64_t unit = left >= 3600000 ? 60000 : 1000;
    cleat__duration_format((left + unit - 1) / unit * unit, duration);
    size_t size = strlen(duration);
    size -= size > 3 && strcmp(duration + size - 3, "m0s") == 0 ? 2 : 0;
    size -= size > 3 && strncmp(duration + size - 3, "h0m", 3) == 0 ? 2 : 0;
    cleat__buffer_append_format(text, "in %.*s", (int)size, duration);
}

static void append_given(cleat__buffer *text, cleat_slice given)
{
    cleat__cut_append(text, given, TEXT_SHOWN);
}

static const char *are(int64_t count)
{
    return count == 1 ? "is" : "are";
}

/* ---- What is stored of it ---- */

static cleat_status read_run(waiting *self, sqlite3_stmt *select)
{
    self->queued_at_ms = sqlite3_column_int64(select, 0);
    self->is_held = sqlite3_column_int(select, 1) != 0;
    self->is_task = cleat__column_uuid(select, 2, &self->dag_id);
    self->type_id = sqlite3_column_int64(select, 3);
    self->dag_type = sqlite3_column_int64(select, 4);
    self->is_dag = sqlite3_column_type(select, 4) != SQLITE_NULL && self->dag_type == 0;
    self->workflow = sqlite3_column_int64(select, 5);
    self->tenant = sqlite3_column_int64(select, 6);
    self->is_paused = sqlite3_column_int(select, 7) != 0;
    cleat__buffer_append_slice(&self->action, cleat__column_text(select, 8));
    cleat__buffer_append_slice(&self->declaration, cleat__column_text(select, 9));
    cleat_slice limits = cleat__column_text(select, 10), desired = cleat__column_text(select, 11);
    self->limits = limits.data != NULL ? json_loadb(limits.data, limits.size, 0, NULL) : NULL;
    cleat_status status = desired.data != NULL ? cleat__wish_decode(desired, &self->wish) : CLEAT_OK;
    return status == CLEAT_OK && (self->action.failed || self->declaration.failed) ? cleat__fail_memory()
                                                                                   : status;
}

/* CLEAT_EMPTY: it does not wait in the queue. */
static cleat_status load_run(waiting *self)
{
    static const char sql[] =
        "SELECT l.queued_at_ms, l.is_held, l.dag_id, y.id, y.dag_type, y.workflow_id, y.tenant, "
        "w.paused_at_ms IS NOT NULL, y.action, y.declaration, t.limits, t.desired "
        "FROM task_live l JOIN task t ON t.id = l.id JOIN task_type y ON y.id = l.type_id "
        "JOIN workflow w ON w.id = y.workflow_id WHERE l.id = ?1 AND l.state = 0";
    _Static_assert(CLEAT_RUN_QUEUED == 0, "as the statement has it");
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(self->store, sql, &self->id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    status = code == SQLITE_ROW ? read_run(self, select) : CLEAT_EMPTY;
    cleat_status end = cleat__store_rows_end(self->store, select, code, "reading a run that waits");
    status = end == CLEAT_OK ? status : end;
    return status == CLEAT_OK ? cleat__needs_decode(cleat__buffer_slice(&self->declaration), &self->needs)
                              : status;
}

static void deinit(waiting *self)
{
    cleat__buffer_deinit(&self->action);
    cleat__buffer_deinit(&self->declaration);
    json_decref(self->limits);
    cleat__free(self->wish.labels);
    cleat__needs_free(self->needs);
}

/* ---- Other tasks of its run, times and events ---- */

/* Its parents that have not ended, as "the tasks pack and bill". */
static cleat_status look_at_parents(waiting *self)
{
    static const char sql[] =
        "SELECT y.task_name FROM task_type d, json_each(d.declaration, '$.tasks[' || ?2 || '].parents') p "
        "JOIN task c ON c.dag_id = ?1 JOIN task_type y ON y.id = c.type_id AND y.task_name = p.value "
        "JOIN task_live l ON l.id = c.id WHERE d.id = ?3 ORDER BY y.id";
    cleat__buffer names = {0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(self->store, sql, &self->dag_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, self->type_id - self->dag_type - 1);
    sqlite3_bind_int64(select, 3, self->dag_type);
    int code, count = 0;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        if (count++ < NAMES_SHOWN) {
            cleat__buffer_append_string(&names, count > 1 ? ", " : "");
            append_given(&names, cleat__column_text(select, 0));
        }
    }
    status = cleat__store_rows_end(self->store, select, code, "reading what a task waits for");
    if (status == CLEAT_OK && count > 0) {
        cleat__buffer text = {0};
        cleat__buffer_append_string(&text, count == 1 ? "the task " : "the tasks ");
        cleat__buffer_append_slice(&text, cleat__buffer_slice(&names));
        if (count > NAMES_SHOWN) {
            cleat__buffer_append_format(&text, " and %d more", count - NAMES_SHOWN);
        }
        say(self, &text);
    }
    cleat__buffer_deinit(&names);
    return status;
}

/* Of one group one is enough: "the event order:paid or a time, in 3m". */
static void append_condition(cleat__buffer *text, const waiting *self, sqlite3_stmt *select)
{
    if (sqlite3_column_int(select, 1) == CLEAT__PENDING_SLEEP) {
        cleat__buffer_append_string(text, "a time, ");
        append_time_to(text, self, sqlite3_column_int64(select, 3));
    } else {
        cleat__buffer_append_string(text, "the event ");
        append_given(text, cleat__column_text(select, 2));
    }
}

static cleat_status look_at_conditions(waiting *self)
{
    static const char sql[] =
        "SELECT group_number, kind, key, at_ms FROM durable_condition c WHERE run_id = ?1 AND branch = ?2 "
        "AND "
        "node = ?3 AND NOT EXISTS (SELECT 1 FROM durable_condition m WHERE m.run_id = ?1 AND m.branch = ?2 "
        "AND m.node = ?3 AND m.group_number = c.group_number AND m.is_met) ORDER BY group_number, number";
    const cleat__node node = {CLEAT__BRANCH_OF_SIGNALS, self->type_id - self->dag_type - 1};
    cleat__buffer text = {0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_node(self->store, sql, &self->dag_id, node, &select);
    int code = SQLITE_DONE, group = -1;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        bool is_other = group != sqlite3_column_int(select, 0);
        if (is_other && text.size > 0) {
            say(self, &text);
        }
        cleat__buffer_append_string(&text, !is_other ? " or " : "");
        append_condition(&text, self, select);
        group = sqlite3_column_int(select, 0);
    }
    if (status == CLEAT_OK) {
        status = cleat__store_rows_end(self->store, select, code, "reading what a task waits for");
    }
    if (text.size > 0) {
        say(self, &text);
    }
    return status;
}

static cleat_status look_at_root(waiting *self)
{
    static const char sql[] = "SELECT state FROM task_live WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    int64_t state = CLEAT_RUN_RUNNING;
    cleat_status status = cleat__statement_of_run(self->store, sql, &self->dag_id, &select);
    if (status == CLEAT_OK) {
        status = cleat__statement_number(self->store, select, &state, "reading the run of a task");
        say_plain(self, state == CLEAT_RUN_QUEUED ? "its run to begin" : "another task of its run to fail");
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

static cleat_status look_at_run(waiting *self)
{
    cleat_status status = look_at_parents(self);
    if (status == CLEAT_OK && !self->has_any) {
        status = look_at_conditions(self);
    }
    if (status == CLEAT_OK && !self->has_any) { /* the run has no slots yet, or it is the task for failures */
        status = look_at_root(self);
    }
    return status;
}

/* ---- Slots ---- */

/* Of the oldest live runs: those that have a slot of the rule, which is that of all who declare its name, or the one at its
 * place in the same chain. */
static cleat_status count_slots(waiting *self, const cleat__concurrency *rule, size_t place, cleat_slice key,
                                int64_t *out)
{
    static const char sql[] =
        "SELECT count(*) FROM (SELECT id, type_id, state, has_limits FROM task_live ORDER BY id LIMIT ?1) l "
        "JOIN task_type y ON y.id = l.type_id JOIN task t ON t.id = l.id "
        "WHERE l.has_limits AND l.state IN (1, 5) AND CASE WHEN ?2 IS NULL "
        "THEN y.workflow_id = ?3 AND y.action = ?4 AND json_extract(t.limits, '$.keys[' || ?5 || ']') = ?6 "
        "ELSE y.tenant = ?7 AND EXISTS (SELECT 1 FROM "
        "(SELECT key AS place, value FROM json_each(y.declaration, '$.concurrency') UNION ALL "
        "SELECT key + coalesce(json_array_length(y.declaration, '$.concurrency'), 0), value "
        "FROM json_each(y.declaration, '$.task_concurrency')) r WHERE json_extract(r.value, '$.name') = ?2 "
        "AND json_extract(t.limits, '$.keys[' || r.place || ']') = ?6) END";
    _Static_assert(CLEAT_RUN_RUNNING == 1 && CLEAT_RUN_EVICTED == 5, "as the statement has them");
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, CLEAT__QUEUE_REASONS_WORK);
    cleat__bind_text(select, 2, rule->name);
    sqlite3_bind_int64(select, 3, self->workflow);
    cleat__bind_text(select, 4, cleat__buffer_slice(&self->action));
    sqlite3_bind_int64(select, 5, (int64_t)place);
    cleat__bind_text(select, 6, key);
    sqlite3_bind_int64(select, 7, self->tenant);
    return cleat__statement_number(self->store, select, out, "counting slots");
}

static void say_slot(waiting *self, const cleat__concurrency *rule, cleat_slice key, int64_t taken,
                     int64_t most)
{
    cleat__buffer text = {0};
    cleat__buffer_append_string(&text, "a slot of ");
    append_given(&text, rule->name.data != NULL ? rule->name : rule->expression);
    cleat__buffer_append_string(&text, " for \"");
    append_given(&text, key);
    cleat__buffer_append_format(&text, "\": %" PRId64 " of %" PRId64 " %s taken", taken, most, are(taken));
    say(self, &text);
}

/* The first rule of which all slots are taken: it stands in line there. */
static cleat_status look_at_slots(waiting *self)
{
    const json_t *keys = json_object_get(self->limits, "keys"),
                 *mosts = json_object_get(self->limits, "max_runs");
    size_t count = self->needs->concurrency != NULL ? self->needs->concurrency->count : 0;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK && !self->has_any; i++) {
        const cleat__concurrency *rule = &self->needs->concurrency->items[i];
        const json_t *key = json_array_get(keys, i), *said = json_array_get(mosts, i);
        const cleat_slice text = {json_string_value(key), json_string_length(key)};
        int64_t taken = 0, most = json_is_integer(said) && json_integer_value(said) > 0
                                      ? json_integer_value(said)
                                      : rule->max_runs;
        if (text.data == NULL) {
            continue;
        }
        status = count_slots(self, rule, i, text, &taken);
        if (status == CLEAT_OK && taken >= most) {
            say_slot(self, rule, text, taken, most);
        }
    }
    return status;
}

/* ---- Rate limits ---- */

static void say_rate(waiting *self, cleat_slice key, int64_t wanted, const cleat__rate_window *window)
{
    cleat__buffer text = {0};
    cleat__buffer_append_format(&text, "%" PRId64 " unit%s of the rate limit ", wanted,
                                wanted == 1 ? "" : "s");
    append_given(&text, key);
    cleat__buffer_append_format(&text, ": %d of %d %s left, all of them again ", window->value, window->limit,
                                are(window->value));
    append_time_to(&text, self, cleat__rate_window_next(window));
    say(self, &text);
}

static cleat_status look_at_rate(waiting *self, cleat_slice key, int64_t wanted)
{
    static const char sql[] =
        "SELECT units, value, window_ms, refilled_at_ms FROM rate_limit WHERE tenant = ?1 AND key = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, self->tenant);
    cleat__bind_text(select, 2, key);
    int code = sqlite3_step(select);
    cleat__rate_window window = {0};
    if (code == SQLITE_ROW) {
        window = (cleat__rate_window){sqlite3_column_int(select, 0), sqlite3_column_int(select, 1),
                                      sqlite3_column_int64(select, 2), sqlite3_column_int64(select, 3)};
    }
    status = cleat__store_rows_end(self->store, select, code, "reading a rate limit");
    if (status == CLEAT_OK && code == SQLITE_ROW) {
        (void)cleat__rate_window_refill(&window, self->now_ms);
        if (window.value < wanted) {
            say_rate(self, key, wanted, &window);
        }
    }
    return status;
}

static cleat_status look_at_rates(waiting *self)
{
    const json_t *rates = json_object_get(self->limits, "rates");
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < json_array_size(rates) && status == CLEAT_OK; i++) {
        const json_t *rate = json_array_get(rates, i), *key = json_array_get(rate, 0);
        if (json_is_string(key)) {
            const cleat_slice text = {json_string_value(key), json_string_length(key)};
            status = look_at_rate(self, text, json_integer_value(json_array_get(rate, 1)));
        }
    }
    return status;
}

/* ---- Batches ---- */

static void say_batch(waiting *self, cleat_slice key, int64_t count, int64_t goes_at_ms)
{
    cleat__buffer text = {0};
    cleat__buffer_append_string(&text, "its batch");
    if (key.size > 0) {
        cleat__buffer_append_string(&text, " of \"");
        append_given(&text, key);
        cleat__buffer_append_byte(&text, '"');
    }
    cleat__buffer_append_format(&text, ": %" PRId64 " of %d %s here, it goes ", count,
                                self->needs->batch->max_size, are(count));
    append_time_to(&text, self, goes_at_ms);
    cleat__buffer_append_string(&text, " at the latest");
    say(self, &text);
}

/* Until there are enough, or the first has waited for long enough. */
static cleat_status look_at_batch(waiting *self)
{
    static const char sql[] =
        "SELECT count(*), min(l.queued_at_ms) FROM (SELECT id, type_id, state, queued_at_ms, is_held FROM "
        "task_live ORDER BY id LIMIT ?1) l JOIN task t ON t.id = l.id WHERE l.type_id = ?2 AND l.state = 0 "
        "AND NOT l.is_held AND json_extract(t.limits, '$.batch') = ?3";
    const json_t *json = json_object_get(self->limits, "batch");
    const cleat_slice key = {json_string_value(json), json_string_length(json)};
    sqlite3_stmt *select = NULL;
    if (self->needs->batch == NULL || key.data == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, CLEAT__QUEUE_REASONS_WORK);
    sqlite3_bind_int64(select, 2, self->type_id);
    cleat__bind_text(select, 3, key);
    int code = sqlite3_step(select);
    int64_t count = code == SQLITE_ROW ? sqlite3_column_int64(select, 0) : 0;
    int64_t goes_at_ms = sqlite3_column_int64(select, 1) + self->needs->batch->interval_ms;
    status = cleat__store_rows_end(self->store, select, code, "counting a batch");
    if (status == CLEAT_OK && count > 0 && count < self->needs->batch->max_size &&
        goes_at_ms > self->now_ms) {
        say_batch(self, key, count, goes_at_ms);
    }
    return status;
}

/* ---- A worker ---- */

static void append_labels(cleat__buffer *text, const cleat__desired_labels *labels, const char **separator)
{
    static const char *const comparators[] = {"=", "!=", ">", ">=", "<", "<="};
    for (size_t i = 0; labels != NULL && i < labels->count; i++) {
        const cleat__desired_label *label = &labels->items[i];
        if (!label->is_required || (size_t)label->comparator >= sizeof(comparators) / sizeof(*comparators)) {
            continue;
        }
        cleat__buffer_append_string(text, *separator);
        append_given(text, label->key);
        cleat__buffer_append_format(text, " %s ", comparators[label->comparator]);
        if (label->value.is_number) {
            cleat__buffer_append_format(text, "%d", (int)label->value.number);
        } else {
            append_given(text, label->value.text);
        }
        *separator = ", ";
    }
}

static void say_worker(waiting *self)
{
    cleat__buffer text = {0};
    const char *separator = ", with ";
    char id[37];
    if (self->needs->sticky == CLEAT__STICKY_HARD && !cleat__uuid_is_nil(&self->wish.worker)) {
        cleat__uuid_format(&self->wish.worker, id);
        cleat__buffer_append_format(&text, "a free slot of the worker %s, to which it is bound", id);
    } else {
        cleat__buffer_append_string(&text, "a worker with a free slot that takes ");
        append_given(&text, cleat__buffer_slice(&self->action));
    }
    append_labels(&text, self->needs->labels, &separator);
    append_labels(&text, self->wish.labels, &separator);
    say(self, &text);
}

/* ---- All of it ---- */

static cleat_status look_at_queue(waiting *self)
{
    cleat_status status = look_at_slots(self);
    if (status == CLEAT_OK && !self->has_any && !self->is_dag) {
        status = look_at_rates(self);
    }
    if (status == CLEAT_OK && !self->has_any && !self->is_dag) {
        status = look_at_batch(self);
    }
    if (status == CLEAT_OK && !self->has_any) {
        if (self->is_dag) {
            say_plain(self, "the first of its tasks to begin");
        } else {
            say_worker(self);
        }
    }
    return status;
}

static cleat_status look(waiting *self)
{
    if (self->is_paused) {
        say_plain(self, "its workflow to go on, which is paused");
    }
    if (self->is_task && self->is_held) {
        return look_at_run(self);
    }
    if (self->is_held && !self->is_dag) {
        say_plain(self, "the end of the run that goes on as it");
        return CLEAT_OK;
    }
    if (self->queued_at_ms > self->now_ms) {
        cleat__buffer text = {0};
        cleat__buffer_append_string(&text, "its next attempt, ");
        append_time_to(&text, self, self->queued_at_ms);
        say(self, &text);
    }
    return self->has_any ? CLEAT_OK : look_at_queue(self);
}

cleat_status cleat__queue_reasons_load(cleat__store *store, const cleat__uuid *run_id, int64_t now_ms,
                                       cleat__buffer *out)
{
    waiting self = {.store = store, .now_ms = now_ms, .out = out, .id = *run_id};
    cleat__buffer_append_byte(out, '[');
    cleat_status status = load_run(&self);
    if (status == CLEAT_OK) {
        status = look(&self);
    }
    cleat__buffer_append_byte(out, ']');
    deinit(&self);
    status = status == CLEAT_EMPTY ? CLEAT_OK : status;
    return status == CLEAT_OK && out->failed ? cleat__fail_memory() : status;
}
