/* What is stored, compared with what is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"

typedef struct sim_audit {
    sim_world *world;
    bool must_have_ended;
    world_stored stored[WORLD_TASKS]; /* as a run */
    bool is_dag[WORLD_TASKS];
    bool is_event[WORLD_TASKS];     /* as an event */
    bool is_scheduled[WORLD_TASKS]; /* as a schedule */
} sim_audit;

/* Columns of a row of the audit. */
enum {
    ID,
    INPUT,
    METADATA,
    LIVE,
    END,
    OUTPUT,
    CREATED_MS,
    TENANT,
    DAG_ID,
    TASK_NAME,
    OUTCOME,
    IS_HELD,
    IS_DAG
};

static cleat_slice text_of(sqlite3_stmt *row, int column)
{
    return cleat_slice_of((const char *)sqlite3_column_text(row, column));
}

static cleat__uuid id_of(sqlite3_stmt *row, int column)
{
    cleat__uuid id;
    memcpy(id.bytes, sqlite3_column_blob(row, column), sizeof(id.bytes));
    return id;
}

/* Runs come before their tasks. */
static size_t find_row(sim_world *world, sqlite3_stmt *row)
{
    cleat__uuid id = id_of(row, ID);
    if (sqlite3_column_type(row, DAG_ID) == SQLITE_NULL) {
        return world_find_run(world, sqlite3_column_int64(row, TENANT), &id, text_of(row, INPUT),
                              text_of(row, METADATA));
    }
    cleat__uuid dag_id = id_of(row, DAG_ID);
    size_t root = world_find(world, &dag_id), index = world_find(world, &id);
    world_check(world, root != NOBODY, "a task of an unknown run is stored");
    return index != NOBODY ? index : world_name_task(world, root, &id, text_of(row, TASK_NAME));
}

static void check_texts(const sim_world *world, const known *task, sqlite3_stmt *row)
{
    const known *run = task->step != NULL ? &world->tasks[task->root] : task;
    const char *input = (const char *)sqlite3_column_text(row, INPUT);
    const char *metadata = (const char *)sqlite3_column_text(row, METADATA);
    world_check(world, strcmp(input, task->step != NULL ? "{}" : task->input) == 0, "%s is stored as %s",
                task->input, input);
    world_check(world,
                run->is_pushed || run->is_by_hand ||
                    strcmp(metadata != NULL ? metadata : "", run->metadata) == 0,
                "metadata of %s is stored as %s", task->input, metadata);
    world_check(world, !task->is_scheduled || sqlite3_column_int64(row, CREATED_MS) >= task->at_ms,
                "%s ran before its time", task->input);
}

static void audit_row(sim_audit *audit, sqlite3_stmt *row)
{
    sim_world *world = audit->world;
    size_t index = find_row(world, row);
    world_check(world, index != NOBODY, "an unknown run is stored, or one twice");
    known *task = &world->tasks[index];
    check_texts(world, task, row);
    bool is_live = sqlite3_column_type(row, LIVE) != SQLITE_NULL,
         has_ended = sqlite3_column_type(row, END) != SQLITE_NULL;
    world_check(world, is_live != has_ended, "%s lives and has ended, or neither", task->input);
    audit->stored[index] = (world_stored){
        .state = sqlite3_column_int(row, has_ended ? END : LIVE),
        .is_skipped = cleat_slice_equals(text_of(row, OUTCOME), cleat_slice_of("SKIPPED")),
        .is_free = is_live && sqlite3_column_int(row, IS_HELD) == 0,
    };
    audit->is_dag[index] = sqlite3_column_int(row, IS_DAG) != 0;
    world_check(world, audit->is_dag[index] == task->is_dag, "%s is of one task, or of several", task->input);
    if (has_ended) {
        const char *output = (const char *)sqlite3_column_text(row, OUTPUT);
        world_set_end(world, task, sqlite3_column_int(row, END), output != NULL ? output : "");
    }
    world_check(world, has_ended || task->end < 0 || task->is_replayed, "%s has come back to life",
                task->input);
    world_check(world, has_ended || !audit->must_have_ended, "%s has not ended", task->input);
}

/* Each row of the only column is the input of something that the world knows, once. */
static void audit_sources(sim_audit *audit, cleat__store *store, const char *sql, bool *is_there)
{
    sim_world *world = audit->world;
    sqlite3_stmt *select = NULL;
    world_check(world, cleat__store_prepare(store, sql, &select) == CLEAT_OK, "audit: %s",
                cleat_error_message());
    while (sqlite3_step(select) == SQLITE_ROW) {
        const char *input = (const char *)sqlite3_column_text(select, 0);
        size_t index = 0;
        while (index < world->task_count && strcmp(world->tasks[index].input, input) != 0) {
            index++;
        }
        world_check(world, index < world->task_count && !is_there[index], "%s is unknown, or there twice",
                    input);
        is_there[index] = true;
    }
    sqlite3_reset(select);
}

