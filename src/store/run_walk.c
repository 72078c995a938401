/*
 * One statement goes through ids from the newest on, which is the order of the tables; which statement depends on where
 * the fewest rows are. What it finds is compared here, so that each row it passes can be counted. What is not wanted by
 * its state is not read: a join with NULL reads nothing. Where all runs are gone through, a second statement goes
 * through those that have ended, as far behind as it is needed: looking each up takes three times as long.
 */
#include "store/run_walk.h"

#include "base/error.h"
#include "store/bind.h"
#include "store/run_match.h"

static const char reading[] = "searching runs";

enum {
    BYTES_PER_ROW = 4096,      /* of texts that are searched: so many take as long as a row, about */
    CLOCK_STEP_MS = 60 * 1000, /* an id may be made of a later time than the run: the clock was set back */
};

typedef struct walk {
    cleat__store *store;
    const cleat__run_search_filter *filter;
    cleat__run_match match;
    cleat__uuid low, high; /* ids: low <= id < high */
    int64_t work;
    bool needs_status;  /* of those that pass */
    sqlite3_stmt *ends; /* NULL: not begun */
    bool is_at_end;     /* it has a row, .. */
    cleat__uuid end_id; /* .. of this run */
} walk;

/* ---- Statements ---- */

enum {
    COLUMN_ID,
    COLUMN_STATE, /* NULL: to be looked for */
    COLUMN_TYPE,  /* NULL: it is not wanted */
    COLUMN_CREATED,
    COLUMN_IS_CHILD,
    COLUMN_METADATA,
    COLUMN_ERROR,
    COLUMN_INPUT
};

/* Texts only where they are compared (?4: metadata; ?5: all), which may take many pages. */
#define COLUMNS(id, state, error)                                                                        \
    "SELECT " id ", " state ", t.type_id, t.created_at_ms, t.parent_id IS NOT NULL, CASE WHEN ?4 OR ?5 " \
    "THEN t.metadata END, CASE WHEN ?5 THEN " error " END, CASE WHEN ?5 THEN t.input END "
#define FROM_NEWEST(id)   "WHERE " id " >= ?1 AND " id " < ?2 ORDER BY " id " DESC"
#define WHERE_WANTED(row) "CASE WHEN ?3 >> " row ".state & 1 THEN " row ".id END "

static const char *choose(const cleat__run_search_filter *filter)
{
    static const char all[] = COLUMNS("t.id", "NULL", "NULL") "FROM task t " FROM_NEWEST("t.id");
    static const char ended[] =
        COLUMNS("e.id", "e.state", "e.error") "FROM task_end e LEFT JOIN task t ON t.id = " WHERE_WANTED("e")
            FROM_NEWEST("e.id");
    static const char live[] =
        COLUMNS("l.id", "l.state", "NULL") "FROM task_live l LEFT JOIN task t ON t.id = " WHERE_WANTED("l")
            FROM_NEWEST("l.id");
    /* In the order of the index they come by key: those that are looked at are sorted first. */
    static const char children[] = COLUMNS(
        "c.id", "coalesce(e.state, l.state)",
        "e.error") "FROM (SELECT id FROM task WHERE (parent_id = ?6 OR dag_id = ?6) AND id >= ?1 AND id < ?2 "
                   "ORDER BY id DESC "
                   "LIMIT ?7) c "
                   "JOIN task t ON t.id = c.id LEFT JOIN task_end e ON e.id = t.id "
                   "LEFT JOIN task_live l ON l.id = CASE WHEN e.id IS NULL THEN t.id END ORDER BY c.id DESC";
    const unsigned ends = 1U << CLEAT_RUN_COMPLETED | 1U << CLEAT_RUN_FAILED | 1U << CLEAT_RUN_CANCELLED;
    if (filter->parent != NULL) {
        return children;
    }
    if (filter->statuses != 0 && (filter->statuses & ~ends) == 0) {
        return ended;
    }
    return filter->statuses != 0 && (filter->statuses & ends) == 0 ? live : all;
}

