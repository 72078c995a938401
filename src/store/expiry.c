#include "store/expiry.h"

#include "base/error.h"
#include "model/continued.h"
#include "store/chain.h"
#include "store/statement.h"

#include <stdlib.h>

static const char listing[] = "looking for old runs", removing[] = "removing old runs";

enum { ID_TIME_BYTES = 6 };

int64_t cleat__expiry_time_of(const cleat__uuid *id)
{
    int64_t ms = 0;
    for (int i = 0; i < ID_TIME_BYTES; i++) {
        ms = ms << 8 | id->bytes[i];
    }
    return ms;
}

/* What was made before has a lower id. */
static cleat__uuid id_of_time(int64_t ms)
{
    cleat__uuid id = {{0}};
    const int64_t most = INT64_C(0xffffffffffff);
    uint64_t rest = (uint64_t)(ms < 0 ? 0 : ms > most ? most : ms);
    for (int i = ID_TIME_BYTES - 1; i >= 0; i--, rest >>= 8) {
        id.bytes[i] = (uint8_t)(rest & 0xff);
    }
    return id;
}

/* ---- Chains ---- */

#define HEX(id, from, size) "substr(hex(" id "), " from ", " size ")"
#define TEXT_OF(id)                                                               \
    "lower(" HEX(id, "1", "8") " || '-' || " HEX(id, "9", "4") " || '-' || " HEX( \
        id, "13", "4") " || '-' || " HEX(id, "17", "4") " || '-' || " HEX(id, "21", "12") ")"
/* Of a child, as its index has it: whether it is one that its parent was to go on as. */
#define KEY_OF(child)  "coalesce(" child ".child_key, CAST(" child ".child_index AS TEXT))"
#define IS_NEXT(child) KEY_OF(child) " >= 'cleat>' AND " KEY_OF(child) " < 'cleat?'"
/* Whether the run with that end has gone on as the other, which is there. */
#define GOES_ON(end, next)                                                                                  \
    next ".parent_id = " end ".id AND " IS_NEXT(next) " AND " end ".state = 2 AND " end                     \
                                                      ".output = '{\"cleat:continued_as\":\"' || " TEXT_OF( \
                                                          next ".id") " || '\"}'"
/* The run `t` with the end `e` is a link between two others: it may go, and the one before then goes on as the one behind. */
#define IS_LINK                                            \
    "(t.child_key IS NOT NULL AND " IS_NEXT(               \
        "t") " AND EXISTS (SELECT 1 FROM task_end former " \
             "WHERE former.id = t.parent_id AND " GOES_ON( \
                 "former", "t") ") "                       \
                                "AND EXISTS (SELECT 1 FROM task next WHERE " GOES_ON("e", "next") "))"
/* It is the first one, and what it has gone on as lives, or has ended after ?3, or is a link. */
#define IS_FIRST                                                                           \
    "EXISTS (SELECT 1 FROM task next LEFT JOIN task_end last ON last.id = next.id "        \
    "WHERE " GOES_ON("e", "next") " AND (last.id IS NULL OR last.finished_at_ms >= ?3 OR " \
                                  "EXISTS (SELECT 1 FROM task behind WHERE " GOES_ON("last", "behind") ")))"

/* ---- Looking ---- */

#define ROOM (sizeof(((cleat__expired *)NULL)->ids) / sizeof(cleat__uuid))

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(cleat__uuid));
}

/* Whether a parent that is there, or the run that it is a task of, goes before its child: it is in the page, which is in order. */
static bool goes_first(const cleat__expired *page, sqlite3_stmt *row)
{
    cleat__uuid parent;
    return cleat__column_uuid(row, 1, &parent) &&
           bsearch(&parent, page->ids, page->count, sizeof(parent), compare) != NULL;
}

