/*
 * One statement goes through ids from the newest on, which is the order of the table; which statement depends on where
 * the fewest rows are. What it finds is compared here, so that each row it passes can be counted. A run's own row
 * is only read where its state is wanted: a join with NULL reads nothing.
 */
#define _GNU_SOURCE /* memmem */
#include "store/run_walk.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "base/needle.h"
#include "model/metadata.h"
#include "store/bind.h"

#include <jansson.h>

static const char reading[] = "searching runs";

enum {
    BYTES_PER_ROW = 4096,      /* of texts that are searched: so many take as long as a row, about */
    CLOCK_STEP_MS = 60 * 1000, /* an id may be made of a later time than the run: the clock was set back */
    FORMS = 3,                 /* of a text */
};

/* What is known of a version of a workflow. */
typedef struct type {
    int64_t id;
    bool is_wanted; /* the tenant's, and of the workflow that is asked for */
    bool has_text;  /* in its names */
} type;

typedef struct walk {
    cleat__store *store;
    const cleat__run_search_filter *filter;
    /* As it is; as JSON writes it, also with nothing but ASCII. Those that are like others are empty. */
    cleat__needle text[FORMS];
    bool may_be_id; /* the text: a part of one */
    cleat__map types;
    int64_t work;
} walk;

/* ---- Texts ---- */

/* Without the quotes. What cannot be JSON has no such form. */
static cleat_status init_form(cleat__needle *needle, cleat_slice text, size_t flags)
{
    json_t *value = json_stringn_nocheck(text.data, text.size);
    char *written = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | flags) : NULL;
    json_decref(value);
    if (written == NULL) {
        return CLEAT_OK;
    }
    cleat_slice inside = {written + 1, strlen(written) - 2};
    cleat_status status = cleat_slice_equals(inside, text) ? CLEAT_OK : cleat__needle_init(needle, inside);
    free(written);
    return status;
}

static cleat_status init_text(walk *self)
{
    static const char digits[] = "0123456789abcdefABCDEF-";
    cleat_slice text = self->filter->text;
    if (text.size == 0) {
        return CLEAT_OK;
    }
    self->may_be_id = text.size <= 36;
    for (size_t i = 0; i < text.size; i++) {
        self->may_be_id = self->may_be_id && memchr(digits, text.data[i], sizeof(digits) - 1) != NULL;
    }
    cleat_status status = cleat__needle_init(&self->text[0], text);
    if (status == CLEAT_OK) {
        status = init_form(&self->text[1], text, 0);
    }
    return status == CLEAT_OK ? init_form(&self->text[2], text, JSON_ENSURE_ASCII) : status;
}

static bool wants_text(const walk *self)
{
    return self->text[0].size != 0;
}

static bool is_in_json(const walk *self, cleat_slice json)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (self->text[i].size != 0 && cleat__needle_is_in(&self->text[i], json)) {
            return true;
        }
    }
    return false;
}

static bool is_in_id(const walk *self, const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return self->may_be_id && cleat__needle_is_in(&self->text[0], cleat_slice_of(text));
}

/* ---- Versions ---- */

static void read_type(const walk *self, sqlite3_stmt *select, type *out)
{
    const cleat__run_search_filter *filter = self->filter;
    cleat_slice workflow = cleat__column_text(select, 1);
    out->is_wanted = sqlite3_column_int64(select, 0) == filter->tenant &&
                     (filter->workflow.size == 0 || cleat_slice_equals(workflow, filter->workflow));
    out->has_text = cleat__needle_is_in(&self->text[0], workflow) ||
                    cleat__needle_is_in(&self->text[0], cleat__column_text(select, 2)) ||
                    cleat__needle_is_in(&self->text[0], cleat__column_text(select, 3));
}

static cleat_status load_type(walk *self, type *out)
{
    static const char sql[] = "SELECT y.tenant, w.name, y.task_name, y.action FROM task_type y "
                              "JOIN workflow w ON w.id = y.workflow_id WHERE y.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, out->id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_type(self, select, out);
    }
    return cleat__store_rows_end(self->store, select, code, reading);
}

static cleat_slice key_of(const int64_t *id)
{
    return (cleat_slice){(const char *)id, sizeof(*id)};
}