/* The first id behind those that are asked for. */
static cleat__uuid upper_bound(const cleat__run_search_filter *filter)
{
    cleat__uuid bound;
    memset(bound.bytes, 0xFF, sizeof(bound.bytes));
    if (filter->until_ms > 0 && filter->until_ms < (INT64_C(1) << 48) - 2 * CLOCK_STEP_MS) {
        bound = cleat__uuid_first(filter->until_ms + 1 + CLOCK_STEP_MS);
    }
    return filter->before != NULL && memcmp(filter->before, &bound, sizeof(bound)) < 0 ? *filter->before
                                                                                       : bound;
}

static cleat_status prepare(walk *self, sqlite3_stmt **out)
{
    const cleat__run_search_filter *filter = self->filter;
    cleat_status status = cleat__store_prepare(self->store, choose(filter), out);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(*out, 1, &self->low);
    cleat__bind_uuid(*out, 2, &self->high);
    sqlite3_bind_int64(*out, 3, filter->statuses != 0 ? filter->statuses : UINT32_MAX);
    sqlite3_bind_int(*out, 4, filter->metadata_count != 0);
    sqlite3_bind_int(*out, 5, cleat__run_match_asks_text(&self->match));
    if (filter->parent != NULL) {
        cleat__bind_uuid(*out, 6, filter->parent);
        sqlite3_bind_int64(*out, 7, self->work + 1); /* one more says that there are more */
    }
    return CLEAT_OK;
}

/* ---- States of all runs ---- */

static cleat_status prepare_ends(walk *self)
{
    static const char sql[] =
        "SELECT id, state, error FROM task_end WHERE id >= ?1 AND id < ?2 ORDER BY id DESC";
    cleat_status status = cleat__store_prepare(self->store, sql, &self->ends);
    if (status == CLEAT_OK) {
        cleat__bind_uuid(self->ends, 1, &self->low);
        cleat__bind_uuid(self->ends, 2, &self->high);
        self->is_at_end = true;
        memset(self->end_id.bytes, 0xFF, sizeof(self->end_id.bytes));
    }
    return status;
}

/* Goes back to the end of the run, or behind where that would be. */
static cleat_status go_to_end(walk *self, const cleat__uuid *id)
{
    cleat_status status = self->ends == NULL ? prepare_ends(self) : CLEAT_OK;
    while (status == CLEAT_OK && self->is_at_end && memcmp(&self->end_id, id, sizeof(*id)) > 0) {
        int code = sqlite3_step(self->ends);
        self->is_at_end = code == SQLITE_ROW;
        if (self->is_at_end) {
            cleat__column_uuid(self->ends, 0, &self->end_id);
        } else {
            status = cleat__store_rows_end(self->store, self->ends, code, reading);
        }
    }
    return status;
}

static cleat_status load_live_state(walk *self, const cleat__uuid *id, int *out)
{
    static const char sql[] = "SELECT state FROM task_live WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code = sqlite3_step(select);
    *out = code == SQLITE_ROW ? sqlite3_column_int(select, 0) : -1;
    return cleat__store_rows_end(self->store, select, code, reading);
}

static cleat_status find_state(walk *self, const cleat__uuid *id, int *state, cleat_slice *error)
{
    cleat_status status = go_to_end(self, id);
    if (status != CLEAT_OK || !self->is_at_end || !cleat__uuid_equals(&self->end_id, id)) {
        return status == CLEAT_OK ? load_live_state(self, id, state) : status;
    }
    *state = sqlite3_column_int(self->ends, 1);
    if (cleat__run_match_asks_text(&self->match)) {
        *error = cleat__column_text(self->ends, 2);
    }
    return CLEAT_OK;
}

/* ---- A row ---- */

/* What is cheap to say of most rows. */
static cleat_status compare(walk *self, sqlite3_stmt *select, const cleat__run_seen *run, bool *has_text,
                            bool *passes)
{
    const cleat__run_search_filter *filter = self->filter;
    const cleat__run_type *type = NULL;
    *passes = sqlite3_column_type(select, COLUMN_TYPE) != SQLITE_NULL &&
              run->created_at_ms >= filter->since_ms &&
              (filter->until_ms == 0 || run->created_at_ms <= filter->until_ms) &&
              !(filter->without_parent && sqlite3_column_int(select, COLUMN_IS_CHILD) != 0);
    if (!*passes) {
        return CLEAT_OK;
    }
    cleat_status status =
        cleat__run_match_type(&self->match, sqlite3_column_int64(select, COLUMN_TYPE), &type);
    *passes = status == CLEAT_OK && type->is_wanted &&
              cleat__run_match_metadata(&self->match, cleat__column_text(select, COLUMN_METADATA));
    *has_text = !cleat__run_match_asks_text(&self->match) || (*passes && type->has_text);
    return status;
}

