/* Runs of several tasks that were given much, or have made much. */
#include "rest_ends.h"
#include "rest_test.h"

#include "server/rest_parts.h"
#include "store/bind.h"
#include "store/dag.h"

#define RUN  "/api/v1/stable/workflow-runs/%s"
#define TASK "/api/v1/stable/tasks/%s"

static const cleat__policy policy = {
    .priority = 2, .backoff_factor = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 300000};

enum { WIDE = 20 };

/* "wide": so many tasks, none of which waits for another. */
static void declare_wide(rest_world *it)
{
    cleat__workflow_task tasks[WIDE];
    char names[WIDE][8], actions[WIDE][16];
    cleat__version version;
    for (size_t i = 0; i < WIDE; i++) {
        snprintf(names[i], sizeof(names[i]), "t%zu", i);
        snprintf(actions[i], sizeof(actions[i]), "wide:t%zu", i);
        tasks[i] = (cleat__workflow_task){
            .name = cleat_slice_of(names[i]), .action = cleat_slice_of(actions[i]), .policy = policy};
    }
    const cleat__workflow workflow = {.name = cleat_slice_of("wide"), .tasks = tasks, .task_count = WIDE};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, &version), CLEAT_OK);
}

/* What a run was given, and all of its tasks have made. */
typedef struct large {
    cleat__uuid run;
    int input_size, output_size, error_size;
} large;

static void set_size(cleat__store *store, const char *sql, const large *what, int size)
{
    sqlite3_stmt *update = NULL;
    assert_int_equal(cleat__store_prepare(store, sql, &update), CLEAT_OK);
    cleat__bind_uuid(update, 1, &what->run);
    sqlite3_bind_int(update, 2, size);
    assert_int_equal(sqlite3_step(update), SQLITE_DONE);
    sqlite3_reset(update);
}

/* As if they had. */
static cleat_status enlarge(cleat__store *store, void *argument)
{
    const large *what = argument;
    cleat__uuid *ids = NULL;
    size_t count = 0;
    assert_int_equal(cleat__dag_ids(store, &what->run, &ids, &count), CLEAT_OK);
    assert_int_equal(count, WIDE);
    for (size_t i = 0; i < count; i++) {
        ending how = {ids[i], what->error_size != 0 ? CLEAT__EVENT_FAIL : CLEAT__EVENT_COMPLETE};
        assert_int_equal(end_so(store, &how), CLEAT_OK);
    }
    cleat__free(ids);
#define OF_RUN "WHERE id IN (SELECT id FROM task WHERE dag_id = ?1)"
    set_size(store, "UPDATE task SET input = '{\"x\":\"' || hex(zeroblob(?2 / 2)) || '\"}' WHERE id = ?1",
             what, what->input_size);
    set_size(store, /* text that has twice the size in a text */
             "UPDATE task_end SET output = '{\"x\":\"' || replace(hex(zeroblob(?2 / 4)), '0', '\\\"') || "
             "'\"}' " OF_RUN,
             what, what->output_size);
    set_size(store, "UPDATE task_end SET error = hex(zeroblob(?2 / 2)) " OF_RUN " AND state = 3", what,
             what->error_size);
    return CLEAT_OK;
}

static size_t count_with(const json_t *rows, const char *key, size_t least)
{
    size_t i, found = 0;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        const json_t *value = json_object_get(row, key);
        const json_t *text = json_is_object(value) ? json_object_get(value, "x") : value;
        found += json_string_length(text) >= least;
    }
    return found;
}

/* But for what is noted of runs that have waited for seconds: on a slow machine these have. */
static size_t count_events(const json_t *events)
{
    size_t i, count = 0;
    const json_t *event;
    json_array_foreach(events, i, event)
    {
        const char *kind = json_string_value(json_object_get(event, "eventType"));
        count += strncmp(kind, "REQUEUED", strlen("REQUEUED")) != 0;
    }
    return count;
}

static void runs_that_have_made_much_can_be_read(void **state)
{
    enum {
        INPUT = 1200000,
        OUTPUT = 800000,
        LENGTH = OUTPUT / 2
    }; /* outputs are told twice, and once as a text */
    rest_world *it = *state;
    declare_wide(it);
    large what = {.run = trigger_run(it, 1, "wide"), .input_size = INPUT, .output_size = OUTPUT};
    assert_int_equal(cleat__engine_call(it->engine, enlarge, &what), CLEAT_OK);
    json_t *run = get(it, URL(RUN, ID(&what.run)));
    assert_int_equal(count_at(run, "tasks"), WIDE);
    assert_int_equal(count_events(at(run, "taskEvents")), 4 * WIDE);
    assert_int_equal(json_string_length(at(run, "run.input.x")), INPUT);
    assert_int_equal(json_string_length(at(run, "run.output.x")), LENGTH);
    assert_in_range(count_with(at(run, "tasks"), "output", LENGTH), 1, WIDE - 1); /* the first of them */
    assert_in_range(count_with(at(run, "tasks"), "input", INPUT), 1, WIDE - 1);
    assert_int_equal(count_at(run, "tasks.19.output"), 0);
    assert_null(at(run, "taskEvents.79.output"));
    json_t *task = get(it, URL(TASK, text_at(run, "tasks.19.taskExternalId"))); /* which has them */
    assert_int_equal(json_string_length(at(task, "output.x")), LENGTH);
    assert_int_equal(json_string_length(at(task, "input.x")), INPUT);
    json_decref(task);
    json_decref(run);
    run = get(it, URL(RUN "/task-events", ID(&what.run)));
    assert_int_equal(count_events(at(run, "rows")), 4 * WIDE);
    json_decref(run);
}

static void runs_that_have_failed_at_length_can_be_read(void **state)
{
    enum { MUCH = 400000 };
    rest_world *it = *state;
    declare_wide(it);
    large what = {.run = trigger_run(it, 1, "wide"), .error_size = MUCH};
    assert_int_equal(cleat__engine_call(it->engine, enlarge, &what), CLEAT_OK);
    json_t *run = get(it, URL(RUN, ID(&what.run)));
    assert_in_range(count_with(at(run, "tasks"), "errorMessage", MUCH), 1, WIDE - 1);
    assert_in_range(count_with(at(run, "taskEvents"), "errorMessage", MUCH), 1, WIDE - 1);
    json_decref(run);
}

/* ---- Lists ---- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(runs_that_have_made_much_can_be_read),
        REST_TEST(runs_that_have_failed_at_length_can_be_read),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
