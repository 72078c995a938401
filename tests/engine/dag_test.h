/* Workflows of several tasks on a core under a fake clock, with a worker that has any number of slots. */
#ifndef CLEAT_TESTS_DAG_TEST_H
#define CLEAT_TESTS_DAG_TEST_H

#include "engine/core_test.h"

#include <sqlite3.h>

enum { DAG_TASKS = 12, DAG_HEARD = 512, DAG_TEXT = 512 };

typedef struct told_task {
    cleat__uuid id, run_id;
    int32_t retry_count;
    char name[32], input[64], parents[DAG_TEXT], triggers[DAG_TEXT], errors[DAG_TEXT];
} told_task;

/* What the worker was told, in that order. */
static struct {
    told_task tasks[DAG_HEARD];
    size_t count, shown;
    char cancelled[DAG_TEXT];
} told;

static inline void copy_text(char *to, size_t size, cleat_slice from)
{
    snprintf(to, size, "%.*s", CLEAT_SLICE_ARGS(from));
}

static inline void take_tasks(void *self, cleat__assignment *list)
{
    (void)self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        assert_true(told.count < DAG_HEARD);
        told_task *task = &told.tasks[told.count++];
        *task = (told_task){.id = list->task_id, .run_id = list->run_id, .retry_count = list->retry_count};
        copy_text(task->name, sizeof(task->name), list->task_name);
        copy_text(task->input, sizeof(task->input), list->input);
        copy_text(task->parents, sizeof(task->parents), list->parents);
        copy_text(task->triggers, sizeof(task->triggers), list->triggers);
        copy_text(task->errors, sizeof(task->errors), list->step_errors);
        cleat__free(list);
        list = next;
    }
}

static inline const told_task *find_told(const char *name)
{
    for (size_t i = told.count; i > 0; i--) {
        if (strcmp(told.tasks[i - 1].name, name) == 0) {
            return &told.tasks[i - 1];
        }
    }
    fail_msg("nobody was given \"%s\"", name);
    return NULL;
}

static inline void take_cancel(void *self, const cleat__uuid *id, int32_t retry_count)
{
    (void)self, (void)retry_count;
    for (size_t i = 0; i < told.count; i++) {
        if (cleat__uuid_equals(&told.tasks[i].id, id)) {
            strcat(strcat(told.cancelled, " "), told.tasks[i].name);
            return;
        }
    }
}

/* Names of what was given out since the last call, "b c". */
static inline const char *given(void)
{
    static char text[DAG_TEXT];
    text[0] = '\0';
    for (; told.shown < told.count; told.shown++) {
        strcat(strcat(text, text[0] != '\0' ? " " : ""), told.tasks[told.shown].name);
    }
    return text;
}

/* ---- Declaring ---- */

static const cleat__policy dag_policy = {
    .priority = 2, .backoff_factor = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 300000};

typedef struct dag_rig {
    rig core; /* first */
    cleat__workflow_task tasks[DAG_TASKS];
    cleat_slice parents[DAG_TASKS][DAG_TASKS];
    char actions[DAG_TASKS][64];
    cleat__workflow workflow;
    cleat__uuid run;
} dag_rig;

/* A task behind those of `parents`, "a b"; its action is "w:<name>". */
static inline cleat__workflow_task *add_task(dag_rig *at, const char *name, const char *parents)
{
    size_t index = at->workflow.task_count++;
    cleat__workflow_task *task = &at->tasks[index];
    snprintf(at->actions[index], sizeof(at->actions[index]), "w:%s", name);
    *task = (cleat__workflow_task){.name = cleat_slice_of(name),
                                   .action = cleat_slice_of(at->actions[index]),
                                   .policy = dag_policy,
                                   .parents = at->parents[index]};
    for (const char *next = parents; *next != '\0';) {
        size_t size = strcspn(next, " ");
        at->parents[index][task->parent_count++] = (cleat_slice){next, size};
        next += size + (next[size] == ' ');
    }
    at->workflow.name = cleat_slice_of("w");
    at->workflow.tasks = at->tasks;
    return task;
}

static inline void set_conditions(cleat__workflow_task *task, const cleat__step_condition *conditions,
                                  size_t count)
{
    task->conditions = conditions;
    task->condition_count = count;
}

static inline cleat__step_condition of_parent(cleat__step_action action, const char *parent,
                                              const char *expression)
{
    return (cleat__step_condition){
        .action = action, .parent = cleat_slice_of(parent), .of = {.expression = cleat_slice_of(expression)}};
}

static inline cleat__step_condition of_sleep(cleat__step_action action, int64_t ms, const char *text)
{
    return (cleat__step_condition){.action = action,
                                   .of = {.kind = CLEAT__CONDITION_SLEEP,
                                          .data_key = cleat_slice_of(text),
                                          .sleep_ms = ms,
                                          .sleep_text = cleat_slice_of(text)}};
}

