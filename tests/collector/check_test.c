/* The rules of `cleat check`: a file of which all hold, and for each of them a way to break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleat_sql.h"
#include "collector/check.h"

#include <stdio.h>
#include <unistd.h>

#define ID(n) "x'0190000000007000800000000000000" n "'"
#define RUN   "run 01900000-0000-7000-8000-00000000000"

/* Run 1 failed once and completed; 2, its child, is queued; 3, durable, runs on a worker, with a log of two branches;
 * 4, its child, has timed out; 5, durable, is evicted; 6, of another tenant, was cancelled. */
static const char tables
    [] = "INSERT INTO tenant VALUES (2, randomblob(16), 'other', 1);"
         "INSERT INTO workflow (id, tenant, name, uuid) VALUES (1, 1, 'w', randomblob(16)), (2, 2, 'v', "
         "randomblob(16));"
         "INSERT INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor, "
         "backoff_max_ms, "
         "execution_timeout_ms, schedule_timeout_ms, workflow_id, version_id, tenant, task_name, "
         "declaration) VALUES "
         "(1, 'w:w', 3, 1, 0, 2, 0, -1, -1, 1, randomblob(16), 1, 'w', '{\"durable\":false}'), "
         "(2, 'd:d', 3, 1, 0, 2, 0, -1, -1, 1, randomblob(16), 1, 'd', '{\"durable\":true}'), "
         "(3, 'v:v', 3, 1, 0, 2, 0, -1, -1, 2, randomblob(16), 2, 'v', '{\"durable\":false}');"
         "INSERT INTO task (id, type_id, priority, created_at_ms, parent_id, child_index, child_key, input, "
         "metadata, "
         "desired, event_id, event_key) VALUES "
         "(" ID("1") ", 1, 1, 10, NULL, NULL, NULL, '{}', '{\"a\":1}', NULL, " ID(
             "a") ", 'key'), "
                  "(" ID("2") ", 1, 2, 20, " ID(
                      "1") ", 0, NULL, '{}', NULL, '{\"labels\":[]}', NULL, NULL), "
                           "(" ID("3") ", 2, 1, 30, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL), "
                                       "(" ID("4") ", 1, 1, 40, " ID(
                                           "3") ", NULL, 'k', '{}', NULL, NULL, NULL, NULL), "
                                                "(" ID("5") ", 2, 1, 50, NULL, NULL, NULL, '{}', NULL, NULL, "
                                                            "NULL, NULL), "
                                                            "(" ID(
                                                                "6") ", 3, 1, 60, NULL, NULL, NULL, '{}', "
                                                                     "NULL, NULL, NULL, NULL);"
                                                                     "INSERT INTO worker (id, tenant, name, "
                                                                     "actions, slots, labels, is_paused, "
                                                                     "registered_at_ms, seen_at_ms) VALUES "
                                                                     "(" ID("b") ", 1, 'worker', '[]', '{}', "
                                                                                 "'{}', 0, 1, 1);"
                                                                                 "INSERT INTO task_live (id, "
                                                                                 "type_id, priority, state, "
                                                                                 "retry_count, "
                                                                                 "internal_retries, "
                                                                                 "queued_at_ms, "
                                                                                 "started_at_ms, worker_id, "
                                                                                 "has_desired) VALUES (" ID("2") ", 1, 2, 0, 0, 0, 20, NULL, NULL, 1), "
                                                                                                                 "(" ID("3") ", 2, 1, 1, 0, 0, 30, 31, " ID("b") ", 0), (" ID("5") ", 2, 1, 5, 0, 0, 50, 51, NULL, 0);"
                                                                                                                                                                                   "INSERT INTO task_end (id, state, retry_count, started_at_ms, finished_at_ms, output, error, outcome) VALUES "
                                                                                                                                                                                   "(" ID("1") ", 2, 1, 13, 14, '{}', NULL, NULL), (" ID("4") ", 3, 0, 41, 42, NULL, 'late', 'TIMED_OUT'), "
                                                                                                                                                                                                                                              "(" ID("6") ", 4, 0, NULL, 61, NULL, NULL, NULL);"
                                                                                                                                                                                                                                                          "INSERT INTO attempt VALUES (" ID("1") ", 0, 11, 12, 'FAILED', 'no', NULL);"
                                                                                                                                                                                                                                                                                                 "INSERT INTO task_log (task_id, line, retry_count, level, time_ms, message) VALUES "
                                                                                                                                                                                                                                                                                                 "(" ID(
                                                                                                                                                                                                                                                                                                     "1") ", 1, 0, 3, 11, 'one'), (" ID("1") ", 2, 1, 3, 13, 'two');"
                                                                                                                                                                                                                                                                                                                                             "INSERT INTO stream VALUES (1, " ID(
                                                                                                                                                                                                                                                                                                                                                 "3") "); INSERT INTO stream_chunk VALUES (1 << 32, x'01'), ((1 << 32) + 1, "
                                                                                                                                                                                                                                                                                                                                                      "x'02');"
                                                                                                                                                                                                                                                                                                                                                      "INSERT INTO durable_run (id, invocation_count, branch, waits) VALUES (" ID("3") ", 2, 2, NULL), "
                                                                                                                                                                                                                                                                                                                                                                                                                                       "(" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                           "5") ", 1, 1, '[[1,1]]');"
                                                                                                                                                                                                                                                                                                                                                                                                                                                "INSERT INTO durable_invocation VALUES (" ID("3") ", 2, 0, 31, 32, 1, 33);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "INSERT INTO durable_branch VALUES (" ID("3") ", 2, 1, 2, NULL);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "INSERT INTO durable_entry (run_id, branch, node, kind, hash, label, created_at_ms, child_id, met_order, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "met_at_ms, outcome, payload) VALUES (" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "3") ", 1, 1, 0, 7, 'child', 32, " ID("4") ", 1, 42, 2, NULL), "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "(" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "3") ", 1, 2, 2, 7, 'memo', 33, NULL, NULL, NULL, NULL, '5'), "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "(" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "3") ", 2, 2, 1, 7, 'wait', 34, NULL, NULL, NULL, NULL, NULL), "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "(" ID("5") ", 1, 1, 1, 7, 'sleep', 51, NULL, NULL, NULL, NULL, NULL);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "INSERT INTO durable_condition (run_id, branch, node, number, count, kind, group_number, data_key, key, at_ms, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "is_met) VALUES (" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "3") ", 2, 2, 0, 2, 1, 0, 'e', 'event', 0, 1), "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "(" ID("3") ", 2, 2, 1, 2, 2, 1, 'h', 'token', 0, 0), (" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "5") ", 1, 1, 0, 1, 0, 0, 's', NULL, 99, 0);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "INSERT INTO durable_hook VALUES (1, 'token', " ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "3") ", 34);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "INSERT INTO durable_hook_payload VALUES (" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "3") ", 'token', 1, '{}');"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "INSERT INTO event (id, tenant, key, payload, created_at_ms) VALUES (" ID("a") ", 1, 'key', '{}', 9);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "INSERT INTO schedule (id, tenant, workflow, at_ms, input, priority, method, created_at_ms) VALUES "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "(" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "c") ", 1, 'w', 99, '{}', 0, 0, 9);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "INSERT INTO token (id, tenant, created_at_ms, expires_at_ms) VALUES (" ID(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "d") ", 1, 1, 99);"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "INSERT INTO token_key VALUES (1, 'kid', 'private', 'public', 1);";

