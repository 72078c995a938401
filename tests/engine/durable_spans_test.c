/* What the file tells of invocations, for the spans of what they waited for (store/attempt.h). */
#include "durable_test.h"

#include "store/attempt.h"
#include "store/durable.h"
#include "support/checked_file.h"

#define START INT64_C(1700000000000)

/* ---- Looking ---- */

typedef struct told {
    cleat__attempt_wait wait;
    bool is_known;
} told;

static cleat_status keep(void *argument, const cleat__attempt_wait *wait)
{
    told *it = argument;
    it->wait = *wait;
    it->is_known = true;
    return CLEAT_OK;
}

static told ask_file(const cleat__uuid *run, int32_t retry_count, int32_t number, int64_t at_ms)
{
    const cleat__invocation_key key = {*run, retry_count, number, at_ms};
    told it = {.is_known = false};
    cleat__store *reader = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    cleat_status status = cleat__attempt_wait_load(reader, CLEAT__TENANT_DEFAULT, &key, keep, &it);
    assert_int_equal(status, it.is_known ? CLEAT_OK : CLEAT_NOT_FOUND);
    cleat__store_close(reader);
    return it;
}

/* "2 sleep 100-1100 1100-1100": the invocation (0: it is the first of its attempt), what the one before has waited for
 * and when, and its queue; in milliseconds since the start. */
static const char *text_of(const told *it)
{
    static const char *const kinds[] = {"sleep", "event", "hook", "child"};
    static char text[128];
    const cleat__invocation_wait *invocation = &it->wait.invocation;
    if (!it->is_known) {
        return "none";
    }
    snprintf(text, sizeof(text), "%d", invocation->number);
    for (int i = 0; i < 4; i++) {
        if (invocation->waited_for & UINT32_C(1) << (CLEAT__PENDING_SLEEP + i)) {
            sprintf(text + strlen(text), " %s", kinds[i]);
        }
    }
    if (invocation->suspended_at_ms != 0) {
        sprintf(text + strlen(text), " %d-%d", (int)(invocation->suspended_at_ms - START),
                (int)(invocation->queued_at_ms - START));
    }
    sprintf(text + strlen(text), " %d-%d", (int)(it->wait.due_at_ms - START),
            (int)(it->wait.started_at_ms - START));
    return text;
}

#define assert_told(run, retry_count, number, expected)           \
    do {                                                          \
        told told_ = ask_file((run), (retry_count), (number), 0); \
        assert_string_equal(text_of(&told_), expected);           \
    } while (0)

/* Of one that does not say its number, in the middle of its span. */
#define assert_told_at(run, retry_count, ms, expected)                \
    do {                                                              \
        told told_ = ask_file((run), (retry_count), 0, START + (ms)); \
        assert_string_equal(text_of(&told_), expected);               \
    } while (0)

static cleat__uuid start(rig *at)
{
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    assert_invocation(at, 1);
    return run;
}

static void sleep_and_evict(rig *at, const cleat__uuid *run, int invocation, int64_t ms)
{
    char text[32];
    int64_t node;
    snprintf(text, sizeof(text), "%dms", (int)ms);
    assert_int_equal(sleep_for(at, run, invocation, ms, text, &node), CLEAT_OK);
    assert_int_equal(evict(at, run, invocation, node), CLEAT_OK);
}

/* ---- Tests ---- */

static void test_a_run_that_waits_for_nothing(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    advance(at, 50);
    assert_told(&run, 0, 1, "0 0-0");
    assert_told_at(&run, 0, 10, "0 0-0");
    end_run(at, &run, 1, CLEAT_OK, "1");
    assert_told(&run, 0, 1, "0 0-0");
    assert_told(&run, 1, 2, "none");
}

static void test_a_sleep_and_the_queue_behind_it(void **state)
{
    rig *at = *state;
    declare(at);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    advance(at, 20);
    join_both(at, 1, 0);
    advance(at, 80);
    sleep_and_evict(at, &run, 1, 1000);
    assert_told(&run, 0, 1, "0 0-20");
    cleat__uuid other = trigger(at, "flow:flow", "{}", 0); /* it takes the slot */
    advance(at, 1000);
    assert_told(&run, 0, 1, "0 0-20"); /* its wait is over, and nobody has the next one */
    advance(at, 30);
    end_run(at, &other, 1, CLEAT_OK, "1");
    assert_told(&run, 0, 1, "0 0-20");
    assert_told(&run, 0, 2, "2 sleep 100-1100 1100-1130");
    sleep_and_evict(at, &run, 2, 1000); /* the same sleep: it is over */
    assert_told(&run, 0, 2, "2 sleep 100-1100 1100-1130");
    assert_told(&run, 0, 3, "3 1130-1130 1130-1130");
}

