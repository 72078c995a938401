/* What is old goes while the world goes on: looked for at one time, removed piece by piece some time later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"
#include "model/continued.h"
#include "store/bind.h"
#include "store/statement.h"

/* ---- Looking ---- */

static void read_page(sim_world *world, sim_expiry *page)
{
    cleat__store *store = world->core->store;
    cleat_status status = CLEAT_OK;
    switch (page->kind) {
    case EXPIRES_RUNS: status = cleat__expired_runs(store, page->before_ms, &page->found); break;
    case EXPIRES_EVENTS: status = cleat__expired_events(store, page->before_ms, &page->found); break;
    default: status = cleat__expired_rest(store, &page->found);
    }
    world_check(world, status == CLEAT_OK, "looking for what is old: %s", cleat_error_message());
}

/* All that is there has its name, so that what goes is known. */
static void look(sim_world *world)
{
    sim_expiry *page = &world->expiry;
    world_audit(world, false);
    *page = (sim_expiry){.kind = (sim_expires)pick(world, EXPIRES_KINDS),
                         .before_ms = world->now.unix_ms - WORLD_KEPT_MS};
    read_page(world, page);
}

/* ---- Removing ---- */

/* What is stored of a run, as far as its age matters. */
typedef struct remains {
    bool is_there, has_ended, has_parent, has_dag;
    cleat__uuid parent; /* that is there; */
    bool is_next;       /* and may have gone on as it */
    cleat__uuid named;  /* by its output; nil: none */
    int64_t ended_ms;
} remains;

static remains read_remains(const sim_world *world, cleat__store *store, const cleat__uuid *id)
{
    static const char sql[] =
        "SELECT e.finished_at_ms, p.id, d.id, t.child_key, CASE e.state WHEN 2 THEN e.output END "
        "FROM task t LEFT JOIN task_end e ON e.id = t.id "
        "LEFT JOIN task p ON p.id = t.parent_id LEFT JOIN task d ON d.id = t.dag_id WHERE t.id = ?1";
    enum { ENDED, PARENT, DAG, KEY, OUTPUT };
    sqlite3_stmt *row = NULL;
    remains is = {.is_there = false};
    world_check(world, cleat__statement_of_run(store, sql, id, &row) == CLEAT_OK, "%s",
                cleat_error_message());
    is.is_there = sqlite3_step(row) == SQLITE_ROW;
    if (is.is_there) {
        is.ended_ms = sqlite3_column_int64(row, ENDED);
        is.has_ended = sqlite3_column_type(row, ENDED) != SQLITE_NULL;
        is.has_parent = cleat__column_uuid(row, PARENT, &is.parent);
        is.has_dag = sqlite3_column_type(row, DAG) != SQLITE_NULL;
        is.is_next =
            sqlite3_strglob(CLEAT__CONTINUED_MARK "*", (const char *)sqlite3_column_text(row, KEY)) == 0;
        if (!cleat__continued_parse(cleat__column_text(row, OUTPUT), &is.named)) {
            is.named = (cleat__uuid){{0}};
        }
    }
    sqlite3_reset(row);
    return is;
}

/* Whether it has gone on as another one that is there: that one, too. */
static bool goes_on(const sim_world *world, cleat__store *store, const cleat__uuid *id, remains *next)
{
    const remains is = read_remains(world, store, id);
    *next = read_remains(world, store, &is.named);
    return next->is_there && next->is_next && next->has_parent && cleat__uuid_equals(&next->parent, id);
}

/* By what is stored, said in another way: nobody may ask for it any more. Of a chain the first one is asked for as long as
 * the last one is there, the last one with its parent, and those between by nobody. */
static bool is_to_go(const sim_world *world, cleat__store *store, const cleat__uuid *id, int64_t before_ms)
{
    const remains is = read_remains(world, store, id);
    remains next, behind, same;
    if (!is.has_ended || is.ended_ms >= before_ms || is.has_dag) {
        return false;
    }
    bool has_next = goes_on(world, store, id, &next);
    if (has_next && is.has_parent && goes_on(world, store, &is.parent, &same)) {
        const remains former = read_remains(world, store, &is.parent);
        return cleat__uuid_equals(&former.named, id);
    }
    return !is.has_parent && !(has_next && (!next.has_ended || next.ended_ms >= before_ms ||
                                            goes_on(world, store, &is.named, &behind)));
}