static const char spans[] = "INSERT INTO span_source VALUES (1, x'00', 3, 2);"
                            "INSERT INTO trace VALUES (1, 1, x'0102030405060708090a0b0c0d0e0f10', 'root', "
                            "NULL, NULL, 5, 1, 5, 9, 2, 1, 20);"
                            "INSERT INTO span (id, trace, span_id, name, source, kind, status, start_ns, "
                            "end_ns, size, record) VALUES "
                            "(1, 1, x'0000000000000001', 'root', 1, 0, 0, 5, 9, 10, x''), "
                            "(2, 1, x'0000000000000002', 'part', 1, 0, 2, 6, 8, 10, x'');"
                            "INSERT INTO span_link VALUES (1, 1, x'0000000000000002', x'aa', x'bb', NULL);"
                            "UPDATE span_total SET spans = 2, bytes = 23;";

typedef struct case_of {
    const char *rule, *change, *what;
} case_of;

static const case_of cases[] = {
    {"schema", "DROP INDEX span_link_by_target", "index span_link_by_target"},
    {"schema", "ALTER TABLE worker DROP COLUMN runtime", "table worker.runtime TEXT"},
    {"tenant-id", "UPDATE tenant SET uuid = x'00' WHERE id = 2", "tenant 2"},
    {"tenant-known", "UPDATE event SET tenant = 9", "event of tenant 9"},
    {"tenant-known", "UPDATE trace SET tenant = 9", "trace of tenant 9"},
    {"workflow-version", "UPDATE task_type SET tenant = 1 WHERE id = 3", "version 3: workflow 2"},
    {"workflow-version", "UPDATE task_type SET declaration = '{' WHERE id = 1", "version 1: workflow 1"},
    {"workflow-id", "UPDATE workflow SET uuid = 'text' WHERE id = 2", "workflow 2"},
    {"event-payload", "UPDATE event SET payload = '{'", "event 01900000-0000-7000-8000-00000000000a"},
    {"schedule-run", "UPDATE schedule SET priority = 4", "schedule 01900000-0000-7000-8000-00000000000c"},
    {"worker-offer", "UPDATE worker SET slots = '[]'", "worker 01900000-0000-7000-8000-00000000000b"},
    {"token-life", "UPDATE token SET expires_at_ms = 0", "token 01900000-0000-7000-8000-00000000000d"},
    {"token-key", "UPDATE token_key SET private_key = ''", "key kid"},
    {"run-id", "UPDATE task SET id = x'01' WHERE id = " ID("6"), "run 01"},
    {"run-life", "DELETE FROM task_live WHERE id = " ID("2"), RUN "2: neither"},
    {"run-life",
     "INSERT INTO task_end (id, state, retry_count, finished_at_ms) VALUES (" ID("2") ", 3, 0, 22)",
     RUN "2: both"},
    {"run-known", "DELETE FROM task WHERE id = " ID("6"), "end of " RUN "6"},
    {"run-known", "UPDATE stream SET task_id = " ID("9"), "stream of " RUN "9"},
    {"run-known", "UPDATE task_log SET task_id = " ID("9"), "log line of " RUN "9"},
    {"run-removed", "INSERT INTO removed_run VALUES (" ID("1") ")", RUN "1"},
    {"run-type", "DELETE FROM task_type WHERE id = 3", RUN "6: version 3"},
    {"run-trigger", "UPDATE task SET input = '[' WHERE id = " ID("1"), RUN "1: input"},
    {"run-trigger", "UPDATE task SET priority = 0 WHERE id = " ID("1"), RUN "1: priority 0"},
    {"run-trigger", "UPDATE task SET metadata = '5' WHERE id = " ID("1"), RUN "1: metadata"},
    {"run-trigger", "UPDATE task SET desired = '5' WHERE id = " ID("2"), RUN "2: desired worker"},
    {"run-child", "UPDATE task SET type_id = 3 WHERE id = " ID("4"),
     RUN "4: parent 01900000-0000-7000-8000-000000000003"},
    {"run-child", "UPDATE task SET child_key = NULL WHERE id = " ID("4"),
     RUN "4: parent 01900000-0000-7000-8000-000000000003"},
    {"run-event", "UPDATE task SET event_key = NULL", RUN "1: event 01900000-0000-7000-8000-00000000000a"},
    {"live-trigger", "UPDATE task_live SET type_id = 2 WHERE id = " ID("2"), RUN "2: version 2, not 1"},
    {"live-trigger", "UPDATE task_live SET priority = 3 WHERE id = " ID("2"), RUN "2: priority 3, not 2"},
    {"live-trigger", "UPDATE task_live SET has_desired = 0", RUN "2: desired worker"},
    {"live-state", "UPDATE task_live SET state = 2 WHERE id = " ID("3"), RUN "3: state 2, started"},
    {"live-state", "UPDATE task_live SET started_at_ms = NULL WHERE id = " ID("3"), RUN "3: state 1"},
    {"live-attempt", "UPDATE task_live SET first_retry = 1 WHERE id = " ID("2"),
     RUN "2: attempt 0 of 1, 0 lost"},
    {"live-worker", "DELETE FROM worker", RUN "3: worker 01900000-0000-7000-8000-00000000000b"},
    {"live-worker", "UPDATE task_live SET worker_id = " ID("b") " WHERE state = 5",
     RUN "5: worker 01900000-0000-7000-8000-00000000000b"},
    {"end-state", "UPDATE task_end SET state = 1 WHERE id = " ID("6"), RUN "6: state 1"},
    {"end-state", "UPDATE task_end SET outcome = 'LOST' WHERE id = " ID("6"), RUN "6: state 4, LOST"},
    {"end-output", "UPDATE task_end SET output = '{' WHERE id = " ID("1"), RUN "1: no JSON"},
    {"end-output", "UPDATE task_end SET output = '5' WHERE id = " ID("6"), RUN "6: state 4"},
    {"attempt-count", "DELETE FROM attempt", RUN "1: 0 before attempt 1"},
    {"attempt-count", "UPDATE task_end SET retry_count = 0 WHERE id = " ID("1"), RUN "1: 1 before attempt 0"},
    {"attempt-outcome", "UPDATE attempt SET outcome = 'COMPLETED'", RUN "1, attempt 0: COMPLETED"},
    {"attempt-outcome", "UPDATE attempt SET outcome = 'ODD'", RUN "1, attempt 0: ODD"},
    {"log-lines", "DELETE FROM task_log WHERE line = 1", RUN "1: 1 lines up to 2"},
    {"log-lines", "UPDATE task_log SET level = 5", RUN "1: 2 lines up to 2"},
    {"log-metadata", "UPDATE task_log SET metadata = '5' WHERE line = 2", RUN "1, line 2"},
    {"stream-chunks", "DELETE FROM stream_chunk WHERE id = 1 << 32", "stream 1 of " RUN "3: 1 chunks"},
    {"stream-chunks", "INSERT INTO stream_chunk VALUES (2 << 32, x'')", "stream 2: 1 chunks"},
    {"durable-state", "UPDATE durable_run SET branch = 1", RUN "3: branch 1"},
    {"durable-state", "UPDATE task SET type_id = 1 WHERE id = " ID("5"), RUN "5: branch 1"},
    {"durable-owner", "DELETE FROM durable_run WHERE id = " ID("5"), "log entry of " RUN "5"},
    {"durable-evicted", "UPDATE durable_run SET waits = NULL", RUN "5"},
    {"durable-carrier", "UPDATE durable_run SET carrier = '5' WHERE id = " ID("5"), RUN "5"},
    {"durable-invocation", "UPDATE durable_run SET invocation_count = 1", RUN "3, invocation 2"},
    {"durable-branch", "UPDATE durable_branch SET parent = 2", RUN "3, branch 2: of 2 from 2"},
    {"durable-nodes", "DELETE FROM durable_entry WHERE branch = 1 AND node = 1 AND run_id = " ID("3"),
     RUN "3, branch 1: 1 nodes, 2 to 2"},
    {"durable-nodes", "UPDATE durable_branch SET first_node = 1", RUN "3, branch 2: 1 nodes, 2 to 2"},
    {"durable-nodes", "UPDATE durable_entry SET node = 3 WHERE kind = 2", RUN "3, branch 1: 2 nodes, 1 to 3"},
    {"durable-entry", "UPDATE durable_entry SET kind = 3 WHERE kind = 2", RUN "3, node 1:2: kind 3"},
    {"durable-entry", "UPDATE durable_entry SET child_id = NULL", RUN "3, node 1:1: kind 0"},
    {"durable-entry", "UPDATE durable_entry SET child_id = " ID("9") " WHERE kind = 0",
     RUN "3, node 1:1: kind 0, child 01900000-0000-7000-8000-000000000009"},
    {"durable-end", "UPDATE durable_entry SET outcome = NULL", RUN "3, node 1:1"},
    {"durable-end", "UPDATE durable_entry SET payload = '{' WHERE kind = 2", RUN "3, node 1:2"},
    {"durable-order", "UPDATE durable_entry SET met_order = 1, met_at_ms = 1, outcome = 1",
     RUN "3: 3 times 1"},
    {"condition-live", "UPDATE durable_condition SET run_id = " ID("1") " WHERE kind = 0",
     RUN "1, node 1:1, condition 0: has ended"},
    {"condition-live", "UPDATE durable_condition SET node = 3 WHERE kind = 0",
     RUN "5, node 1:3, condition 0: no such node"},
    {"condition-live", "UPDATE durable_entry SET met_order = 1 WHERE run_id = " ID("5"),
     RUN "5, node 1:1, condition 0: was met"},
    {"condition-kind", "UPDATE durable_condition SET kind = 9 WHERE kind = 0",
     RUN "5, node 1:1, condition 0: kind 9"},
    {"condition-kind", "UPDATE durable_condition SET kind = 3 WHERE kind = 0",
     RUN "5, node 1:1, condition 0: kind 3"},
    {"condition-count", "DELETE FROM durable_condition WHERE number = 1", RUN "3, node 2:2: 1 of 2"},
    {"hook-payload", "DELETE FROM durable_hook", RUN "3, payload 1"},
    {"hook-payload", "UPDATE durable_hook_payload SET payload = ''", RUN "3, payload 1"},
    {"hook-tenant", "UPDATE durable_hook SET tenant = 2", RUN "3"},
    {"span-trace", "UPDATE span SET trace = 2 WHERE id = 1", "span 0000000000000001: trace 2, source 1"},
    {"span-trace", "UPDATE span SET source = 2 WHERE id = 1", "span 0000000000000001: trace 1, source 2"},
    {"trace-sums", "UPDATE trace SET error_count = 0",
     "trace 0102030405060708090a0b0c0d0e0f10: 2 spans, 0 errors, 20 bytes, not 2, 1, 20"},
    {"trace-sums", "UPDATE trace SET end_ns = 8",
     "trace 0102030405060708090a0b0c0d0e0f10: 2 spans, 1 errors, 20 bytes, not 2, 1, 20"},
    {"source-spans", "UPDATE span_source SET spans = 1", "source 1: 1 spans, not 2"},
    {"span-total", "UPDATE span_total SET bytes = 20", "2 spans of 20 bytes, not 2 of 23"},
    {"link-span", "UPDATE span_link SET from_span_id = x'0000000000000003'",
     "link 1 of span 0000000000000003"},
};

