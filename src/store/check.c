#include "store/check.h"

#include "base/error.h"
#include "cleat_sql.h"
#include "store/bind.h"
#include "store/check_functions.h"
#include "store/check_values.h"
#include "store/migrate.h"
#include "store/sqlite_error.h"

static const char checking[] = "checking it";

/* ---- Running a rule ---- */

typedef struct check {
    sqlite3 *db;
    cleat__finding_visit visit;
    void *argument;
    cleat__finding finding; /* of the rule at hand */
} check;

/* Tells of each row; finalizes the statement. */
static cleat_status tell_rows(check *it, sqlite3_stmt *rows)
{
    int code;
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        it->finding.what = cleat__column_text(rows, 0);
        it->visit(it->argument, &it->finding);
    }
    cleat_status status = code == SQLITE_DONE ? CLEAT_OK : cleat__sqlite_error(it->db, checking);
    sqlite3_finalize(rows);
    return status;
}

/* From the last such comment before the statement. */
static cleat_status read_name(const char *begin, const char *end, cleat__finding *out)
{
    const char *line = NULL, *colon = NULL;
    for (const char *at = begin; at < end; at = strchr(at, '\n') + 1) {
        if (strncmp(at, "-- ", 3) == 0) {
            line = at + 3;
        } else if (at[0] != '\n') {
            break;
        }
    }
    colon = line != NULL ? strstr(line, ": ") : NULL;
    if (colon == NULL || colon > end) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a rule has no name");
    }
    out->rule = (cleat_slice){line, (size_t)(colon - line)};
    out->holds = (cleat_slice){colon + 2, strcspn(colon + 2, "\n")};
    return CLEAT_OK;
}

static cleat_status run_rules(check *it, const char *text, int *rules)
{
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK) {
        sqlite3_stmt *rule = NULL;
        const char *rest = text;
        if (sqlite3_prepare_v2(it->db, text, -1, &rule, &rest) != SQLITE_OK) {
            return cleat__sqlite_error(it->db, checking);
        }
        if (rule == NULL) {
            break;
        }
        text += strspn(text, "\n");
        status = read_name(text, rest, &it->finding);
        if (status == CLEAT_OK) {
            status = tell_rows(it, rule);
            (*rules)++;
        } else {
            sqlite3_finalize(rule);
        }
        text = rest;
    }
    return status;
}

cleat_status cleat__check_rules(cleat__store *store, const char *text, cleat__finding_visit visit,
                                void *argument, int *rules)
{
    check it = {.db = cleat__store_db(store), .visit = visit, .argument = argument};
    cleat_status status = cleat__check_functions_add(it.db);
    return status == CLEAT_OK ? run_rules(&it, text, rules) : status;
}

cleat_status cleat__check_tables(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules)
{
    static const char *const texts[] = {cleat__sql_tenants_check, cleat__sql_runs_check,
                                        cleat__sql_durable_check};
    cleat_status status = cleat__check_values(cleat__store_db(store), visit, argument, rules);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && status == CLEAT_OK; i++) {
        status = cleat__check_rules(store, texts[i], visit, argument, rules);
    }
    return status;
}

/* ---- The file ---- */

typedef struct relay {
    cleat__finding_visit visit;
    void *argument;
} relay;

static void tell_unless_ok(void *argument, const cleat__finding *finding)
{
    const relay *to = argument;
    if (finding->what.size != 2 || memcmp(finding->what.data, "ok", 2) != 0) {
        to->visit(to->argument, finding);
    }
}

cleat_status cleat__check_pages(sqlite3 *db, cleat__finding_visit visit, void *argument, int *rules)
{
    static const char rule[] = "-- file: the file is a sound SQLite database\nPRAGMA integrity_check(1000);";
    relay to = {visit, argument};
    check it = {.db = db, .visit = tell_unless_ok, .argument = &to};
    return run_rules(&it, rule, rules);
}

cleat_status cleat__check_file(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules)
{
    return cleat__check_pages(cleat__store_db(store), visit, argument, rules);
}

/* ---- The schema ---- */

/* Tables, their columns and the indexes, each as a text. The text that made them is not compared: SQLite rewrites it in
 * its own way when a table changes. */
#define PARTS                                                                                          \
    "SELECT m.type || ' ' || m.name || coalesce('.' || c.name || ' ' || c.type || iif(c.\"notnull\", " \
    "' NOT NULL', '') || iif(c.pk, ' KEY ' || c.pk, ''), '') AS part FROM sqlite_schema m "            \
    "LEFT JOIN pragma_table_xinfo(m.name) c ON m.type = 'table' WHERE m.name NOT LIKE 'sqlite\\_%' "   \
    "ESCAPE '\\'"

/* `*is_there` says whether the file has the part. */
static cleat_status look_for_part(sqlite3_stmt *look, cleat_slice part, sqlite3 *db, bool *is_there)
{
    cleat__bind_text(look, 1, part);
    int code = sqlite3_step(look);
    *is_there = code == SQLITE_ROW;
    sqlite3_reset(look);
    return code == SQLITE_ROW || code == SQLITE_DONE ? CLEAT_OK : cleat__sqlite_error(db, checking);
}

static cleat_status compare_parts(check *it, sqlite3 *wanted, sqlite3_stmt *parts, sqlite3_stmt *look)
{
    cleat_status status = CLEAT_OK;
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(parts)) == SQLITE_ROW) {
        bool is_there;
        it->finding.what = cleat__column_text(parts, 0);
        status = look_for_part(look, it->finding.what, it->db, &is_there);
        if (status == CLEAT_OK && !is_there) {
            it->visit(it->argument, &it->finding);
        }
    }
    return status == CLEAT_OK && code != SQLITE_DONE ? cleat__sqlite_error(wanted, checking) : status;
}

cleat_status cleat__check_schema(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules)
{
    check it = {
        .db = cleat__store_db(store),
        .visit = visit,
        .argument = argument,
        .finding = {.rule = cleat_slice_of("schema"),
                    .holds = cleat_slice_of("all tables, columns and indexes of this version are there")}};
    sqlite3 *wanted = NULL;
    sqlite3_stmt *parts = NULL, *look = NULL;
    if (sqlite3_open_v2(":memory:", &wanted, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK) {
        sqlite3_close(wanted);
        return cleat__fail_memory();
    }
    cleat_status status = cleat__schema_migrate(wanted, 0);
    if (status == CLEAT_OK && sqlite3_prepare_v2(wanted, PARTS, -1, &parts, NULL) != SQLITE_OK) {
        status = cleat__sqlite_error(wanted, checking);
    }
    if (status == CLEAT_OK && sqlite3_prepare_v2(it.db, "SELECT 1 FROM (" PARTS ") WHERE part = ?1", -1,
                                                 &look, NULL) != SQLITE_OK) {
        status = cleat__sqlite_error(it.db, checking);
    }
    if (status == CLEAT_OK) {
        status = compare_parts(&it, wanted, parts, look);
        (*rules)++;
    }
    sqlite3_finalize(look);
    sqlite3_finalize(parts);
    sqlite3_close(wanted);
    return status;
}
