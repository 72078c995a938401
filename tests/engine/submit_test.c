/* Commands whose answer goes to done() instead of to a thread that waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "engine/command.h"
#include "support/gate.h"

#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "test.db"

typedef struct fixture {
    cleat__engine *engine;
    gate answered;
    int last_place; /* of the thread that answers */
} fixture;

/* One command of an owner, in the owner's struct. */
typedef struct request {
    cleat__command command;
    fixture *owner;
    pthread_t thread;
    int place; /* among the answers, from 1 on; 0: none yet */
} request;

static void note_answer(cleat__command *command)
{
    request *it = (request *)command;
    it->thread = pthread_self();
    it->place = ++it->owner->last_place;
    gate_add(&it->owner->answered);
}

static int open_fixture(void **state)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    gate_init(&it->answered);
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &it->engine), CLEAT_OK);
    const cleat__workflow workflow = {
        .name = {"a", 1},
        .tasks = &(cleat__workflow_task){.name = {"step", 4},
                                         .action = {"a:step", 6},
                                         .policy = {.priority = 1,
                                                    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                                    .schedule_timeout_ms = CLEAT__NO_TIMEOUT}},
        .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, CLEAT__TENANT_DEFAULT, &workflow, NULL),
                     CLEAT_OK);
    *state = it;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *it = *state;
    cleat__engine_close(it->engine);
    gate_deinit(&it->answered);
    free(it);
    return 0;
}

static void submit(fixture *it, request *made)
{
    made->owner = it;
    made->command.tenant = CLEAT__TENANT_DEFAULT;
    made->command.done = note_answer;
    cleat__engine_submit(it->engine, &made->command);
}

static cleat__uuid trigger(fixture *it)
{
    cleat__uuid id;
    const cleat__trigger item = {.workflow = {"a", 1}};
    assert_int_equal(cleat__engine_trigger(it->engine, CLEAT__TENANT_DEFAULT, &item, 1, &id), CLEAT_OK);
    return id;
}

static void test_answers_come_in_order_on_the_engines_thread(void **state)
{
    fixture *it = *state;
    enum { COUNT = 100 };
    static request requests[COUNT];
    static cleat__uuid ids[COUNT];
    static cleat__trigger items[COUNT];
    memset(requests, 0, sizeof(requests));
    for (size_t i = 0; i < COUNT; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of(i % 10 == 7 ? "unknown" : "a")};
        requests[i].command.kind = CLEAT__COMMAND_TRIGGER;
        requests[i].command.as.trigger.items = &items[i];
        requests[i].command.as.trigger.count = 1;
        requests[i].command.as.trigger.ids = &ids[i];
        submit(it, &requests[i]);
    }
    gate_wait(&it->answered, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        bool is_refused = i % 10 == 7;
        assert_int_equal(requests[i].place, i + 1);
        assert_int_equal(requests[i].command.status, is_refused ? CLEAT_NOT_FOUND : CLEAT_OK);
        assert_int_equal(requests[i].command.error != NULL, is_refused);
        assert_true(pthread_equal(requests[i].thread, requests[0].thread));
        assert_false(pthread_equal(requests[i].thread, pthread_self()));
        cleat__free(requests[i].command.error);
    }
}

static void test_a_wait_is_answered_at_the_end(void **state)
{
    fixture *it = *state;
    cleat__uuid id = trigger(it);
    cleat_run_result result;
    char *task_name = NULL;
    request wait = {.command = {.kind = CLEAT__COMMAND_WAIT,
                                .as.wait = {.id = id, .result = &result, .task_name = &task_name}}};
    submit(it, &wait);
    assert_int_equal(cleat__engine_cancel(it->engine, CLEAT__TENANT_DEFAULT, &id), CLEAT_OK);
    gate_wait(&it->answered, 1);
    assert_int_equal(wait.command.status, CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_CANCELLED);
    assert_string_equal(task_name, "step");
    cleat__free(task_name);
    cleat_run_result_deinit(&result);

    /* And at once when it has ended. */
    wait.command = (cleat__command){.kind = CLEAT__COMMAND_WAIT,
                                    .as.wait = {.id = id, .result = &result, .task_name = &task_name}};
    submit(it, &wait);
    gate_wait(&it->answered, 2);
    assert_int_equal(wait.command.status, CLEAT_OK);
    assert_string_equal(task_name, "step");
    cleat__free(task_name);
    cleat_run_result_deinit(&result);
}