static cleat_status get_type(walk *self, int64_t id, const type **out)
{
    type *found = cleat__map_get(&self->types, key_of(&id));
    *out = found;
    if (found != NULL) {
        return CLEAT_OK;
    }
    *out = found = cleat__calloc(1, sizeof(*found));
    if (found == NULL) {
        return cleat__fail_memory();
    }
    found->id = id;
    cleat_status status = load_type(self, found);
    if (status == CLEAT_OK) {
        status = cleat__map_put(&self->types, key_of(&found->id), found);
    }
    if (status != CLEAT_OK) {
        cleat__free(found);
    }
    return status;
}

static void deinit(walk *self)
{
    type *each;
    size_t cursor = 0;
    while ((each = cleat__map_next(&self->types, &cursor)) != NULL) {
        cleat__free(each);
    }
    cleat__map_deinit(&self->types);
    for (size_t i = 0; i < FORMS; i++) {
        cleat__needle_deinit(&self->text[i]);
    }
}

/* ---- Statements ---- */

enum { COLUMN_ID, COLUMN_STATE, COLUMN_TYPE, COLUMN_CREATED, COLUMN_METADATA, COLUMN_ERROR, COLUMN_INPUT };

/* Texts only where they are compared (?4: metadata; ?5: all), which may take many pages. */
#define COLUMNS(id, state)                                                                                \
    "SELECT " id ", " state ", t.type_id, t.created_at_ms, CASE WHEN ?4 OR ?5 THEN t.metadata END, CASE " \
    "WHEN ?5 THEN e.error END, CASE WHEN ?5 THEN t.input END "
#define BETWEEN(id)       "WHERE " id " >= ?1 AND " id " < ?2 "
#define NEWEST_FIRST(id)  "ORDER BY " id " DESC"
#define WHERE_WANTED(row) "CASE WHEN ?3 >> " row ".state & 1 THEN " row ".id END "

static const char *choose(const cleat__run_search_filter *filter)
{
    static const char all[] =
        COLUMNS("t.id", "coalesce(e.state, l.state)") "FROM task t LEFT JOIN task_end e ON e.id = t.id "
                                                      "LEFT JOIN task_live l ON l.id = CASE WHEN e.id IS "
                                                      "NULL THEN t.id END " BETWEEN("t.id")
                                                          NEWEST_FIRST("t.id");
    static const char ended[] =
        COLUMNS("e.id", "e.state") "FROM task_end e LEFT JOIN task t ON t.id = " WHERE_WANTED("e")
            BETWEEN("e.id") NEWEST_FIRST("e.id");
    static const char live[] =
        COLUMNS("l.id", "l.state") "FROM task_live l LEFT JOIN task t ON t.id = " WHERE_WANTED(
            "l") "LEFT JOIN task_end e ON e.id = NULL " BETWEEN("l.id") NEWEST_FIRST("l.id");
    /* In the order of the index they come by key: those that are looked at are sorted first. */
    static const char children[] = COLUMNS(
        "c.id",
        "coalesce(e.state, l.state)") "FROM (SELECT id FROM task WHERE parent_id = ?6 AND id >= ?1 "
                                      "AND id < ?2 ORDER BY id DESC LIMIT ?7) c JOIN task t ON t.id = c.id "
                                      "LEFT JOIN task_end e ON e.id = t.id "
                                      "LEFT JOIN task_live l ON l.id = CASE WHEN e.id IS NULL THEN t.id "
                                      "END " NEWEST_FIRST("c.id");
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
    const cleat__uuid low = cleat__uuid_first(filter->since_ms > 0 ? filter->since_ms : 0);
    const cleat__uuid high = upper_bound(filter);
    cleat_status status = cleat__store_prepare(self->store, choose(filter), out);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_bind_blob(*out, 1, low.bytes, sizeof(low.bytes), SQLITE_TRANSIENT) != SQLITE_OK ||
        sqlite3_bind_blob(*out, 2, high.bytes, sizeof(high.bytes), SQLITE_TRANSIENT) != SQLITE_OK) {
        return cleat__fail_memory();
    }
    sqlite3_bind_int64(*out, 3, filter->statuses != 0 ? filter->statuses : UINT32_MAX);
    sqlite3_bind_int(*out, 4, filter->metadata_count != 0);
    sqlite3_bind_int(*out, 5, wants_text(self));
    if (filter->parent != NULL) {
        cleat__bind_uuid(*out, 6, filter->parent);
        sqlite3_bind_int64(*out, 7, self->work + 1); /* one more says that there are more */
    }
    return CLEAT_OK;
}

