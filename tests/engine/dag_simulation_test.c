/*
 * Random workflows of several tasks in a random world, whose engine ends again and again.
 *
 * A seed is one run: up to eight tasks, each behind some of those before it, some skipped or cancelled by what a
 * parent made, some waiting for a time or an event, perhaps one for failures. A worker completes and fails what it gets;
 * time passes, events come, the run or a task is cancelled, the engine is closed and opened. In the end the run is
 * replayed, whole or from a task on, and goes to its end again. Asserted: no task is handed out before its parents have
 * completed, none twice for one attempt; the run ends when all of its tasks have and says what the states of
 * these say; each that has completed is in its output; nothing waits for anything any more; and each state follows from
 * those of the parents.
 *
 *     CLEAT_SEEDS=n   how many (default 100; fewer under a sanitizer)
 *     CLEAT_FIRST=n   the first of them (default 1)
 */
#include "engine/dag_test.h"
#include "support/sanitizer.h"
#include "support/seeds.h"

#include "base/random.h"
#include "engine/core_parts.h"
#include "model/match.h"

#define SEEDS (UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER ? 30 : 100)
enum { STEPS = 400 };

typedef struct dag_world {
    dag_rig *at;
    cleat__random random;
    cleat__step_condition conditions[DAG_TASKS][3];
    char names[DAG_TASKS][2];
    char parents[DAG_TASKS][2 * DAG_TASKS];
    size_t done; /* of what was handed out, reported; they are reported in that order */
    bool is_replayed;
    uint64_t seed;
} dag_world;

static size_t pick(dag_world *it, size_t count)
{
    return (size_t)(cleat__random_next(&it->random) % count);
}

/* ---- A workflow ---- */

static void add_conditions(dag_world *it, size_t step, cleat__workflow_task *task)
{
    cleat__step_condition *list = it->conditions[step];
    size_t count = 0;
    if (task->parent_count != 0 && pick(it, 3) == 0) {
        static const char *const says[] = {"output.n > 1", "output.n == 0", "output.nothing"};
        list[count] = of_parent((cleat__step_action)pick(it, CLEAT__STEP_ACTIONS), "", says[pick(it, 3)]);
        list[count++].parent = task->parents[pick(it, task->parent_count)];
    }
    if (pick(it, 4) == 0) {
        list[count++] = of_sleep(CLEAT__STEP_QUEUE, 1000 * (int64_t)pick(it, 3), "s");
        if (pick(it, 2) == 0) {
            list[count++] = of_event((cleat__step_action)pick(it, CLEAT__STEP_ACTIONS), "go");
        }
    }
    set_conditions(task, list, count);
}

static void add_tasks(dag_world *it)
{
    size_t count = 2 + pick(it, DAG_TASKS - 2);
    bool has_on_failure = pick(it, 2) == 0;
    for (size_t i = 0; i < count; i++) {
        bool is_last = has_on_failure && i == count - 1;
        it->names[i][0] = (char)('a' + (int)i);
        for (size_t j = 0; j < i && !is_last; j++) {
            if (pick(it, 3) == 0) {
                snprintf(it->parents[i] + strlen(it->parents[i]), 3, "%s%s",
                         it->parents[i][0] != '\0' ? " " : "", it->names[j]);
            }
        }
        cleat__workflow_task *task = add_task(it->at, it->names[i], it->parents[i]);
        task->policy.retries = (int32_t)pick(it, 2);
        task->is_on_failure = is_last;
        if (!is_last) {
            add_conditions(it, i, task);
        }
    }
}

/* ---- What happens ---- */

static void report_one(dag_world *it)
{
    if (it->done == told.count) {
        return;
    }
    const told_task *task = &told.tasks[it->done++];
    char output[32];
    snprintf(output, sizeof(output), pick(it, 6) == 0 ? "{\"skipped\":true}" : "{\"n\":%d}",
             (int)pick(it, 4));
    bool has_failed = pick(it, 5) == 0;
    assert_int_equal(report(&it->at->core, &task->id, task->retry_count, has_failed ? CLEAT_IO : CLEAT_OK,
                            has_failed ? "bad" : output),
                     CLEAT_OK);
}

/* The state of a task in what tasks_of() says. */
static const char *task_state(const char *all, size_t step)
{
    static char text[64];
    for (size_t i = 0; i < step; i++) {
        all = strchr(all, ' ') + 1;
    }
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(all + 2, " "), all + 2);
    return text;
}

static bool has_completed(const char *all, size_t step)
{
    const char *state = task_state(all, step);
    return strcmp(state, "completed") == 0 || strcmp(state, "skipped") == 0;
}

/* What was handed out just now. */
static void check_given(const dag_world *it, size_t first)
{
    char all[1024];
    if (first < told.count) {
        snprintf(all, sizeof(all), "%s", tasks_of(it->at));
    }
    for (size_t i = first; i < told.count; i++) {
        const cleat__workflow_task *task = &it->at->tasks[told.tasks[i].name[0] - 'a'];
        for (size_t j = 0; j < task->parent_count && !it->is_replayed; j++) {
            assert_true(has_completed(all, (size_t)(task->parents[j].data[0] - 'a')));
        }
        for (size_t j = 0; j < i; j++) {
            assert_false(cleat__uuid_equals(&told.tasks[i].id, &told.tasks[j].id) &&
                         told.tasks[i].retry_count == told.tasks[j].retry_count);
        }
    }
}