static cleat_status remove_one(sim_slip *slip, cleat__store *store, size_t at)
{
    const sim_piece *piece = &slip->piece;
    const cleat__uuid *id = &piece->ids[at];
    int64_t rows = piece->rows;
    bool was_removed = true;
    switch (piece->kind) {
    case EXPIRES_RUNS: {
        bool is_old = is_to_go(slip->world, store, id, piece->before_ms);
        cleat_status status = cleat__expire_run(store, id, piece->before_ms, &rows, &was_removed);
        world_check(slip->world, status != CLEAT_OK || was_removed == is_old, "a run is %s",
                    is_old ? "kept for nobody" : "lost");
        slip->piece.was_removed[at] = was_removed;
        return status;
    }
    case EXPIRES_EVENTS: slip->piece.was_removed[at] = true; return cleat__expire_event(store, id);
    default: return cleat__expire_rest(store, id, &rows);
    }
}

static cleat_status remove_piece(cleat__store *store, void *argument)
{
    sim_slip *slip = argument;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < slip->piece.count && status == CLEAT_OK; i++) {
        status = remove_one(slip, store, i);
    }
    return status;
}

static known *find_source(sim_world *world, const cleat__uuid *id)
{
    for (size_t i = 0; i < world->task_count; i++) {
        if (world->tasks[i].is_pushed && cleat__uuid_equals(&world->tasks[i].source_id, id)) {
            return &world->tasks[i];
        }
    }
    return NULL;
}

/* Where what became of it is written down; NULL: nobody asks. */
static sim_removal *removal_of(sim_world *world, sim_expires kind, const cleat__uuid *id)
{
    size_t task = kind == EXPIRES_RUNS ? world_find(world, id) : NOBODY;
    known *source = kind == EXPIRES_EVENTS ? find_source(world, id) : NULL;
    world_check(world, kind != EXPIRES_RUNS || task != NOBODY, "an unknown run is old");
    return task != NOBODY ? &world->tasks[task].removal : source != NULL ? &source->event_removal : NULL;
}

/* Whether somebody does already. */
static bool is_under_way(const sim_world *world)
{
    const sim_slip *slip = world->slips;
    while (slip != NULL && slip->piece.count == 0) {
        slip = slip->next;
    }
    return slip != NULL;
}

sim_slip *world_expire(sim_world *world)
{
    sim_expiry *page = &world->expiry;
    if (is_under_way(world)) {
        return NULL;
    }
    if (page->next >= page->found.count) {
        look(world);
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_CALL);
    sim_piece *piece = &made->piece;
    made->world = world;
    *piece =
        (sim_piece){.kind = page->kind, .before_ms = page->before_ms, .rows = 1 + (int64_t)pick(world, 5)};
    for (size_t most = 1 + (size_t)pick(world, WORLD_PIECE);
         piece->count < most && page->next < page->found.count; page->next++) {
        sim_removal *removal = removal_of(world, page->kind, &page->found.ids[page->next]);
        if (removal != NULL && *removal == REMOVED_NOT) {
            *removal = REMOVED_PERHAPS;
        }
        piece->ids[piece->count++] = page->found.ids[page->next];
    }
    made->command.as.call.function = remove_piece;
    made->command.as.call.argument = made;
    return made;
}

void world_answered_expiry(sim_world *world, const sim_slip *slip)
{
    const sim_piece *piece = &slip->piece;
    world_check(world, slip->command.status == CLEAT_OK, "removing what is old: %s", slip->command.error);
    for (size_t i = 0; i < piece->count; i++) {
        sim_removal *removal = removal_of(world, piece->kind, &piece->ids[i]);
        if (removal != NULL && *removal == REMOVED_PERHAPS) {
            *removal = piece->was_removed[i] ? REMOVED : REMOVED_NOT;
            world->seen.removed += piece->was_removed[i];
        }
    }
}

/* ---- At the end of all ---- */

void world_check_gone(const sim_world *world)
{
    static const char *const tables[] = {
        "task",   "task_end",     "task_live",         "attempt",       "task_log",           "task_trigger",
        "stream", "stream_chunk", "durable_run",       "durable_entry", "durable_invocation", "removed_run",
        "event",  "schedule",     "durable_condition",
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        char sql[64];
        sqlite3_stmt *select = NULL;
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
        world_check(world, cleat__store_prepare(world->core->store, sql, &select) == CLEAT_OK, "%s",
                    tables[i]);
        world_check(world, sqlite3_step(select) == SQLITE_ROW && sqlite3_column_int(select, 0) == 0,
                    "%d rows of table %s stay for ever", sqlite3_column_int(select, 0), tables[i]);
        sqlite3_reset(select);
    }
}