/* Rows: the id, and the parent where there is one that is there. */
static cleat_status read_page(cleat__store *store, sqlite3_stmt *select, cleat__expired *page)
{
    int code;
    size_t rows = 0;
    page->count = 0;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        rows++;
        if (!cleat__column_uuid(select, 0, &page->after)) {
            sqlite3_reset(select);
            return cleat__fail(CLEAT_CORRUPT, "what is to be removed has no valid id");
        }
        bool is_free = sqlite3_column_type(select, 1) == SQLITE_NULL;
        if (is_free || goes_first(page, select)) {
            page->ids[page->count++] = page->after;
        }
    }
    page->is_last = rows < ROOM;
    return cleat__store_rows_end(store, select, code, listing);
}

static cleat_status read_before(cleat__store *store, const char *sql, int64_t before_ms, cleat__expired *page)
{
    sqlite3_stmt *select = NULL;
    const cleat__uuid after = page->after, end = id_of_time(before_ms);
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &after);
    cleat__bind_uuid(select, 2, &end);
    sqlite3_bind_int64(select, 3, before_ms);
    sqlite3_bind_int64(select, 4, (int64_t)ROOM);
    return read_page(store, select, page);
}

cleat_status cleat__expired_runs(cleat__store *store, int64_t before_ms, cleat__expired *page)
{
    static const char sql[] =
        "SELECT e.id, CASE WHEN NOT " IS_LINK " THEN p.id END FROM task_end e JOIN task t ON t.id = e.id "
        "LEFT JOIN task p ON p.id = coalesce(t.parent_id, t.dag_id) "
        "WHERE e.id > ?1 AND e.id < ?2 AND e.finished_at_ms < ?3 "
        "AND NOT (p.id IS NULL AND " IS_FIRST ") ORDER BY e.id LIMIT ?4";
    return read_before(store, sql, before_ms, page);
}

cleat_status cleat__expired_events(cleat__store *store, int64_t before_ms, cleat__expired *page)
{
    static const char sql[] =
        "SELECT id, NULL FROM event WHERE id > ?1 AND id < ?2 AND created_at_ms < ?3 "
        "AND NOT EXISTS (SELECT 1 FROM task WHERE event_id = event.id) "
        "AND (scope IS NULL OR id < coalesce((SELECT min(id) FROM task_live), x'ff')) ORDER BY id LIMIT ?4";
    return read_before(store, sql, before_ms, page);
}

cleat_status cleat__expired_rest(cleat__store *store, cleat__expired *page)
{
    static const char sql[] = "SELECT id, NULL FROM removed_run WHERE id > ?1 ORDER BY id LIMIT ?2";
    sqlite3_stmt *select = NULL;
    const cleat__uuid after = page->after;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &after);
    sqlite3_bind_int64(select, 2, (int64_t)ROOM);
    return read_page(store, select, page);
}

cleat_status cleat__expiry_newest(cleat__store *store, int64_t until_ms, int64_t *out)
{
    static const char sql[] = "SELECT max(coalesce((SELECT max(id) FROM task WHERE id < ?1), x'00'), "
                              "coalesce((SELECT max(id) FROM event WHERE id < ?1), x'00'))";
    sqlite3_stmt *select = NULL;
    const cleat__uuid end = id_of_time(until_ms + 1);
    cleat__uuid newest;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &end);
    int code = sqlite3_step(select);
    *out = code == SQLITE_ROW && cleat__column_uuid(select, 0, &newest) ? cleat__expiry_time_of(&newest) : 0;
    status = code == SQLITE_ROW ? CLEAT_OK : cleat__store_error(store, listing);
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__expiry_bytes(cleat__store *store, int64_t *out)
{
    static const char sql[] =
        "SELECT (c.page_count - f.freelist_count) * s.page_size - (SELECT bytes FROM span_total) "
        "FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    return status == CLEAT_OK ? cleat__statement_number(store, select, out, listing) : status;
}

cleat_status cleat__expiry_free_pages(cleat__store *store, int64_t *out)
{
    sqlite3_stmt *select = NULL;
    cleat_status status =
        cleat__store_prepare(store, "SELECT freelist_count FROM pragma_freelist_count", &select);
    return status == CLEAT_OK ? cleat__statement_number(store, select, out, listing) : status;
}