static void test_a_withdrawn_wait_is_never_answered(void **state)
{
    fixture *it = *state;
    cleat__uuid id = trigger(it);
    cleat_run_result result = {0};
    request wait = {.command = {.kind = CLEAT__COMMAND_WAIT, .as.wait = {.id = id, .result = &result}}};
    request stop = {.command = {.kind = CLEAT__COMMAND_STOP_WAITING, .as.stop_waiting = &wait.command}};
    submit(it, &wait);
    submit(it, &stop);
    gate_wait(&it->answered, 1);
    assert_int_equal(stop.place, 1);
    assert_int_equal(stop.command.status, CLEAT_OK);
    assert_int_equal(cleat__engine_cancel(it->engine, CLEAT__TENANT_DEFAULT, &id), CLEAT_OK);
    /* Behind the end of the run, so that its answer would have come before. */
    stop.command = (cleat__command){.kind = CLEAT__COMMAND_STOP_WAITING, .as.stop_waiting = &wait.command};
    submit(it, &stop);
    gate_wait(&it->answered, 2);
    assert_int_equal(wait.place, 0);
}

/* ---- An owner that goes on from its answer ---- */

typedef struct chain {
    request request; /* first */
    cleat__uuid id;
    cleat__trigger item;
    int left;
} chain;

/* Who looks on, as long as one thing is to be told. */
typedef struct looker {
    cleat__watch watch;
    gate told;
    pthread_t thread;
    cleat__uuid run_id;
} looker;

static void note_told(void *self, const cleat__happening *happening)
{
    looker *it = self;
    it->thread = pthread_self();
    it->run_id = happening->run_id;
    gate_add(&it->told);
}

static cleat_status ask(fixture *it, request *made)
{
    int before = gate_count(&it->answered);
    submit(it, made);
    gate_wait(&it->answered, before + 1);
    cleat__free(made->command.error);
    return made->command.status;
}

/* A schedule fires by itself, and whoever looks on is told on the engine's thread. */
static void test_what_happens_by_itself_is_told(void **state)
{
    fixture *it = *state;
    looker looks = {.watch = {.key = {"k", 1}, .value = {"v", 1}, .self = &looks, .tell = note_told}};
    gate_init(&looks.told);
    const cleat__schedule schedule = {.workflow = {"a", 1}, .metadata = {"{\"k\":\"v\"}", 9}};
    const int64_t at_ms = 0;
    cleat__uuid id;
    request watch = {.command = {.kind = CLEAT__COMMAND_WATCH, .as.watch = &looks.watch}};
    request at_once = {
        .command = {.kind = CLEAT__COMMAND_SCHEDULE, .as.schedule = {&schedule, &at_ms, 1, &id}}};
    request unwatch = {.command = {.kind = CLEAT__COMMAND_UNWATCH, .as.watch = &looks.watch}};
    request find = {.command = {.kind = CLEAT__COMMAND_FIND}};
    assert_int_equal(ask(it, &watch), CLEAT_OK);
    assert_int_equal(ask(it, &at_once), CLEAT_OK);
    gate_wait(&looks.told, 1);
    assert_true(pthread_equal(looks.thread, watch.thread));
    assert_int_equal(ask(it, &unwatch), CLEAT_OK);
    find.command.as.id = looks.run_id;
    assert_int_equal(ask(it, &find), CLEAT_OK);
    gate_deinit(&looks.told);
}

