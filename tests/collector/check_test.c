/* The rules of `cleat check`: a file of which all hold, and for each of them a way to break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleat_sql.h"
#include "collector/check.h"
#include "support/full_file.h"

#include <stdio.h>
#include <unistd.h>

typedef struct case_of {
    const char *rule, *change, *what;
} case_of;

#define PAIR_RUN     "run 01900000-0000-7000-8000-00000000001"
#define PAIR_BATCH   "batch 01900000-0000-7000-8000-000000000010: 2 runs"
#define WEBHOOK      "webhook 01900000-0000-7000-8000-000000000013"
#define GIVEN        "{\"keys\":[\"a\"],\"given\":2}"
#define HELD         "{\"keys\":[\"a\"],\"holds\":2}"
#define SINCE        "{\"keys\":[\"a\"],\"since\":[1,2]}"
#define FULL_LINK(n) "x'0190000000007000800000000000002" n "'"
#define FULL_CHAIN   "chain 01900000-0000-7000-8000-000000000021"
/* Run 2 is held for the parent. */
#define HOLD(key, parent)                                                                    \
    "UPDATE task_live SET state = 0, started_at_ms = NULL, is_held = 1 WHERE id = " FULL_ID( \
        "2") ";"                                                                             \
             "UPDATE task SET child_key = " key ", parent_id = " FULL_ID(parent) " WHERE id = " FULL_ID("2")