static inline cleat__step_condition of_event(cleat__step_action action, const char *key)
{
    return (cleat__step_condition){
        .action = action,
        .of = {.kind = CLEAT__CONDITION_EVENT, .data_key = cleat_slice_of(key), .key = cleat_slice_of(key)}};
}

/* A worker that has all tasks and takes them so. */
static inline void hire_with(dag_rig *at, void (*take)(void *self, cleat__assignment *list))
{
    cleat_slice actions[DAG_TASKS];
    cleat__uuid id;
    for (size_t i = 0; i < at->workflow.task_count; i++) {
        actions[i] = at->tasks[i].action;
    }
    const joining how = {0, actions, at->workflow.task_count, 100, {NULL, take, take_cancel}};
    assert_int_equal(join_worker(&at->core, how, &id), CLEAT_OK);
}

static inline void hire_all(dag_rig *at)
{
    hire_with(at, take_tasks);
}

static inline void declare_workflow(dag_rig *at)
{
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, NULL), CLEAT_OK);
}

/* Starts a run, whose first tasks `desired_worker` is to have, unless it is NULL. */
static inline cleat__uuid trigger_workflow(dag_rig *at, const char *input, const cleat__uuid *desired_worker)
{
    cleat__uuid id;
    cleat__trigger item = {.workflow = at->workflow.name, .input = cleat_slice_of(input), .child_index = -1};
    if (desired_worker != NULL) {
        item.desired_worker = *desired_worker;
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
    return id;
}

/* Declares what was added, and starts a run of it. */
static inline void begin(dag_rig *at, const char *input)
{
    declare_workflow(at);
    hire_all(at);
    at->run = trigger_workflow(at, input, NULL);
}

/* ---- In a run ---- */

static inline void complete(dag_rig *at, const char *name, const char *output)
{
    const told_task *task = find_told(name);
    assert_int_equal(report(&at->core, &task->id, task->retry_count, CLEAT_OK, output), CLEAT_OK);
}

static inline void fail_task(dag_rig *at, const char *name, const char *error)
{
    const told_task *task = find_told(name);
    assert_int_equal(report(&at->core, &task->id, task->retry_count, CLEAT_IO, error), CLEAT_OK);
}

static inline void push(dag_rig *at, const char *key, const char *payload)
{
    cleat__uuid id;
    const cleat__user_event event = {.key = cleat_slice_of(key), .payload = cleat_slice_of(payload)};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
}

static inline cleat_status replay(dag_rig *at, const cleat__uuid *id)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = *id};
    return ask(&at->core, &command);
}

/* The engine ends and begins again, and so does the worker. */
static inline void restart(dag_rig *at)
{
    crash(&at->core);
    open_core(&at->core);
    hire_all(at);
    step(&at->core, NULL, 0);
}

/* What a query says, its columns after each other. */
static inline const char *query(const char *sql, const cleat__uuid *id)
{
    static char text[1024];
    sqlite3 *db = NULL;
    sqlite3_stmt *select = NULL;
    text[0] = '\0';
    assert_int_equal(sqlite3_open_v2(FILE_NAME, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &select, NULL), SQLITE_OK);
    sqlite3_bind_blob(select, 1, id->bytes, 16, SQLITE_STATIC);
    while (sqlite3_step(select) == SQLITE_ROW) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", text[0] != '\0' ? " " : "",
                 (const char *)sqlite3_column_text(select, 0));
    }
    sqlite3_finalize(select);
    sqlite3_close(db);
    return text;
}

/* "a=completed b=held c=queued ..", in the order of declaration. */
static inline const char *tasks_of(const dag_rig *at)
{
    return query(
        "SELECT y.task_name || '=' || CASE WHEN e.outcome = 'SKIPPED' THEN 'skipped' WHEN l.is_held THEN "
        "'held' ELSE "
        "CASE coalesce(e.state, l.state) WHEN 0 THEN 'queued' WHEN 1 THEN 'running' WHEN 2 THEN 'completed' "
        "WHEN 3 THEN 'failed' WHEN 4 THEN 'cancelled' END END FROM task t JOIN task_type y ON y.id = "
        "t.type_id "
        "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id WHERE t.dag_id = ?1 "
        "ORDER BY t.type_id",
        &at->run);
}

static inline const char *run_of(dag_rig *at)
{
    return state_of(&at->core, &at->run);
}

static inline int open_dag(void **state)
{
    static dag_rig at;
    void *core = NULL;
    at = (dag_rig){.run = {{0}}};
    memset(&told, 0, sizeof(told));
    open_fixture(&core);
    at.core = *(rig *)core;
    free(core);
    *state = &at;
    return 0;
}

static inline int close_dag(void **state)
{
    dag_rig *at = *state;
    cleat__core_close(at->core.core);
    return 0;
}

#endif