/* ---- What was found ---- */

typedef struct findings {
    const case_of *wanted;
    bool is_found;
    int count;
    char first[256];
} findings;

static bool equals(cleat_slice slice, const char *text)
{
    return slice.size == strlen(text) && memcmp(slice.data, text, slice.size) == 0;
}

static void see(void *argument, const cleat__finding *finding)
{
    findings *it = argument;
    assert_true(finding->holds.size > 10);
    if (it->count++ == 0) {
        snprintf(it->first, sizeof(it->first), "%.*s: %.*s", CLEAT_SLICE_ARGS(finding->rule),
                 CLEAT_SLICE_ARGS(finding->what));
    }
    it->is_found = it->is_found || (it->wanted != NULL && equals(finding->rule, it->wanted->rule) &&
                                    equals(finding->what, it->wanted->what));
}

/* Answers the number of rules. */
static int check_rows(cleat__store *store, findings *it)
{
    int rules = 0;
    assert_int_equal(cleat__check_tables(store, see, it, &rules), CLEAT_OK);
    assert_int_equal(cleat__check_spans(store, see, it, &rules), CLEAT_OK);
    return rules;
}

/* ---- The file ---- */

static void run(cleat__store *store, const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", error, sql);
    }
}

static void remove_file(void)
{
    unlink("check.db");
    unlink("check.db-wal");
    unlink("check.db-shm");
}