static const case_of cases[] = {
    {"schema", "DROP INDEX span_link_by_target", "index span_link_by_target"},
    {"schema", "ALTER TABLE worker DROP COLUMN runtime", "table worker.runtime TEXT"},
    {"types", "UPDATE task_live SET queued_at_ms = 20.5 WHERE id = " FULL_ID("2"),
     "task_live of X'01900000000070008000000000000002': queued_at_ms is real"},
    {"types", "UPDATE cron SET name = x'41'", "cron of X'0190000000007000800000000000000F': name is blob"},
    {"types", "UPDATE span SET kind = 'x' WHERE id = 2", "span of 2: kind is text"},
    {"tenant-id", "UPDATE tenant SET uuid = x'00' WHERE id = 2", "tenant 2"},
    {"tenant-known", "UPDATE event SET tenant = 9", "event of tenant 9"},
    {"tenant-known", "UPDATE trace SET tenant = 9", "trace of tenant 9"},
    {"workflow-version", "UPDATE task_type SET tenant = 1 WHERE id = 3", "version 3: workflow 2"},
    {"workflow-version", "UPDATE task_type SET declaration = '{' WHERE id = 1", "version 1: workflow 1"},
    {"workflow-version", "UPDATE task_type SET declaration = '{' WHERE id = 2", "version 2: workflow 1"},
    {"workflow-version", "UPDATE task_type SET declaration = CAST(declaration AS BLOB)",
     "version 1: workflow 1"},
    {"run-limits", "UPDATE task SET limits = CAST(limits AS BLOB)",
     "run 01900000-0000-7000-8000-000000000011: no JSON object"},
    {"version-sense", "UPDATE task_type SET declaration = '{}' WHERE id = 1",
     "version 1: a declaration in the database makes no sense; restore a copy"},
    {"version-sense",
     "UPDATE task_type SET declaration = json_set(declaration, '$.slots.default', 0) WHERE id = 1",
     "version 1: slots: 0 units of \"default\"; at least 1 are needed"},
    {"version-sense",
     "UPDATE task_type SET declaration = json_set(declaration, '$.events', json('[1]')) WHERE id = 1",
     "version 1: a list of names in the database makes no sense; restore a copy"},
    {"version-sense",
     "UPDATE task_type SET declaration = json_set(declaration, '$.idempotency', "
     "json('{\"expression\":\"x(\",\"ttl\":1,\"method\":0}')) WHERE id = 1",
     "version 1: a rule of idempotency in the database makes no sense; restore a copy"},
    {"version-sense",
     "UPDATE task_type SET declaration = json_set(declaration, '$.concurrency', "
     "json('[{\"expression\":\"1 +\",\"max_runs\":1,\"strategy\":3}]')) WHERE id = 1",
     "version 1: concurrency: expression, character 4: expected a value, the text ends"},
    {"version-sense",
     "UPDATE task_type SET declaration = json_set(declaration, '$.tasks[0].parents', json('[\"w\"]')) WHERE "
     "id = 4",
     "version 4: a declaration in the database makes no sense; restore a copy"},
    {"version-tasks",
     "UPDATE task_type SET declaration = json_set(declaration, '$.tasks[0].name', 'x') WHERE id = 4",
     "version 4"},
    {"version-tasks", "UPDATE task_type SET dag_type = NULL WHERE id = 4", "version 4"},
    {"version-tasks", "UPDATE task_type SET dag_type = 0 WHERE id = 1", "version 1"},
    {"version-tasks", "UPDATE task_type SET dag_type = 9 WHERE id = 1", "version 1"},
    {"version-tasks", "UPDATE task_type SET id = 6 WHERE id = 5", "version 4"},
    {"version-policy", "UPDATE task_type SET retries = -1 WHERE id = 1", "version 1"},
    {"version-policy", "UPDATE task_type SET priority = 4 WHERE id = 1", "version 1"},
    {"version-policy", "UPDATE task_type SET backoff_initial_ms = 1, backoff_factor = 0.5 WHERE id = 1",
     "version 1"},
    {"version-policy", "UPDATE task_type SET action = 'w' WHERE id = 1", "version 1"},
    {"version-policy", "UPDATE task_type SET task_name = 'a b' WHERE id = 1", "version 1"},
    {"workflow-id", "UPDATE workflow SET name = 'a b' WHERE id = 2", "workflow 2"},
    {"workflow-id", "UPDATE workflow SET uuid = 'text' WHERE id = 2", "workflow 2"},
    {"workflow-pause", "UPDATE workflow SET paused_at_ms = NULL", "workflow 2"},
    {"workflow-pause", "UPDATE workflow SET deleted_at_ms = 5", "workflow 2"},
    {"workflow-pause", "UPDATE workflow SET paused_ttl_ms = -2", "workflow 1"},
    {"event-payload", "UPDATE event SET payload = '{'", "event 01900000-0000-7000-8000-00000000000a"},
    {"schedule-run", "UPDATE schedule SET priority = 4", "schedule 01900000-0000-7000-8000-00000000000c"},
    {"filter-workflow", "UPDATE event_filter SET workflow_id = 2",
     "filter 01900000-0000-7000-8000-00000000000e: workflow 2"},
    {"filter-workflow", "UPDATE event_filter SET payload = '5'",
     "filter 01900000-0000-7000-8000-00000000000e: workflow 1"},
    {"filter-workflow", "UPDATE event_filter SET expression = 'bad('",
     "filter 01900000-0000-7000-8000-00000000000e: workflow 1"},
    {"cron-workflow", "UPDATE cron SET expression = 'never ever'",
     "cron 01900000-0000-7000-8000-00000000000f: workflow 1"},
    {"cron-workflow", "UPDATE cron SET next_at_ms = -1",
     "cron 01900000-0000-7000-8000-00000000000f: workflow 1"},
    {"cron-workflow", "UPDATE cron SET workflow_id = 9",
     "cron 01900000-0000-7000-8000-00000000000f: workflow 9"},
    {"cron-workflow", "UPDATE cron SET priority = 4",
     "cron 01900000-0000-7000-8000-00000000000f: workflow 1"},
    {"tenant-known", "UPDATE webhook SET tenant = 9", "webhook of tenant 9"},
    {"webhook-sense", "UPDATE webhook SET name = ''", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET auth_secret = ''", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET source = 6", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET auth_kind = 3", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET auth_algorithm = 4", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET auth_encoding = -1", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET returns_event = 2", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET key_expression = ''", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET scope_expression = 'bad('", WEBHOOK},
    {"webhook-sense", "UPDATE webhook SET static_payload = '[]'", WEBHOOK},
    {"rate-limit", "UPDATE rate_limit SET value = 6", "rate limit calls: 6 of 5"},
    {"rate-limit", "UPDATE rate_limit SET window_ms = 0", "rate limit calls: 1 of 5"},
    {"rate-limit", "UPDATE rate_limit SET is_said = 2", "rate limit calls: 1 of 5"},
    {"tenant-known", "UPDATE shared_rule SET tenant = 9", "shared rule of tenant 9"},
    {"shared-rule", "UPDATE shared_rule SET rule = '['", "shared rule both"},
    {"shared-rule", "UPDATE shared_rule SET rule = '[]'", "shared rule both"},
    {"worker-offer", "UPDATE worker SET slots = '[]'", "worker 01900000-0000-7000-8000-00000000000b"},
    {"worker-offer", "UPDATE worker SET actions = '[1]'", "worker 01900000-0000-7000-8000-00000000000b"},
    {"worker-offer", "UPDATE worker SET labels = '{\"a\":[]}'",
     "worker 01900000-0000-7000-8000-00000000000b"},
    {"token-life", "UPDATE token SET expires_at_ms = 0", "token 01900000-0000-7000-8000-00000000000d"},
    {"token-key", "UPDATE token_key SET private_key = ''", "key kid"},
    {"run-id", "UPDATE task SET id = x'01' WHERE id = " FULL_ID("6"), "run 01"},
    {"run-life", "DELETE FROM task_live WHERE id = " FULL_ID("2"), FULL_RUN "2: neither"},
    {"run-life",
     "INSERT INTO task_end (id, state, retry_count, finished_at_ms) VALUES (" FULL_ID("2") ", 3, 0, 22)",
     FULL_RUN "2: both"},
    {"run-known", "DELETE FROM task WHERE id = " FULL_ID("6"), "end of " FULL_RUN "6"},
    {"run-known", "UPDATE stream SET task_id = " FULL_ID("9"), "stream of " FULL_RUN "9"},
    {"run-known", "UPDATE task_log SET task_id = " FULL_ID("9"), "log line of " FULL_RUN "9"},
    {"run-removed", "INSERT INTO removed_run VALUES (" FULL_ID("1") ")", FULL_RUN "1"},
    {"run-type", "DELETE FROM task_type WHERE id = 3", FULL_RUN "6: version 3"},
    {"run-trigger", "UPDATE task SET input = '[' WHERE id = " FULL_ID("1"), FULL_RUN "1: input"},
    {"run-trigger", "UPDATE task SET priority = 0 WHERE id = " FULL_ID("1"), FULL_RUN "1: priority 0"},
    {"run-trigger", "UPDATE task SET metadata = '5' WHERE id = " FULL_ID("1"), FULL_RUN "1: metadata"},
    {"run-trigger", "UPDATE task SET desired = '5' WHERE id = " FULL_ID("2"), FULL_RUN "2: desired worker"},
    {"run-trigger", "UPDATE task SET desired = '{\"labels\":[]}' WHERE id = " FULL_ID("2"),
     FULL_RUN "2: desired worker"},
    {"run-trigger", "UPDATE task SET filter_payload = '{x' WHERE id = " FULL_ID("1"),
     FULL_RUN "1: filter payload"},
    {"run-child", "UPDATE task SET type_id = 3 WHERE id = " FULL_ID("4"),
     FULL_RUN "4: parent 01900000-0000-7000-8000-000000000003"},
    {"run-child", "UPDATE task SET child_key = NULL WHERE id = " FULL_ID("4"),
     FULL_RUN "4: parent 01900000-0000-7000-8000-000000000003"},
    {"run-event", "UPDATE task SET event_key = NULL",
     FULL_RUN "1: event 01900000-0000-7000-8000-00000000000a"},
    {"run-key", "UPDATE task SET idempotency_key = 'other' WHERE id = " FULL_ID("1"), FULL_RUN "1: key mine"},
    {"run-key", "UPDATE idempotency SET tenant = 2", FULL_RUN "1: key mine"},
    {"run-key", "UPDATE idempotency SET run_id = x'01' WHERE key = 'gone'", "run ?: key gone"},
    {"run-limits", "UPDATE task SET limits = '5' WHERE id = " FULL_ID("1"), FULL_RUN "1: no JSON object"},
    {"run-limits", "UPDATE task_live SET has_limits = 1 WHERE id = " FULL_ID("2"), FULL_RUN "2"},
    {"run-seats", "UPDATE task SET limits = '" GIVEN "' WHERE id = " FULL_ID("1"), FULL_RUN "1: " GIVEN},
    {"run-seats", "UPDATE task SET limits = '" HELD "' WHERE id = " FULL_ID("1"), FULL_RUN "1: " HELD},
    {"run-seats", "UPDATE task SET limits = '" SINCE "' WHERE id = " FULL_ID("1"), FULL_RUN "1: " SINCE},
    {"live-group", "UPDATE task SET limits = '{\"keys\":[]}' WHERE id = " FULL_PAIR("1"),
     PAIR_RUN "1: group none"},
    {"live-group", "UPDATE task SET limits = '{\"batch\":\"north\",\"bytes\":-1}' WHERE id = " FULL_PAIR("1"),
     PAIR_RUN "1: group north"},
    {"live-group", "UPDATE task SET limits = '{\"batch\":5}' WHERE id = " FULL_PAIR("1"),
     PAIR_RUN "1: group 5"},
    {"live-group", "UPDATE task SET limits = '{\"batch\":\"x\"}' WHERE id = " FULL_ID("3"),
     FULL_RUN "3: group x"},
    {"live-batch", "UPDATE task SET limits = '{\"batch\":\"south\"}' WHERE id = " FULL_PAIR("2"), PAIR_BATCH},
    {"live-batch", "UPDATE task_live SET worker_id = NULL WHERE id = " FULL_PAIR("2"), PAIR_BATCH},
    {"live-batch", "UPDATE task_live SET batch_id = x'01' WHERE id = " FULL_PAIR("2"), "batch 01: 1 runs"},
    {"live-batch", "UPDATE task_live SET batch_id = " FULL_PAIR("0") " WHERE id = " FULL_ID("3"),
     "batch 01900000-0000-7000-8000-000000000010: 3 runs"},
    {"live-limits",
     "UPDATE task_type SET declaration = json_set(declaration, '$.concurrency', "
     "json('[{\"expression\":\"input.a\",\"max_runs\":1,\"strategy\":3}]')) WHERE id = 1",
     FULL_RUN "2: none, not 1,0"},
    {"live-limits",
     "UPDATE task SET limits = '{\"keys\":[\"a\",\"b\"],\"rates\":[[\"c\",1]]}' WHERE id = " FULL_ID(
         "2") ";"
              "UPDATE task_type SET declaration = json_set(declaration, '$.concurrency', "
              "json('[{\"expression\":\"input.a\",\"max_runs\":1,\"strategy\":3}]')) WHERE id = 1",
     FULL_RUN "2: 2,1, not 1,0"},
    {"live-trigger", "UPDATE task_live SET type_id = 2 WHERE id = " FULL_ID("2"),
     FULL_RUN "2: version 2, not 1"},
    {"live-trigger", "UPDATE task_live SET priority = 3 WHERE id = " FULL_ID("2"),
     FULL_RUN "2: priority 3, not 2"},
    {"live-trigger", "UPDATE task_live SET has_desired = 0", FULL_RUN "2: desired worker"},
    {"live-state", "UPDATE task_live SET state = 2 WHERE id = " FULL_ID("3"), FULL_RUN "3: state 2, started"},
    {"live-state", "UPDATE task_live SET started_at_ms = NULL WHERE id = " FULL_ID("3"),
     FULL_RUN "3: state 1"},
    {"live-attempt",
     "WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT INTO attempt SELECT "
     "x'01900000000070008000000000000002', i, 1, 2, 'LOST', NULL, NULL FROM n; UPDATE task_live SET "
     "retry_count = 11, internal_retries = 11 WHERE id = x'01900000000070008000000000000002'",
     FULL_RUN "2: attempt 11 of 0, 11 lost"},
    {"live-attempt", "UPDATE task_live SET first_retry = 1 WHERE id = " FULL_ID("2"),
     FULL_RUN "2: attempt 0 of 1, 0 lost"},
    {"live-worker", "DELETE FROM worker", FULL_RUN "3: worker 01900000-0000-7000-8000-00000000000b"},
    {"live-worker", "UPDATE task_live SET worker_id = " FULL_ID("b") " WHERE state = 5",
     FULL_RUN "5: worker 01900000-0000-7000-8000-00000000000b"},
    {"end-state", "UPDATE task_end SET state = 1 WHERE id = " FULL_ID("6"), FULL_RUN "6: state 1"},
    {"end-state", "UPDATE task_end SET outcome = 'LOST' WHERE id = " FULL_ID("6"),
     FULL_RUN "6: state 4, LOST"},
    {"end-state", "UPDATE task_end SET outcome = 'SUPERSEDED' WHERE id = " FULL_ID("1"),
     FULL_RUN "1: state 2, SUPERSEDED"},
    {"end-output", "UPDATE task_end SET output = '{' WHERE id = " FULL_ID("1"), FULL_RUN "1: no JSON"},
    {"end-output", "UPDATE task_end SET output = '5' WHERE id = " FULL_ID("6"), FULL_RUN "6: state 4"},
    {"attempt-count", "DELETE FROM attempt", FULL_RUN "1: 0 before attempt 1"},
    {"attempt-count", "UPDATE task_end SET retry_count = 0 WHERE id = " FULL_ID("1"),
     FULL_RUN "1: 1 before attempt 0"},
    {"attempt-outcome", "UPDATE attempt SET outcome = 'COMPLETED'", FULL_RUN "1, attempt 0: COMPLETED"},
    {"attempt-outcome", "UPDATE attempt SET outcome = 'ODD'", FULL_RUN "1, attempt 0: ODD"},
    {"task-run", "UPDATE task SET dag_id = NULL", "task 01900000-0000-7000-8000-000000000008 of run ?"},
    {"task-run", "UPDATE task SET type_id = 1 WHERE id = " FULL_ID("8"),
     "task 01900000-0000-7000-8000-000000000008 of " FULL_RUN "7"},
    {"task-count", "DELETE FROM task_live WHERE id = " FULL_ID("8"), FULL_RUN "7: 1 tasks, 0 live"},
    {"task-count", "UPDATE task_type SET dag_type = NULL WHERE id = 5", FULL_RUN "7: 1 tasks, 1 live"},
    {"task-held", "UPDATE task_live SET is_held = 0", FULL_RUN "7"},
    {"task-held", "UPDATE task_live SET is_held = 1 WHERE id = " FULL_ID("2"), FULL_RUN "2"},
    {"task-held", HOLD("'cleat>1.1'", "1"), FULL_RUN "2"}, /* for one that has ended */
    {"task-held", HOLD("'key'", "3"), FULL_RUN "2"},       /* another child */
    {"task-waited", "UPDATE task_trigger SET data = 'nonsense'", "task 01900000-0000-7000-8000-000000000008"},
    {"chain-ends", "UPDATE chain SET first_id = " FULL_ID("9"), "chain 01900000-0000-7000-8000-000000000009"},
    {"chain-ends", "UPDATE chain SET last_id = " FULL_ID("4"), FULL_CHAIN},
    {"chain-ends", "UPDATE chain SET last_id = first_id", FULL_CHAIN},
    {"chain-ends", "UPDATE task_end SET output = '1' WHERE id = " FULL_LINK("1"), FULL_CHAIN},
    {"run-known", "UPDATE task_note SET task_id = " FULL_ID("9"), "note of " FULL_RUN "9"},
    {"note-kind", "UPDATE task_note SET retry_count = 2", FULL_RUN "1: SLOT_RELEASED of attempt 2"},
    {"note-kind", "UPDATE task_note SET kind = ''", FULL_RUN "1:  of attempt 1"},
    {"log-lines", "DELETE FROM task_log WHERE line = 1", FULL_RUN "1: 1 lines up to 2"},
    {"log-lines", "UPDATE task_log SET level = 5", FULL_RUN "1: 2 lines up to 2"},
    {"log-metadata", "UPDATE task_log SET metadata = '5' WHERE line = 2", FULL_RUN "1, line 2"},
    {"stream-chunks", "INSERT INTO stream_chunk VALUES (2 << 32, x'')", "stream 2: 1 chunks"},
    {"durable-state", "UPDATE durable_run SET branch = 1", FULL_RUN "3: branch 1"},
    {"durable-state", "UPDATE task SET type_id = 1 WHERE id = " FULL_ID("5"), FULL_RUN "5: branch 1"},
    {"durable-owner", "DELETE FROM durable_run WHERE id = " FULL_ID("5"), "log entry of " FULL_RUN "5"},
    {"durable-evicted", "UPDATE durable_run SET waits = NULL", FULL_RUN "5"},
    {"durable-evicted", "UPDATE durable_run SET waits = '[1]' WHERE id = " FULL_ID("5"), FULL_RUN "5"},
    {"durable-carrier", "UPDATE durable_run SET carrier = '5' WHERE id = " FULL_ID("5"), FULL_RUN "5"},
    {"durable-invocation", "UPDATE durable_invocation SET number = 4", FULL_RUN "3, invocation 4"},
    {"durable-invocation", "UPDATE durable_invocation SET number = 1", FULL_RUN "3, invocation 1"},
    {"durable-branch", "UPDATE durable_branch SET parent = 2", FULL_RUN "3, branch 2: of 2 from 2"},
    {"durable-nodes", "DELETE FROM durable_entry WHERE branch = 1 AND node = 1 AND run_id = " FULL_ID("3"),
     FULL_RUN "3, branch 1: 1 nodes, 2 to 2"},
    {"durable-nodes", "UPDATE durable_branch SET first_node = 1", FULL_RUN "3, branch 2: 1 nodes, 2 to 2"},
    {"durable-nodes", "UPDATE durable_entry SET node = 3 WHERE kind = 2",
     FULL_RUN "3, branch 1: 2 nodes, 1 to 3"},
    {"durable-entry", "UPDATE durable_entry SET kind = 3 WHERE kind = 2", FULL_RUN "3, node 1:2: kind 3"},
    {"durable-entry", "UPDATE durable_entry SET child_id = NULL", FULL_RUN "3, node 1:1: kind 0"},
    {"durable-entry", "UPDATE durable_entry SET child_id = " FULL_ID("9") " WHERE kind = 0",
     FULL_RUN "3, node 1:1: kind 0, child 01900000-0000-7000-8000-000000000009"},
    {"durable-end", "UPDATE durable_entry SET outcome = NULL", FULL_RUN "3, node 1:1"},
    {"durable-end", "UPDATE durable_entry SET payload = '{' WHERE kind = 2", FULL_RUN "3, node 1:2"},
    {"durable-order", "UPDATE durable_entry SET met_order = 1, met_at_ms = 1, outcome = 1",
     FULL_RUN "3: 3 times 1"},
    {"condition-live", "UPDATE durable_condition SET run_id = " FULL_ID("1") " WHERE kind = 0",
     FULL_RUN "1, node 1:1, condition 0: has ended"},
    {"condition-live", "UPDATE durable_condition SET node = 3 WHERE kind = 0",
     FULL_RUN "5, node 1:3, condition 0: no such node"},
    {"condition-live", "UPDATE durable_entry SET met_order = 1 WHERE run_id = " FULL_ID("5"),
     FULL_RUN "5, node 1:1, condition 0: was met"},
    {"condition-task",
     "INSERT INTO durable_condition (run_id, branch, node, number, count, kind, group_number, data_key, key, "
     "is_met) "
     "VALUES (" FULL_ID("7") ", 0, 0, 0, 1, 1, 0, 'e', 'e', 0)",
     FULL_RUN "7, task 0"},
    {"condition-task",
     "UPDATE task_live SET state = 0, started_at_ms = NULL, is_held = 1 WHERE id = " FULL_ID(
         "8") ";"
              "INSERT INTO durable_condition (run_id, branch, node, number, count, kind, group_number, "
              "data_key, key, is_met) "
              "VALUES (" FULL_ID("7") ", 0, 0, 0, 2, 1, 0, 'e', 'e', 0)",
     FULL_RUN "7, task 0"},
    {"condition-kind", "UPDATE durable_condition SET kind = 9 WHERE kind = 0",
     FULL_RUN "5, node 1:1, condition 0: kind 9"},
    {"condition-kind", "UPDATE durable_condition SET kind = 3 WHERE kind = 0",
     FULL_RUN "5, node 1:1, condition 0: kind 3"},
    {"condition-count", "DELETE FROM durable_condition WHERE number = 1", FULL_RUN "3, node 2:2: 1 of 2"},
    {"condition-count", "UPDATE durable_condition SET number = -1 WHERE key = 'event'",
     FULL_RUN "3, node 2:2: 2 of 2"},
    {"condition-count", "UPDATE durable_condition SET group_number = -1 WHERE key = 'event'",
     FULL_RUN "3, node 2:2: 2 of 2"},
    {"condition-count", "UPDATE durable_condition SET group_number = 2 WHERE key = 'event'",
     FULL_RUN "3, node 2:2: 2 of 2"},
    {"condition-kind",
     "UPDATE durable_condition SET kind = 3, child_id = x'01900000000070008000000000000004' WHERE key = "
     "'event'",
     FULL_RUN "3, node 2:2, condition 0: kind 3"},
    {"hook-payload", "DELETE FROM durable_hook", FULL_RUN "3, payload 1"},
    {"hook-payload", "UPDATE durable_hook_payload SET payload = ''", FULL_RUN "3, payload 1"},
    {"hook-tenant", "UPDATE durable_hook SET tenant = 2", FULL_RUN "3"},
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
    run(store, full_tables);
    run(store, full_spans);
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
    int rules = 1; /* "types" is made of the schema */
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