static bool has_text(walk *self, sqlite3_stmt *select, const cleat__uuid *id, cleat_slice error)
{
    if (cleat__run_match_id(&self->match, id) || cleat__run_match_error(&self->match, error) ||
        cleat__run_match_json(&self->match, cleat__column_text(select, COLUMN_METADATA))) {
        return true;
    }
    cleat_slice input = cleat__column_text(select, COLUMN_INPUT);
    self->work -= (int64_t)(input.size / BYTES_PER_ROW);
    return cleat__run_match_json(&self->match, input);
}

static cleat_status look_at(walk *self, sqlite3_stmt *select, cleat__run_seen *run, bool *passes)
{
    const unsigned statuses = self->filter->statuses;
    bool has_it = false;
    bool needs_state = statuses != 0 || self->needs_status || cleat__run_match_asks_text(&self->match);
    int state = sqlite3_column_int(select, COLUMN_STATE);
    cleat_slice error = cleat__column_text(select, COLUMN_ERROR);
    run->created_at_ms = sqlite3_column_int64(select, COLUMN_CREATED);
    cleat_status status = compare(self, select, run, &has_it, passes);
    if (status == CLEAT_OK && *passes && needs_state &&
        sqlite3_column_type(select, COLUMN_STATE) == SQLITE_NULL) {
        status = find_state(self, &run->id, &state, &error);
    }
    if (status != CLEAT_OK || !*passes) {
        return status;
    }
    run->status = (cleat_run_status)state;
    *passes = state >= 0 && state < CLEAT__RUN_STATES && (statuses == 0 || (statuses >> state & 1U) != 0) &&
              (has_it || has_text(self, select, &run->id, error));
    return CLEAT_OK;
}

/* ---- All ---- */

static cleat_status go(walk *self, sqlite3_stmt *select,
                       bool (*see)(void *argument, const cleat__run_seen *run), void *argument,
                       cleat__run_search_end *end)
{
    cleat_status status = CLEAT_OK;
    cleat__run_seen run = {.created_at_ms = 0};
    bool wants_more = true;
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        bool passes = false;
        if (!wants_more || self->work <= 0) {
            end->has_next = true;
            end->next = run.id;
            end->searched_to_ms = cleat__uuid_time(&run.id);
            break;
        }
        self->work--;
        cleat__column_uuid(select, COLUMN_ID, &run.id);
        status = look_at(self, select, &run, &passes);
        wants_more = status == CLEAT_OK && (!passes || see(argument, &run));
    }
    if (self->ends != NULL) {
        sqlite3_reset(self->ends);
    }
    cleat_status last =
        cleat__store_rows_end(self->store, select, status == CLEAT_OK ? code : SQLITE_ROW, reading);
    return status == CLEAT_OK ? last : status;
}

cleat_status cleat__run_walk(cleat__store *store, const cleat__run_search_filter *filter, int64_t work,
                             bool needs_status, bool (*see)(void *argument, const cleat__run_seen *run),
                             void *argument, cleat__run_search_end *end)
{
    walk self = {
        .store = store,
        .filter = filter,
        .low = cleat__uuid_first(filter->since_ms > 0 ? filter->since_ms : 0),
        .high = upper_bound(filter),
        .work = work > 0 ? work : 1,
        .needs_status = needs_status,
    };
    sqlite3_stmt *select = NULL;
    *end = (cleat__run_search_end){.has_next = false};
    cleat_status status = cleat__run_match_init(&self.match, store, filter);
    if (status == CLEAT_OK) {
        status = prepare(&self, &select);
    }
    if (status == CLEAT_OK) {
        status = go(&self, select, see, argument, end);
    }
    cleat__run_match_deinit(&self.match);
    return status;
}
