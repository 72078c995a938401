#include "store/chain.h"

#include "store/load.h"
#include "store/statement.h"

#include <string.h>

static const char storing[] = "storing what a run goes on as",
                  looking[] = "looking what a run has gone on as";

/* ---- Keeping the rows ---- */

static cleat_status run_on(cleat__store *store, const char *sql, const cleat__uuid *id,
                           const cleat__uuid *other)
{
    sqlite3_stmt *statement = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &statement);
    if (status != CLEAT_OK) {
        return status;
    }
    if (other != NULL) {
        cleat__bind_uuid(statement, 2, other);
    }
    return cleat__statement_finish(store, statement, storing);
}

cleat_status cleat__chain_go_on(cleat__store *store, const cleat__uuid *from, const cleat__uuid *to)
{
    cleat_status status =
        run_on(store, "UPDATE OR REPLACE chain SET last_id = ?2 WHERE last_id = ?1", from, to);
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0) {
        status = run_on(store, "INSERT OR REPLACE INTO chain (first_id, last_id) VALUES (?1, ?2)", from, to);
    }
    return status;
}

/* Rows that lead through it begin with it or with one before it. */
cleat_status cleat__chain_break(cleat__store *store, const cleat__uuid *id)
{
    static const char sql[] =
        "WITH RECURSIVE former (id) AS (SELECT id FROM task_end WHERE id = ?1 AND "
        "output LIKE '{\"cleat:continued_as\":\"%' AND EXISTS (SELECT 1 FROM chain WHERE last_id > ?1 AND "
        "first_id <= ?1) UNION SELECT t.parent_id FROM former f JOIN task t ON "
        "t.id = f.id WHERE t.child_key >= '" CLEAT__CONTINUED_MARK "' AND t.child_key < 'cleat?') "
        "DELETE FROM chain WHERE first_id IN (SELECT id FROM former)";
    return run_on(store, sql, id, NULL);
}

cleat_status cleat__chain_remove(cleat__store *store, const cleat__uuid *id, const cleat__uuid *former)
{
    cleat_status status = CLEAT_OK;
    if (former != NULL) {
        status = run_on(store, "UPDATE OR IGNORE chain SET first_id = ?2 WHERE first_id = ?1", id, former);
    }
    return status == CLEAT_OK
               ? run_on(store, "DELETE FROM chain WHERE first_id = ?1 OR last_id = ?1", id, NULL)
               : status;
}

/* ---- Going along ---- */

/* What it has gone on as by its own words. CLEAT_EMPTY: it has not. */
static cleat_status read_next(sqlite3_stmt *row, bool may_leap, const cleat__uuid *id, cleat__uuid *next,
                              bool *has_leapt)
{
    /* It is never a way back, whatever the file says. */
    *has_leapt = may_leap && cleat__column_uuid(row, 1, next) && memcmp(next, id, sizeof(*id)) > 0;
    bool is_one = *has_leapt || cleat__continued_parse(cleat__column_text(row, 0), next);
    return is_one ? CLEAT_OK : CLEAT_EMPTY;
}

static cleat_status find_next(cleat__store *store, bool may_leap, const cleat__uuid *id, cleat__uuid *next)
{
    static const char sql[] = "SELECT e.output, c.last_id FROM task_end e LEFT JOIN chain c ON "
                              "c.first_id = e.id WHERE e.id = ?1 AND e.state = 2";
    sqlite3_stmt *select = NULL;
    bool has_leapt = false;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = read_next(select, may_leap, id, next, &has_leapt);
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, looking);
    }
    sqlite3_reset(select);
    /* An output of that form that names any other run is an output as any. */
    return status == CLEAT_OK && !has_leapt ? cleat__load_is_child(store, id, next) : status;
}

/* CLEAT_EMPTY: it has ended, without a stream. */
static cleat_status has_to_be_read(cleat__store *store, const cleat__uuid *id)
{
    static const char sql[] = "SELECT 1 WHERE EXISTS (SELECT 1 FROM task_live WHERE id = ?1) "
                              "OR EXISTS (SELECT 1 FROM stream WHERE task_id = ?1)";
    sqlite3_stmt *select = NULL;
    int64_t one;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    return status == CLEAT_OK ? cleat__statement_number(store, select, &one, looking) : status;
}

cleat_status cleat__chain_reach(cleat__store *store, cleat__follow follow, int most, cleat__uuid *id)
{
    cleat_status status = CLEAT_OK;
    cleat__uuid next;
    for (; follow != CLEAT__FOLLOW_NOT && most > 0 && status == CLEAT_OK; most--) {
        status = find_next(store, follow == CLEAT__FOLLOW_LAST, id, &next);
        if (status == CLEAT_OK && follow == CLEAT__FOLLOW_STREAM) {
            status = has_to_be_read(store, &next);
            if (status == CLEAT_OK) {
                return status;
            }
            status = status == CLEAT_EMPTY ? CLEAT_OK : status;
        }
        *id = status == CLEAT_OK ? next : *id;
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}