static int setup(void **state)
{
    cleat__store *store = NULL;
    remove_file();
    assert_int_equal(cleat__store_open("check.db", CLEAT__STORE_WRITE, &store), CLEAT_OK);
    run(store, tables);
    run(store, spans);
    *state = store;
    return 0;
}

static int teardown(void **state)
{
    cleat__store_close(*state);
    remove_file();
    return 0;
}

/* ---- Tests ---- */

static void test_all_rules_hold(void **state)
{
    findings it = {0};
    int rules = check_rows(*state, &it);
    assert_int_equal(cleat__check_file(*state, see, &it, &rules), CLEAT_OK);
    assert_int_equal(cleat__check_schema(*state, see, &it, &rules), CLEAT_OK);
    assert_string_equal(it.first, "");
    assert_true(rules > 45);
}

static void test_a_broken_rule_is_told(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        findings it = {.wanted = &cases[i]};
        assert_int_equal(cleat__store_begin(*state), CLEAT_OK);
        run(*state, cases[i].change);
        if (strcmp(cases[i].rule, "schema") == 0) {
            int rules = 0;
            assert_int_equal(cleat__check_schema(*state, see, &it, &rules), CLEAT_OK);
        } else {
            check_rows(*state, &it);
        }
        cleat__store_rollback(*state);
        if (!it.is_found) {
            fail_msg("%s: not \"%s\", but %s", cases[i].rule, cases[i].what, it.first);
        }
    }
}