static cleat_status audit_store(cleat__store *store, void *argument)
{
    static const char sql[] =
        "SELECT t.id, t.input, t.metadata, l.state, e.state, e.output, t.created_at_ms, y.tenant, t.dag_id, "
        "y.task_name, e.outcome, l.is_held, y.dag_type IS 0 FROM task t JOIN task_type y ON y.id = t.type_id "
        "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id "
        "ORDER BY t.dag_id IS NOT NULL";
    sim_audit *audit = argument;
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    world_check(audit->world, status == CLEAT_OK, "audit: %s", cleat_error_message());
    while (sqlite3_step(select) == SQLITE_ROW) {
        audit_row(audit, select);
    }
    sqlite3_reset(select);
    world_audit_ends(audit->world, store);
    world_audit_keys(audit->world, store);
    world_audit_crons(audit->world, store);
    world_audit_filters(audit->world, store);
    audit_sources(audit, store, "SELECT payload FROM event", audit->is_event);
    audit_sources(audit, store, "SELECT input FROM schedule", audit->is_scheduled);
    return CLEAT_OK;
}

/* Who asked for it was never answered, but now it can be seen. */
static void settle(sim_removal *removal, bool is_there)
{
    if (*removal == REMOVED_PERHAPS) {
        *removal = is_there ? REMOVED_NOT : REMOVED;
    }
}

static void check_pushed(const sim_world *world, const known *task, bool is_event, bool is_run)
{
    bool was_run = is_run || task->removal == REMOVED;
    world_check(world, !is_run || is_event, "%s: its event is lost", task->input);
    world_check(world, !is_event || was_run || !task->starts || task->has_idempotency_key,
                "%s: the event started nothing", task->input);
    world_check(world, !task->is_acknowledged || is_event || task->event_removal == REMOVED,
                "event %s is lost", task->input);
}

static void check_scheduled(const sim_world *world, const known *task, bool is_scheduled, bool is_run)
{
    bool is_gone = task->removal == REMOVED;
    world_check(world, !((is_run || is_gone) && is_scheduled), "%s runs, and will run again", task->input);
    world_check(world, !task->has_fired || is_run || is_gone, "%s has fired, and is lost", task->input);
    world_check(world, !task->is_taken_back || !(is_run || is_scheduled), "%s is still there", task->input);
    world_check(world,
                !task->is_acknowledged || is_run || is_gone || is_scheduled || task->is_taken_back ||
                    task->is_in_doubt,
                "schedule %s is lost", task->input);
}

/* What was acknowledged is there: a run; an event, with its run if it starts one; a schedule, or its run. */
static void check_stored(const sim_world *world, sim_audit *audit, size_t index)
{
    known *task = &audit->world->tasks[index];
    bool is_run = audit->stored[index].state >= 0;
    settle(&task->removal, is_run);
    settle(&task->event_removal, audit->is_event[index]);
    world_check(world, !is_run || !task->is_refused, "%s was refused, and is there", task->input);
    world_check(world, !is_run || task->removal == REMOVED_NOT, "%s was removed, and is there", task->input);
    if (task->is_pushed) {
        check_pushed(world, task, audit->is_event[index], is_run);
    } else if (task->is_scheduled) {
        check_scheduled(world, task, audit->is_scheduled[index], is_run);
        world_check(world, !(audit->is_scheduled[index] && audit->must_have_ended), "%s has not fired",
                    task->input);
    } else {
        world_check(world, !task->is_acknowledged || is_run || task->removal == REMOVED,
                    "%s was acknowledged and is lost", task->input);
    }
}

void world_audit(sim_world *world, bool must_have_ended)
{
    static sim_audit audit;
    audit = (sim_audit){.world = world, .must_have_ended = must_have_ended};
    for (size_t i = 0; i < WORLD_TASKS; i++) {
        audit.stored[i].state = -1;
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CALL, .as.call = {audit_store, &audit}};
    cleat__core_apply(world->core, world->now, &command);
    cleat__core_commit(world->core);
    cleat__core_release(world->core);
    for (size_t i = 0; i < world->task_count; i++) {
        check_stored(world, &audit, i);
        if (audit.is_dag[i]) {
            world_check_stored_dag(world, audit.stored, i);
        }
        world_check_stored_next(world, audit.stored, i);
    }
}
