#include "audit.h"

#include "mix.h"
#include "processes.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FAULTS_TOLD = 30 };

typedef struct audit {
    sqlite3 *db;
    const nightly_tenant *tenants;
    size_t tenant_count;
    nightly_ticket *tickets;
    int64_t ticket_count;
    audit_sums *sums;
    int64_t faults;
} audit;

static void fault(audit *it, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fault(audit *it, const char *format, ...)
{
    va_list arguments;
    if (it->faults++ < FAULTS_TOLD) {
        va_start(arguments, format);
        fputs("nightly: fault: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
    }
}

/* ---- The file ---- */

static sqlite3 *file_open(const char *database)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        give_up("%s: %s", database, sqlite3_errmsg(db));
    }
    sqlite3_busy_timeout(db, 60000);
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        give_up("%s", sqlite3_errmsg(db));
    }
    return statement;
}

static bool next(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        give_up("%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    }
    return code == SQLITE_ROW;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = prepare(db, sql);
    int64_t number = next(statement) ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return number;
}

void audit_look(const char *database, int64_t *live, int64_t *ended)
{
    sqlite3 *db = file_open(database);
    *live = number_of(db, "SELECT (SELECT count(*) FROM task_live) + (SELECT count(*) FROM schedule)");
    *ended = number_of(db, "SELECT count(*) FROM task_end");
    sqlite3_close(db);
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? text : "";
}

/* "" of none. */
static void id_of(sqlite3_stmt *statement, int column, char text[37])
{
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    char *at = text;
    *at = '\0';
    for (int i = 0; bytes != NULL && i < 16 && sqlite3_column_bytes(statement, column) == 16; i++) {
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
    }
}

/* ---- Runs ---- */

/* Columns of the query of all runs. */
enum { WORKFLOW, TASK, INPUT, ID, PARENT, CHILD, DAG, EVENT, STATE, RETRY, OUTPUT };
static const char all_runs[] =
    "SELECT w.name, y.task_name, coalesce(d.input, t.input), t.id, t.parent_id, t.child_index, t.dag_id, "
    "t.event_id, e.state, "
    "e.retry_count, coalesce(e.output, e.error) FROM task t JOIN task_type y ON y.id = t.type_id "
    "JOIN workflow w ON w.id = y.workflow_id LEFT JOIN task d ON d.id = t.dag_id LEFT JOIN task_end e ON "
    "e.id = t.id";

typedef struct stored_run {
    sqlite3_stmt *row;
    char id[37];
    const char *workflow, *task, *input, *output;
    int state;
    int64_t number;
    nightly_ticket *ticket;
} stored_run;

static void check_end(audit *it, const stored_run *run, const mix_end *expected)
{
    bool is_right = run->state == (int)expected->status &&
                    (expected->is_part ? strstr(run->output, expected->output) != NULL
                                       : strcmp(run->output, expected->output) == 0);
    if (!is_right) {
        fault(it, "ticket %" PRId64 ", %s run %s ended %s with %s; expected %s with %s", run->number,
              run->workflow, run->id, cleat_run_status_name((cleat_run_status)run->state), run->output,
              cleat_run_status_name(expected->status), expected->output);
    }
}

static void check_leaf(audit *it, const stored_run *run)
{
    mix_end expected;
    mix_kind kind = mix_kind_of(run->number);
    mix_expect_made(run->number, &expected);
    check_end(it, run, &expected);
    it->sums->children++;
    run->ticket->leaves++;
    if (kind != MIX_FAN && kind != MIX_FLOW) {
        fault(it, "run %s is a child of ticket %" PRId64 ", which has none", run->id, run->number);
    }
    if (kind == MIX_FAN && sqlite3_column_int64(run->row, CHILD) >= MIX_CHILDREN) {
        fault(it, "run %s is child %lld of ticket %" PRId64, run->id,
              (long long)sqlite3_column_int64(run->row, CHILD), run->number);
    }
}

static void check_part(audit *it, const stored_run *run)
{
    mix_end expected;
    bool fails = mix_graph_fails(run->number);
    mix_expect_made(run->number, &expected);
    it->sums->parts++;
    run->ticket->parts++;
    if (strcmp(run->task, "right") == 0 ? mix_graph_skips(run->number)
                                        : strcmp(run->task, "mend") == 0 && !fails) {
        snprintf(expected.output, sizeof(expected.output), "{\"skipped\":true}");
    } else if (strcmp(run->task, "left") == 0 && fails) {
        mix_expect_failure(run->number, &expected);
    } else if (strcmp(run->task, "last") == 0) {
        expected = (mix_end){.status = fails ? CLEAT_RUN_CANCELLED : CLEAT_RUN_COMPLETED, .is_part = true};
    }
    check_end(it, run, &expected);
}

/* One that its own kind says the end of, unless somebody has cancelled it. */
static void check_own(audit *it, const stored_run *run, bool again)
{
    const nightly_ticket *ticket = run->ticket;
    mix_end expected;
    mix_expect(run->number, again, &expected);
    bool is_told = strcmp(ticket->id, run->id) == 0;
    if (is_told && ticket->is_cancelled) {
        expected = (mix_end){.status = CLEAT_RUN_CANCELLED, .is_part = true};
    }
    if (!is_told || !ticket->may_be_cancelled || run->state != CLEAT_RUN_CANCELLED) {
        check_end(it, run, &expected);
    }
    int64_t retries = sqlite3_column_int64(run->row, RETRY);
    if (mix_kind_of(run->number) == MIX_FLAKY && retries < mix_failures(run->number)) {
        fault(it, "ticket %" PRId64 " has failed %" PRId64 " times only", run->number, retries);
    }
    if (is_told && ticket->is_replayed && retries == 0) {
        fault(it, "ticket %" PRId64 ", run %s was not replayed", run->number, run->id);
    }
}

static void check_ticket(audit *it, const stored_run *run)
{
    nightly_ticket *ticket = run->ticket;
    char event[37];
    bool again = strstr(run->input, "\"again\"") != NULL;
    check_own(it, run, again);
    if (strcmp(run->workflow, mix_name(mix_kind_of(run->number))) != 0) {
        fault(it, "run %s of ticket %" PRId64 " is of %s", run->id, run->number, run->workflow);
    }
    if (again) {
        ticket->again++;
        return;
    }
    id_of(run->row, EVENT, event);
    ticket->runs++;
    ticket->is_found = ticket->is_found || strcmp(ticket->id, run->id) == 0 ||
                       (event[0] != '\0' && strcmp(ticket->id, event) == 0);
}

static void check_run(audit *it, stored_run *run)
{
    it->sums->runs++;
    if (run->state < CLEAT_RUN_COMPLETED) {
        fault(it, "%s run %s has not ended", run->workflow, run->id);
        return;
    }
    it->sums->by_status[run->state]++;
    if (strcmp(run->workflow, MIX_TICK) == 0) {
        it->sums->ticks++;
        return;
    }
    run->number = mix_number(run->input, strlen(run->input));
    if (run->number < 0 || run->number >= it->ticket_count) {
        fault(it, "%s run %s is of no ticket: %s", run->workflow, run->id, run->input);
        return;
    }
    run->ticket = &it->tickets[run->number];
    if (strcmp(run->workflow, MIX_LEAF) == 0) {
        check_leaf(it, run);
    } else if (sqlite3_column_type(run->row, DAG) != SQLITE_NULL) {
        check_part(it, run);
    } else {
        check_ticket(it, run);
    }
}

static void check_runs(audit *it)
{
    sqlite3_stmt *row = prepare(it->db, all_runs);
    while (next(row)) {
        stored_run run = {
            .row = row,
            .workflow = text_of(row, WORKFLOW),
            .task = text_of(row, TASK),
            .input = text_of(row, INPUT),
            .output = text_of(row, OUTPUT),
            .state = sqlite3_column_type(row, STATE) != SQLITE_NULL ? sqlite3_column_int(row, STATE) : -1};
        id_of(row, ID, run.id);
        check_run(it, &run);
    }
    sqlite3_finalize(row);
}

/* ---- Tickets ---- */

static void check_taken(audit *it, int64_t number, const nightly_ticket *ticket)
{
    mix_kind kind = mix_kind_of(number);
    int most = kind == MIX_ONCE ? 1 : ticket->calls;
    if (ticket->runs == 0) {
        fault(it, "ticket %" PRId64 " (%s) is lost: %s", number, mix_name(kind), ticket->id);
    } else if (ticket->runs > most) {
        fault(it, "ticket %" PRId64 " (%s, %s) was started by %d calls and has %d runs", number,
              mix_name(kind), ticket->id, most, ticket->runs);
    } else if (!ticket->is_found && kind != MIX_LATER) {
        fault(it, "ticket %" PRId64 " (%s) is not there as %s", number, mix_name(kind), ticket->id);
    }
    it->sums->extra += ticket->runs > 1 ? ticket->runs - 1 : 0;
}

static void check_followers(audit *it, int64_t number, const nightly_ticket *ticket)
{
    mix_kind kind = mix_kind_of(number);
    int leaves = kind == MIX_FAN ? MIX_CHILDREN : kind == MIX_FLOW ? MIX_LEAVES : 0;
    int parts = kind == MIX_GRAPH ? MIX_GRAPH_TASKS : 0;
    int again = kind == MIX_FLOW && mix_flow_goes_on(number) ? 1 : 0;
    if (ticket->leaves != leaves * ticket->runs) {
        fault(it, "ticket %" PRId64 " (%s) has %d children in %d runs", number, mix_name(kind),
              ticket->leaves, ticket->runs);
    }
    if (ticket->parts != parts * ticket->runs) {
        fault(it, "ticket %" PRId64 " (%s) has %d tasks in %d runs", number, mix_name(kind), ticket->parts,
              ticket->runs);
    }
    if (ticket->again != again * ticket->runs) {
        fault(it, "ticket %" PRId64 " (%s) went on %d times in %d runs", number, mix_name(kind),
              ticket->again, ticket->runs);
    }
}

/* ---- Keys and times ---- */

/* How many runs of one key go on at a time, by when their attempts began and ended. */
static void check_keys(audit *it)
{
    static const char sql[] =
        "WITH attempts AS ("
        "SELECT id AS run, started_at_ms AS began, finished_at_ms AS over FROM task_end "
        "UNION ALL SELECT task_id, started_at_ms, finished_at_ms FROM attempt), keyed AS ("
        "SELECT y.tenant || json_extract(t.input, '$.key') AS key, began, over FROM task t "
        "JOIN task_type y ON y.id = t.type_id JOIN workflow w ON w.id = y.workflow_id AND w.name = 'keyed' "
        "JOIN attempts ON run = t.id WHERE began IS NOT NULL AND over > began) "
        "SELECT key, at, delta FROM (SELECT key, began AS at, 1 AS delta FROM keyed "
        "UNION ALL SELECT key, over, -1 FROM keyed) ORDER BY key, at, delta";
    sqlite3_stmt *row = prepare(it->db, sql);
    char key[64] = "";
    int64_t count = 0;
    while (next(row)) {
        if (strcmp(key, text_of(row, 0)) != 0) {
            snprintf(key, sizeof(key), "%s", text_of(row, 0));
            count = 0;
        }
        count += sqlite3_column_int64(row, 2);
        if (count > MIX_KEY_RUNS) {
            fault(it, "%" PRId64 " runs of key %s go on at %lld", count, key,
                  (long long)sqlite3_column_int64(row, 1));
        }
        it->sums->key_runs = count > it->sums->key_runs ? count : it->sums->key_runs;
    }
    sqlite3_finalize(row);
}

/* Batches by what their runs have logged, which may be less than all. */
static void check_batches(audit *it)
{
    static const char sql[] =
        "SELECT g.message, count(DISTINCT t.id), count(DISTINCT y.tenant || json_extract(t.input, '$.key')) "
        "FROM task_log g JOIN task t ON t.id = g.task_id JOIN task_type y ON y.id = t.type_id "
        "WHERE g.message LIKE '" MIX_BATCH_LOG "%' GROUP BY g.message";
    sqlite3_stmt *row = prepare(it->db, sql);
    while (next(row)) {
        int runs = sqlite3_column_int(row, 1), keys = sqlite3_column_int(row, 2);
        it->sums->batches++;
        it->sums->batched += runs;
        if (runs > MIX_BATCH || keys != 1) {
            fault(it, "%s has %d runs of %d keys", text_of(row, 0), runs, keys);
        }
    }
    sqlite3_finalize(row);
    if (it->ticket_count >= 20000 && it->sums->batched <= it->sums->batches) {
        fault(it, "%" PRId64 " runs were in %" PRId64 " batches", it->sums->batched, it->sums->batches);
    }
}

/* Each time of a cron has one run: its time is in the metadata. */
static void check_ticks(audit *it)
{
    sqlite3_stmt *row =
        prepare(it->db, "SELECT count(*), t.metadata FROM task t JOIN task_type y ON y.id = t.type_id "
                        "JOIN workflow w ON w.id = y.workflow_id WHERE w.name = '" MIX_TICK "' "
                        "GROUP BY w.tenant, t.metadata HAVING count(*) > 1");
    while (next(row)) {
        fault(it, "%d runs of a cron at one time: %s", sqlite3_column_int(row, 0), text_of(row, 1));
    }
    sqlite3_finalize(row);
    /* A short test may be over before the clock has come to a second while the server was there. */
    if (it->ticket_count >= 20000 && it->sums->ticks < (int64_t)it->tenant_count) {
        fault(it, "crons made %" PRId64 " runs", it->sums->ticks);
    }
}

int64_t audit_file(const char *database, const nightly_tenant *tenants, size_t tenant_count, audit_sums *sums)
{
    const nightly_tenant *last = &tenants[tenant_count - 1];
    audit it = {.db = file_open(database),
                .tenants = tenants,
                .tenant_count = tenant_count,
                .tickets = last->tickets,
                .ticket_count = last->first + last->count,
                .sums = sums};
    *sums = (audit_sums){0};
    check_runs(&it);
    for (int64_t number = 0; number < it.ticket_count; number++) {
        check_taken(&it, number, &it.tickets[number]);
        check_followers(&it, number, &it.tickets[number]);
    }
    check_keys(&it);
    check_batches(&it);
    check_ticks(&it);
    sums->attempts = number_of(it.db, "SELECT count(*) FROM attempt") + sums->runs;
    sums->lost = number_of(it.db, "SELECT count(*) FROM attempt WHERE outcome IN ('LOST', 'UNDELIVERED')");
    sqlite3_close(it.db);
    return it.faults;
}