static void test_each_wait_has_its_own(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t first, second;
    advance(at, 10);
    sleep_for(at, &run, 1, 100, "100ms", &first);
    evict(at, &run, 1, first);
    advance(at, 100);
    advance(at, 5);
    sleep_for(at, &run, 2, 100, "100ms", &first);
    sleep_for(at, &run, 2, 200, "200ms", &second);
    evict(at, &run, 2, second);
    advance(at, 200);
    advance(at, 7);
    end_run(at, &run, 3, CLEAT_OK, "1");
    assert_told(&run, 0, 1, "0 0-0");
    assert_told(&run, 0, 2, "2 sleep 10-110 110-110");
    assert_told(&run, 0, 3, "3 sleep 115-315 315-315");
    assert_told_at(&run, 0, 5, "0 0-0");
    assert_told_at(&run, 0, 109, "0 0-0");
    assert_told_at(&run, 0, 110, "2 sleep 10-110 110-110");
    assert_told_at(&run, 0, 314, "2 sleep 10-110 110-110");
    assert_told_at(&run, 0, 320, "3 sleep 115-315 315-315");
    assert_told_at(&run, 0, 1000000, "3 sleep 115-315 315-315");
}

static void test_what_it_waited_for(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    int64_t node, numbers[2];
    const cleat__condition event = event_of("paid");
    wait_for(at, &run, 1, &event, 1, &node);
    evict(at, &run, 1, node);
    advance(at, 10);
    push_event(at, "paid", "{}", NULL, NULL);
    assert_told(&run, 0, 2, "2 event 0-10 10-10");
    wait_for(at, &run, 2, &event, 1, &node);
    spawn(at, &run, 2, "{}", &child, &node);
    evict(at, &run, 2, node);
    advance(at, 10);
    report(at, &child, 0, CLEAT_OK, "1");
    assert_told(&run, 0, 3, "3 child 10-20 20-20");
    wait_for(at, &run, 3, &event, 1, &node);
    spawn(at, &run, 3, "{}", &child, &node);
    const cleat__condition either[] = {sleep_of(30, "30ms"), event_of("never")};
    wait_for(at, &run, 3, either, 1, &numbers[0]);
    spawn(at, &run, 3, "{}", &child, &numbers[1]);
    evict_with(at, &run, 3, false, numbers, 2, NULL);
    advance(at, 30);
    assert_told(&run, 0, 4, "4 sleep child 20-50 50-50");
    evict_with(at, &run, 4, true, &node, 1, NULL); /* a child that has ended */
    assert_told(&run, 0, 5, "5 child 50-50 50-50");
}

/* As TypeScript's worker does it that says for nothing that it waits. */
static void test_whatever_it_waits_for(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    const cleat__condition both[] = {sleep_of(30, "30ms"), event_of("go")};
    assert_int_equal(wait_for(at, &run, 1, both, 2, &node), CLEAT_OK);
    evict_with(at, &run, 1, false, NULL, 0, NULL);
    cleat__command restore = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_RESTORE, .as.durable_restore = run};
    advance(at, 10);
    assert_int_equal(ask(at, &restore), CLEAT_OK);
    assert_told(&run, 0, 2, "2 sleep event 0-10 10-10");
}

/* ---- What comes between ---- */

static void restart(rig *at)
{
    crash(at);
    at->now.monotonic_ms = 77;
    open_core(at);
}

static void test_the_engine_is_started_again(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    sleep_and_evict(at, &run, 1, 100);
    restart(at);
    advance(at, 100);
    restart(at);
    advance(at, 5);
    join_both(at, 100, 100);
    assert_told(&run, 0, 2, "2 sleep 0-100 100-105");
    advance(at, 5);
    restart(at); /* its worker is lost */
    join_both(at, 100, 100);
    assert_told(&run, 0, 2, "2 sleep 0-100 100-105");
    assert_told(&run, 1, 3, "0 110-110");
    int64_t node;
    sleep_for(at, &run, 3, 100, "100ms", &node);
    advance(at, 1);
    evict(at, &run, 3, node);
    assert_told(&run, 1, 3, "0 110-110");
    assert_told(&run, 1, 4, "4 111-111 111-111");
}