/* ---- A row ---- */

/* Cheap to say of most rows: what is not written in them is not their value either. */
static bool may_say(cleat_slice metadata, cleat_slice value)
{
    return metadata.size != 0 && (memchr(metadata.data, '\\', metadata.size) != NULL || value.size == 0 ||
                                  memmem(metadata.data, metadata.size, value.data, value.size) != NULL);
}

static bool has_metadata(const walk *self, cleat_slice metadata)
{
    const cleat__run_search_filter *filter = self->filter;
    for (size_t i = 0; i < filter->metadata_count; i++) {
        const cleat__run_pair *pair = &filter->metadata[i];
        if (!may_say(metadata, pair->value) || !cleat__metadata_says(metadata, pair->key, pair->value)) {
            return false;
        }
    }
    return true;
}

static bool has_text(walk *self, sqlite3_stmt *select, const type *of, const cleat__uuid *id)
{
    if (!wants_text(self) || of->has_text || is_in_id(self, id) ||
        is_in_json(self, cleat__column_text(select, COLUMN_METADATA)) ||
        cleat__needle_is_in(&self->text[0], cleat__column_text(select, COLUMN_ERROR))) {
        return true;
    }
    cleat_slice input = cleat__column_text(select, COLUMN_INPUT);
    self->work -= (int64_t)(input.size / BYTES_PER_ROW);
    return is_in_json(self, input);
}

static cleat_status compare(walk *self, sqlite3_stmt *select, cleat__run_seen *run, bool *passes)
{
    const cleat__run_search_filter *filter = self->filter;
    const type *of = NULL;
    run->status = (cleat_run_status)sqlite3_column_int(select, COLUMN_STATE);
    run->created_at_ms = sqlite3_column_int64(select, COLUMN_CREATED);
    *passes = (unsigned)run->status < CLEAT__RUN_STATES &&
              (filter->statuses == 0 || (filter->statuses >> run->status & 1U) != 0) &&
              sqlite3_column_type(select, COLUMN_TYPE) != SQLITE_NULL &&
              run->created_at_ms >= filter->since_ms &&
              (filter->until_ms == 0 || run->created_at_ms <= filter->until_ms);
    if (!*passes) {
        return CLEAT_OK;
    }
    cleat_status status = get_type(self, sqlite3_column_int64(select, COLUMN_TYPE), &of);
    *passes = status == CLEAT_OK && of->is_wanted &&
              has_metadata(self, cleat__column_text(select, COLUMN_METADATA)) &&
              has_text(self, select, of, &run->id);
    return status;
}

/* ---- All ---- */

static cleat_status go(walk *self, sqlite3_stmt *select,
                       bool (*see)(void *argument, const cleat__run_seen *run), void *argument,
                       cleat__run_search_end *end)
{
    cleat_status status = CLEAT_OK;
    cleat__run_seen run = {.created_at_ms = 0};
    bool wants_more = true;
    int code;
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
        status = compare(self, select, &run, &passes);
        wants_more = status == CLEAT_OK && (!passes || see(argument, &run));
    }
    cleat_status last =
        cleat__store_rows_end(self->store, select, status == CLEAT_OK ? code : SQLITE_ROW, reading);
    return status == CLEAT_OK ? last : status;
}

cleat_status cleat__run_walk(cleat__store *store, const cleat__run_search_filter *filter, int64_t work,
                             bool (*see)(void *argument, const cleat__run_seen *run), void *argument,
                             cleat__run_search_end *end)
{
    walk self = {.store = store, .filter = filter, .work = work > 0 ? work : 1};
    sqlite3_stmt *select = NULL;
    *end = (cleat__run_search_end){.has_next = false};
    cleat_status status = init_text(&self);
    if (status == CLEAT_OK) {
        status = prepare(&self, &select);
    }
    if (status == CLEAT_OK) {
        status = go(&self, select, see, argument, end);
    }
    deinit(&self);
    return status;
}