static void cancel_something(dag_world *it)
{
    if (pick(it, 3) == 0) {
        (void)cancel(&it->at->core, &it->at->run);
    } else if (told.count != 0) {
        (void)cancel(&it->at->core, &told.tasks[pick(it, told.count)].id);
    }
}

static void happen(dag_world *it)
{
    switch (pick(it, 16)) {
    case 0: advance(&it->at->core, 500 + (int64_t)pick(it, 1500)); break;
    case 1: push(it->at, "go", "{}"); break;
    case 2:
    case 3: restart(it->at); break;
    case 4:
        if (pick(it, 10) == 0) {
            cancel_something(it);
        }
        break;
    default: report_one(it); break;
    }
}

static bool has_ended(dag_world *it)
{
    return cleat__core_find_run(it->at->core.core, CLEAT__TENANT_DEFAULT, &it->at->run) == NULL;
}

static void go_to_the_end(dag_world *it)
{
    for (int i = 0; i < STEPS && !has_ended(it); i++) {
        size_t before = told.count;
        happen(it);
        if (told.count + DAG_TASKS >= DAG_HEARD) { /* what is reported needs not be known any more */
            size_t kept = told.count - it->done;
            memmove(told.tasks, told.tasks + it->done, kept * sizeof(told.tasks[0]));
            before = before > it->done ? before - it->done : 0;
            told.count = kept;
            it->done = 0;
        }
        check_given(it, before);
    }
    for (int i = 0; i < 2 && !has_ended(it);
         i++) { /* who waits for an event that skips or stops it has no other end */
        push(it->at, "go", "{}");
        while (it->done < told.count) {
            report_one(it);
        }
    }
    if (!has_ended(it)) {
        fail_msg("seed %llu does not end: %s", (unsigned long long)it->seed, tasks_of(it->at));
    }
}

/* ---- In the end ---- */

static void check_state_of_run(dag_world *it)
{
    const char *tasks = tasks_of(it->at);
    const char *expected = strstr(tasks, "=failed") != NULL      ? "FAILED"
                           : strstr(tasks, "=cancelled") != NULL ? "CANCELLED"
                                                                 : "COMPLETED {";
    assert_null(strstr(tasks, "=held"));
    assert_null(strstr(tasks, "=queued"));
    assert_null(strstr(tasks, "=running"));
    if (strncmp(run_of(it->at), expected, strlen(expected)) != 0) {
        fail_msg("seed %llu: %s, but %s", (unsigned long long)it->seed, run_of(it->at), tasks);
    }
    assert_string_equal(query("SELECT count(*) FROM durable_condition WHERE ?1 IS NOT NULL", &it->at->run),
                        "0");
    assert_string_equal(query("SELECT count(*) FROM task_live WHERE ?1 IS NOT NULL", &it->at->run), "0");
    assert_string_equal(query("SELECT count(*) FROM task_end e JOIN task t ON t.id = e.id AND t.dag_id = ?1 "
                              "WHERE e.state = 2 AND e.output IS NULL",
                              &it->at->run),
                        "0");
}

/* Without a word of its own a task has done what its parents say. */
static void check_plain_tasks(dag_world *it)
{
    char all[1024];
    snprintf(all, sizeof(all), "%s", tasks_of(it->at));
    for (size_t i = 0; i < it->at->workflow.task_count; i++) {
        const cleat__workflow_task *task = &it->at->tasks[i];
        bool has_all = true;
        for (size_t j = 0; j < task->parent_count; j++) {
            has_all = has_all && has_completed(all, (size_t)(task->parents[j].data[0] - 'a'));
        }
        const char *state = task_state(all, i);
        if (!has_all && task->condition_count == 0) {
            assert_string_equal(state, "cancelled");
        }
        assert_true(has_all || strcmp(state, "completed") != 0);
    }
}

static void live(dag_rig *at, uint64_t seed)
{
    dag_world it = {.at = at, .seed = seed};
    cleat__random_init(&it.random, seed);
    at->core.now.unix_ms += (int64_t)seed;
    add_tasks(&it);
    begin(at, "{}");
    check_given(&it, 0);
    go_to_the_end(&it);
    check_state_of_run(&it);
    check_plain_tasks(&it);
    it.is_replayed = true;
    size_t from = pick(&it, 2 * told.count + 1);
    assert_int_equal(replay(at, from < told.count ? &told.tasks[from].id : &at->run), CLEAT_OK);
    go_to_the_end(&it);
    check_state_of_run(&it);
}

static void test_random_workflows(void **state)
{
    (void)state;
    uint64_t count = number_from("CLEAT_SEEDS", SEEDS), first = number_from("CLEAT_FIRST", 1);
    for (uint64_t seed = first; seed < first + count; seed++) {
        void *at = NULL;
        open_dag(&at);
        live(at, seed);
        close_dag(&at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_workflows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