static void test_an_attempt_that_fails_waits_for_nothing_again(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    sleep_and_evict(at, &run, 1, 100);
    advance(at, 100);
    advance(at, 5);
    end_run(at, &run, 2, CLEAT_FAILED, "no luck");
    assert_told(&run, 0, 1, "0 0-0");
    assert_told(&run, 0, 2, "2 sleep 0-100 100-100");
    assert_told(&run, 1, 3, "0 105-105");
    assert_told(&run, 1, 2, "0 105-105"); /* that one is of another attempt */
    assert_told_at(&run, 1, 106, "0 105-105");
}

/* Nobody has begun it: what it waited for is what the next one waited for. */
static void test_what_is_given_back_unopened(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    sleep_and_evict(at, &run, 1, 100);
    advance(at, 100);
    advance(at, 5);
    end_run(at, &run, 2, CLEAT_UNAVAILABLE, NULL);
    assert_told(&run, 0, 3, "3 sleep 0-100 100-105");
    advance(at, 5);
    cleat__command undelivered = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_UNDELIVERED, .as.undelivered = {run, 0}};
    assert_int_equal(ask(at, &undelivered), CLEAT_OK);
    assert_told(&run, 1, 4, "4 sleep 0-100 100-110");
}

/* Until somebody has it the next one is only in what the file says of its wait; and so it may stay. */
static void test_what_is_given_back_and_had_by_nobody(void **state)
{
    rig *at = *state;
    declare(at);
    cleat__uuid worker = join_both(at, 1, 1);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    sleep_and_evict(at, &run, 1, 100);
    advance(at, 100);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker), CLEAT_OK);
    end_run(at, &run, 2, CLEAT_UNAVAILABLE, NULL);
    assert_string_equal(state_of(at, &run), "QUEUED");
    assert_null(checked_file(FILE_NAME));
    cancel(at, &run);
    assert_null(checked_file(FILE_NAME));
}

/* It has been traced, and so is the next one; its wait is not told twice. */
static void test_what_is_broken_off(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    sleep_and_evict(at, &run, 1, 100);
    advance(at, 100);
    memo(at, &run, 2, "a", "1");
    advance(at, 5);
    end_run(at, &run, 2, CLEAT_UNAVAILABLE, NULL);
    assert_told(&run, 0, 2, "2 sleep 0-100 100-100");
    assert_told(&run, 0, 3, "3 105-105");
}

static void test_a_wait_that_was_cancelled_is_not_told(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    sleep_and_evict(at, &run, 1, 100);
    advance(at, 50);
    cancel(at, &run);
    assert_told(&run, 0, 1, "0 0-0");
    cleat__command replay = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = run};
    assert_int_equal(ask(at, &replay), CLEAT_OK);
    assert_told(&run, 1, 2, "0 50-50");
}

/* ---- Many ---- */

/* A run that sleeps again and again, one millisecond each time: those that do not say their number are found. */
static void test_a_run_of_many_invocations(void **state)
{
    enum { MANY = 2000 };
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    char expected[96];
    sleep_for(at, &run, 1, 1000000, "1000s", &node);
    cleat__command restore = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_RESTORE, .as.durable_restore = run};
    for (int i = 1; i < MANY; i++) {
        assert_int_equal(evict(at, &run, i, node), CLEAT_OK);
        at->now.unix_ms += 1;
        assert_int_equal(ask(at, &restore), CLEAT_OK);
        at->now.unix_ms += 1;
    }
    for (int i = 2; i <= MANY; i += i < 20 || i > MANY - 20 ? 1 : 97) {
        int from = 2 * (i - 2);
        snprintf(expected, sizeof(expected), "%d sleep %d-%d %d-%d", i, from, from + 1, from + 1, from + 1);
        assert_told(&run, 0, i, expected);
        assert_told_at(&run, 0, from + 1, expected);
    }
    assert_told_at(&run, 0, 0, "0 0-0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_run_that_waits_for_nothing),
        TEST(test_a_sleep_and_the_queue_behind_it),
        TEST(test_each_wait_has_its_own),
        TEST(test_what_it_waited_for),
        TEST(test_whatever_it_waits_for),
        TEST(test_the_engine_is_started_again),
        TEST(test_an_attempt_that_fails_waits_for_nothing_again),
        TEST(test_what_is_given_back_unopened),
        TEST(test_what_is_given_back_and_had_by_nobody),
        TEST(test_what_is_broken_off),
        TEST(test_a_wait_that_was_cancelled_is_not_told),
        TEST(test_a_run_of_many_invocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