static void test_threads_that_wait_for_it(void **state)
{
    fixture *it = *state;
    const cleat__user_event event = {.key = {"k", 1}};
    const cleat__schedule schedule = {.workflow = {"a", 1}};
    const int64_t at_ms = INT64_C(4102444800000); /* 2100 */
    cleat__uuid id;
    assert_int_equal(cleat__engine_push(it->engine, CLEAT__TENANT_DEFAULT, &event, 1, &id), CLEAT_OK);
    assert_false(cleat__uuid_is_nil(&id));
    assert_int_equal(cleat__engine_push(it->engine, CLEAT__TENANT_DEFAULT, &event, 0, &id),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__engine_schedule(it->engine, CLEAT__TENANT_DEFAULT, &schedule, &at_ms, 1, &id),
                     CLEAT_OK);
    assert_int_equal(cleat__engine_unschedule(it->engine, 2, &id), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__engine_unschedule(it->engine, CLEAT__TENANT_DEFAULT, &id), CLEAT_OK);
    assert_int_equal(cleat__engine_unschedule(it->engine, CLEAT__TENANT_DEFAULT, &id), CLEAT_NOT_FOUND);
}

static void test_a_log_line_is_answered(void **state)
{
    fixture *it = *state;
    request lines[2] = {{.place = 0}};
    for (size_t i = 0; i < 2; i++) {
        lines[i].command = (cleat__command){.kind = CLEAT__COMMAND_LOG,
                                            .as.log = {.message = {"x", 1}, .metadata = {"{}", 2}}};
    }
    lines[0].command.as.log.task_id = trigger(it);
    assert_int_equal(ask(it, &lines[0]), CLEAT_OK);
    assert_int_equal(ask(it, &lines[1]), CLEAT_NOT_FOUND);
}

static void go_on(cleat__command *command)
{
    chain *it = (chain *)command;
    if (command->status != CLEAT_OK || it->left-- == 0) {
        note_answer(command);
        return;
    }
    cleat__engine_submit(it->request.owner->engine, command);
}

static void test_done_may_submit(void **state)
{
    fixture *it = *state;
    chain links = {.item = {.workflow = {"a", 1}}, .left = 50};
    links.request.owner = it;
    links.request.command = (cleat__command){.kind = CLEAT__COMMAND_TRIGGER,
                                             .tenant = CLEAT__TENANT_DEFAULT,
                                             .done = go_on,
                                             .as.trigger = {&links.item, 1, &links.id}};
    cleat__engine_submit(it->engine, &links.request.command);
    gate_wait(&it->answered, 1);
    cleat__engine_stats stats;
    cleat__engine_get_stats(it->engine, &stats);
    assert_int_equal(links.request.command.status, CLEAT_OK);
    assert_int_equal(stats.queued, 51);
}

/* ---- Closing ---- */

static void submit_again(cleat__command *command)
{
    request *it = (request *)command;
    command->done = note_answer;
    cleat__free(command->error);
    command->error = NULL;
    cleat__engine_submit(it->owner->engine, command);
}

static void test_closing_answers_all(void **state)
{
    fixture *it = *state;
    cleat__uuid id = trigger(it);
    cleat_run_result results[2] = {{.output = NULL}, {.output = NULL}};
    request waits[2] = {{.owner = it}, {.owner = it}};
    for (size_t i = 0; i < 2; i++) {
        waits[i].command = (cleat__command){.kind = CLEAT__COMMAND_WAIT,
                                            .tenant = CLEAT__TENANT_DEFAULT,
                                            .done = i == 0 ? note_answer : submit_again,
                                            .as.wait = {.id = id, .result = &results[i]}};
        cleat__engine_submit(it->engine, &waits[i].command);
    }
    cleat__engine_close(it->engine);
    it->engine = NULL;
    assert_int_equal(it->answered.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(waits[i].command.status, CLEAT_UNAVAILABLE);
        assert_string_equal(waits[i].command.error, "the engine was closed");
        cleat__free(waits[i].command.error);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_answers_come_in_order_on_the_engines_thread),
        TEST(test_a_wait_is_answered_at_the_end),
        TEST(test_a_withdrawn_wait_is_never_answered),
        TEST(test_done_may_submit),
        TEST(test_what_happens_by_itself_is_told),
        TEST(test_threads_that_wait_for_it),
        TEST(test_a_log_line_is_answered),
        TEST(test_closing_answers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