/* Each rule has a case above. */
static void test_all_rules_are_tested(void **state)
{
    static const char *const texts[] = {cleat__sql_tenants_check, cleat__sql_runs_check,
                                        cleat__sql_durable_check, cleat__sql_spans_check};
    int rules = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        for (const char *at = texts[i]; (at = strstr(at, "\n\n-- ")) != NULL;) {
            at += 5;
            size_t size = strcspn(at, ":"), n = 0;
            while (n < sizeof(cases) / sizeof(*cases) && !equals((cleat_slice){at, size}, cases[n].rule)) {
                n++;
            }
            if (n == sizeof(cases) / sizeof(*cases)) {
                fail_msg("no case of %.*s", (int)size, at);
            }
            rules++;
        }
    }
    findings it = {0};
    assert_int_equal(rules, check_rows(*state, &it));
}

static void test_rules_without_a_name_are_refused(void **state)
{
    int rules = 0;
    findings it = {0};
    assert_int_equal(cleat__check_rules(*state, "SELECT 1;", see, &it, &rules), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__check_rules(*state, "-- no name\nSELECT 1;", see, &it, &rules),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__check_rules(*state, "-- a: b\nSELEC 1;", see, &it, &rules), CLEAT_IO);
    assert_int_equal(rules, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_rules_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_broken_rule_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_rules_are_tested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules_without_a_name_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
