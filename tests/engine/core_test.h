/* A core under a fake clock with one worker whose ears are an array. No threads, no sleeping. */
#ifndef CLEAT_TESTS_CORE_TEST_H
#define CLEAT_TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "engine/core.h"
#include "store/query.h"
#include "support/one_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "test.db"
#define HEARD_MAX 4096

typedef struct heard {
    char what; /* 'A'ssigned or 'C'ancelled */
    cleat__uuid id;
    int32_t retry_count;
    int32_t invocation_count;
    int64_t log_size;
    char input[64];
    char metadata[256];
    char filter_payload[64]; /* "-": none */
} heard;

typedef struct ears {
    heard heard[HEARD_MAX];
    size_t count;
} ears;

typedef struct rig {
    cleat__core *core;
    cleat__now now;
    ears ears;
} rig;

static inline void hear_assign(void *self, cleat__assignment *list)
{
    ears *all = self;
    while (list != NULL) {
        cleat__assignment *assignment = list;
        list = assignment->next;
        heard *entry = &all->heard[all->count++ % HEARD_MAX];
        *entry = (heard){.what = 'A',
                         .id = assignment->task_id,
                         .retry_count = assignment->retry_count,
                         .invocation_count = assignment->invocation_count,
                         .log_size = assignment->log_size};
        snprintf(entry->metadata, sizeof(entry->metadata), "%.*s", CLEAT_SLICE_ARGS(assignment->metadata));
        cleat_slice payload = assignment->filter_payload;
        snprintf(entry->filter_payload, sizeof(entry->filter_payload), "%.*s",
                 CLEAT_SLICE_ARGS(payload.data != NULL ? payload : cleat_slice_of("-")));
        snprintf(entry->input, sizeof(entry->input), "%.*s", CLEAT_SLICE_ARGS(assignment->input));
        cleat__free(assignment);
    }
}

static inline void hear_cancel(void *self, const cleat__uuid *id, int32_t retry_count)
{
    ears *all = self;
    all->heard[all->count++ % HEARD_MAX] = (heard){.what = 'C', .id = *id, .retry_count = retry_count};
}

static inline void open_core(rig *at)
{
    cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
    if (cleat__core_open(&options, at->now, &at->core) != CLEAT_OK) {
        fail_msg("open: %s", cleat_error_message());
    }
}

/* Applies the commands, if any, and commits; answers are in the commands. */
static inline void step(rig *at, cleat__command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat__core_apply(at->core, at->now, &commands[i]);
    }
    cleat__core_run(at->core, at->now);
    cleat__core_commit(at->core);
    cleat__core_release(at->core);
    cleat__core_tell(at->core);
}

/* One command in a step of its own; frees the sentence of a failure. */
static inline cleat_status ask(rig *at, cleat__command *command)
{
    step(at, command, 1);
    cleat__free(command->error);
    command->error = NULL;
    return command->status;
}

static inline void advance(rig *at, int64_t ms)
{
    at->now.unix_ms += ms;
    at->now.monotonic_ms += ms;
    step(at, NULL, 0);
}

/* A workflow of a task, as a program declares it; "a:a" is of the workflow "a". */
static inline cleat__workflow workflow_of(const char *action, const cleat__policy *policy)
{
    static char names[4][64];
    static unsigned turn;
    char *name = names[turn++ % 4];
    cleat__workflow_name(cleat_slice_of(action), name);
    return one_task(cleat_slice_of(name),
                    (cleat__workflow_task){.name = cleat__action_task(cleat_slice_of(action)),
                                           .action = cleat_slice_of(action),
                                           .policy = *policy});
}

static inline cleat_status put_workflow(rig *at, int64_t tenant, const cleat__workflow *workflow,
                                        cleat__version *version)
{
    cleat__command put = {
        .tenant = tenant, .kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {workflow, version, false}};
    return ask(at, &put);
}

static inline cleat_status put_task(rig *at, const char *action, const cleat__policy *policy)
{
    cleat__workflow workflow = workflow_of(action, policy);
    return put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL);
}