/* ---- Removing ---- */

/* Whose rows may be many, each with the most that go at once. A stream goes behind its chunks. */
static const char *const rest[] = {
    "DELETE FROM attempt WHERE task_id = ?1 AND retry_count IN "
    "(SELECT retry_count FROM attempt WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM task_log WHERE task_id = ?1 AND line IN "
    "(SELECT line FROM task_log WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM task_note WHERE task_id = ?1 AND number IN "
    "(SELECT number FROM task_note WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM durable_invocation WHERE run_id = ?1 AND number IN "
    "(SELECT number FROM durable_invocation WHERE run_id = ?1 LIMIT ?2)",
    "DELETE FROM durable_branch WHERE run_id = ?1 AND branch IN "
    "(SELECT branch FROM durable_branch WHERE run_id = ?1 LIMIT ?2)",
    "DELETE FROM durable_entry WHERE rowid IN "
    "(SELECT rowid FROM durable_entry WHERE run_id = ?1 LIMIT ?2)",
    "DELETE FROM durable_run WHERE id = ?1 AND ?2 > 0",
    "DELETE FROM stream_chunk WHERE id IN (SELECT c.id FROM stream s JOIN stream_chunk c "
    "ON c.id >= s.id << 32 AND c.id < (s.id + 1) << 32 WHERE s.task_id = ?1 LIMIT ?2)",
    "DELETE FROM stream WHERE task_id = ?1 AND ?2 > 0",
};

/* Lowers `*rows` to 0 when there may be more. */
static cleat_status remove_rest(cleat__store *store, const cleat__uuid *id, int64_t *rows)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < sizeof(rest) / sizeof(*rest) && status == CLEAT_OK && *rows > 0; i++) {
        sqlite3_stmt *delete = NULL;
        status = cleat__statement_of_run(store, rest[i], id, &delete);
        if (status == CLEAT_OK) {
            sqlite3_bind_int64(delete, 2, *rows);
            status = cleat__statement_finish(store, delete, removing);
        }
        if (status == CLEAT_OK) {
            *rows -= sqlite3_changes(cleat__store_db(store));
        }
    }
    return status;
}

static cleat_status run_on(cleat__store *store, const char *sql, const cleat__uuid *id)
{
    sqlite3_stmt *statement = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &statement);
    return status == CLEAT_OK ? cleat__statement_finish(store, statement, removing) : status;
}

static cleat_status remove_end(cleat__store *store, const cleat__uuid *id, int64_t before_ms,
                               bool *was_removed)
{
    static const char sql[] =
        "DELETE FROM task_end WHERE id = (SELECT e.id FROM task_end e JOIN task t ON t.id = e.id "
        "LEFT JOIN task p ON p.id = coalesce(t.parent_id, t.dag_id) "
        "WHERE e.id = ?1 AND e.finished_at_ms < ?3 "
        "AND iif(p.id IS NULL, NOT " IS_FIRST ", " IS_LINK "))";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(delete, 3, before_ms);
    status = cleat__statement_finish(store, delete, removing);
    *was_removed = status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) != 0;
    return status;
}

/* A link of a chain, and those before and behind it. */
typedef struct chain_link {
    cleat__uuid former, next;
    char key[64];
    int64_t index;
    bool is_there;
} chain_link;

static cleat_status find_link(cleat__store *store, const cleat__uuid *id, chain_link *out)
{
    static const char sql[] =
        "SELECT t.parent_id, next.id, t.child_key, t.child_index FROM task t JOIN task_end e ON e.id = t.id "
        "JOIN task next ON " GOES_ON("e", "next") " WHERE t.id = ?1 AND " IS_LINK;
    sqlite3_stmt *select = NULL;
    *out = (chain_link){.is_there = false};
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat_slice key = cleat__column_text(select, 2);
        out->is_there = cleat__column_uuid(select, 0, &out->former) &&
                        cleat__column_uuid(select, 1, &out->next) && key.size < sizeof(out->key);
        out->index = sqlite3_column_int64(select, 3);
        memcpy(out->key, key.data, out->is_there ? key.size : 0);
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, removing);
    }
    sqlite3_reset(select);
    return status;
}