/* A worker of the engine's own process, which these hear. */
typedef struct joining {
    int64_t tenant; /* 0: the first */
    const cleat_slice *actions;
    size_t action_count;
    int slots;
    cleat__worker_sink sink;
} joining;

static inline cleat_status join_worker(rig *at, joining how, cleat__uuid *id)
{
    const cleat__slots offered = {cleat_slice_of("default"), how.slots};
    const cleat__worker_spec spec = {
        .actions = how.actions, .action_count = how.action_count, .slots = &offered, .slot_count = 1};
    cleat__command command = {.tenant = how.tenant != 0 ? how.tenant : CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_JOIN,
                              .as.worker_join = {&spec, how.sink, id, NULL}};
    return ask(at, &command);
}

static inline cleat__uuid add_worker(rig *at, const char *action, int slots)
{
    cleat__uuid id;
    cleat_slice name = cleat_slice_of(action);
    const joining how = {0, &name, 1, slots, {&at->ears, hear_assign, hear_cancel}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
    return id;
}

static inline cleat__uuid trigger(rig *at, const char *action, const char *input, int priority)
{
    cleat__uuid id;
    char name[64];
    cleat__workflow_name(cleat_slice_of(action), name);
    cleat__trigger item = {.workflow = cleat_slice_of(name),
                           .input = cleat_slice_of(input),
                           .priority = priority,
                           .child_index = -1};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

static inline cleat_status report(rig *at, const cleat__uuid *id, int retry_count, cleat_status status,
                                  const char *text)
{
    cleat__report said = {.task_id = *id, .retry_count = retry_count, .status = status};
    *(status == CLEAT_OK ? &said.output : &said.error) = cleat_slice_of(text);
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT, .as.report = said};
    return ask(at, &command);
}

static inline cleat_status cancel(rig *at, const cleat__uuid *id)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CANCEL, .as.id = *id};
    return ask(at, &command);
}

static inline cleat_status tell_worker(rig *at, cleat__command_kind kind, const cleat__uuid *id)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = kind, .as.id = *id};
    return ask(at, &command);
}

/* What was heard since the last call, as "A0{..} C1": kind, retry count, input. */
static inline const char *heard_text(rig *at)
{
    static char text[4096];
    text[0] = '\0';
    for (size_t i = 0; i < at->ears.count && strlen(text) < sizeof(text) - 100; i++) {
        const heard *entry = &at->ears.heard[i];
        sprintf(text + strlen(text), "%s%c%d%s", i != 0 ? " " : "", entry->what, entry->retry_count,
                entry->input);
    }
    at->ears.count = 0;
    return text;
}

/* "STATUS output-or-error"; "QUEUED" and "RUNNING" while it lives. */
static inline const char *state_of(rig *at, const cleat__uuid *id)
{
    static char text[256];
    cleat__run_row row = {0};
    cleat__store *reader = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__run_get(reader, id, &row), CLEAT_OK);
    cleat_slice detail = row.output.data != NULL ? row.output : row.error;
    snprintf(text, sizeof(text), "%s%s%.*s", cleat_run_status_name(row.status),
             detail.data != NULL ? " " : "", CLEAT_SLICE_ARGS(detail));
    cleat__store_close(reader);
    (void)at;
    return text;
}

/* What a query of one number answers, of what is in the file. */
static inline int64_t count_of(const char *sql)
{
    cleat__store *reader = NULL;
    sqlite3_stmt *select = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__store_prepare(reader, sql, &select), CLEAT_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(select, 0);
    cleat__store_close(reader);
    return count;
}

static inline void crash(rig *at)
{
    cleat__core_close(at->core);
    at->core = NULL;
    at->ears.count = 0;
}

static inline int open_fixture(void **state)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
    rig *at = calloc(1, sizeof(*at));
    assert_non_null(at);
    at->now = (cleat__now){.unix_ms = INT64_C(1700000000000), .monotonic_ms = 5000};
    open_core(at);
    *state = at;
    return 0;
}

static inline int close_fixture(void **state)
{
    rig *at = *state;
    cleat__core_close(at->core);
    free(at);
    return 0;
}

#endif