/* The one before goes on as the one behind, as if it had always done so. */
static cleat_status close_gap(cleat__store *store, const cleat__uuid *id, const chain_link *gap)
{
    char output[CLEAT__CONTINUED_SIZE];
    sqlite3_stmt *update = NULL;
    cleat__continued_format(&gap->next, output);
    cleat_status status = cleat__statement_of_run(
        store, "UPDATE task SET parent_id = ?2, child_key = ?3, child_index = ?4 WHERE id = ?1", &gap->next,
        &update);
    if (status == CLEAT_OK) {
        cleat__bind_uuid(update, 2, &gap->former);
        cleat__bind_text(update, 3, cleat_slice_of(gap->key));
        sqlite3_bind_int64(update, 4, gap->index);
        status = cleat__statement_finish(store, update, removing);
    }
    if (status == CLEAT_OK) {
        status = cleat__statement_of_run(store, "UPDATE task_end SET output = ?2 WHERE id = ?1", &gap->former,
                                         &update);
    }
    if (status == CLEAT_OK) {
        cleat__bind_text(update, 2, cleat_slice_of(output));
        status = cleat__statement_finish(store, update, removing);
    }
    if (status == CLEAT_OK) {
        status = cleat__statement_of_run(
            store, "UPDATE durable_entry SET child_id = ?2 WHERE run_id = ?1 AND node = ?4 AND child_id = ?3",
            &gap->former, &update);
    }
    if (status == CLEAT_OK) {
        cleat__bind_uuid(update, 2, &gap->next);
        cleat__bind_uuid(update, 3, id);
        sqlite3_bind_int64(update, 4, gap->index);
        status = cleat__statement_finish(store, update, removing);
    }
    return status;
}

cleat_status cleat__expire_run(cleat__store *store, const cleat__uuid *id, int64_t before_ms, int64_t *rows,
                               bool *was_removed)
{
    chain_link gap;
    *was_removed = false;
    cleat_status status = find_link(store, id, &gap);
    if (status == CLEAT_OK) {
        status = remove_end(store, id, before_ms, was_removed);
    }
    if (status != CLEAT_OK || !*was_removed) {
        return status;
    }
    status = run_on(store, "DELETE FROM task WHERE id = ?1", id);
    if (status == CLEAT_OK && gap.is_there) {
        status = close_gap(store, id, &gap);
    }
    if (status == CLEAT_OK) {
        status = cleat__chain_remove(store, id, gap.is_there ? &gap.former : NULL);
    }
    if (status == CLEAT_OK) { /* who has a token is there */
        status = run_on(store, "DELETE FROM durable_hook WHERE run_id = ?1", id);
    }
    if (status == CLEAT_OK) {
        status = run_on(store, "DELETE FROM task_trigger WHERE task_id = ?1", id);
    }
    if (status == CLEAT_OK) {
        status = remove_rest(store, id, rows);
    }
    return status == CLEAT_OK && *rows <= 0 ? run_on(store, "INSERT INTO removed_run (id) VALUES (?1)", id)
                                            : status;
}

cleat_status cleat__expire_rest(cleat__store *store, const cleat__uuid *id, int64_t *rows)
{
    cleat_status status = remove_rest(store, id, rows);
    return status == CLEAT_OK && *rows > 0 ? run_on(store, "DELETE FROM removed_run WHERE id = ?1", id)
                                           : status;
}

cleat_status cleat__expire_event(cleat__store *store, const cleat__uuid *id)
{
    return run_on(store, "DELETE FROM event WHERE id = ?1", id);
}
