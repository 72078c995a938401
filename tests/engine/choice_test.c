/* Which worker gets a run: slots of several types, labels, sticky workflows, and runs nobody takes. */
#include "core_test.h"

static const cleat__policy plain = {
    .priority = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = CLEAT__NO_TIMEOUT};

enum { WORKERS = 3 };

typedef struct team {
    cleat__uuid ids[WORKERS];
    ears ears[WORKERS];
} team;

static team all; /* large */

/* A worker of "a:a" that listens and counts as alive. */
static void hire(rig *at, size_t number, const cleat__slots *slots, size_t slot_count,
                 const cleat__label *labels, size_t label_count)
{
    static const cleat_slice action = {"a:a", 3};
    cleat__worker_spec spec = {.actions = &action,
                               .action_count = 1,
                               .slots = slots,
                               .slot_count = slot_count,
                               .labels = labels,
                               .label_count = label_count};
    cleat__command add = {.tenant = CLEAT__TENANT_DEFAULT,
                          .kind = CLEAT__COMMAND_WORKER_REGISTER,
                          .as.worker_register = {&spec, &all.ids[number]}};
    assert_int_equal(ask(at, &add), CLEAT_OK);
    cleat__command listen = {.tenant = CLEAT__TENANT_DEFAULT,
                             .kind = CLEAT__COMMAND_WORKER_LISTEN,
                             .as.listen = {.id = all.ids[number],
                                           .session = 1,
                                           .is_kept = true,
                                           .sink = {&all.ears[number], hear_assign, hear_cancel}}};
    assert_int_equal(ask(at, &listen), CLEAT_OK);
}

static void put(rig *at, cleat__workflow workflow)
{
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
}

static cleat__uuid start(rig *at, cleat__trigger item, const char *input)
{
    cleat__uuid id;
    item.workflow = cleat_slice_of("a");
    item.input = cleat_slice_of(input);
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

/* The inputs that each worker got since the last call: "ab|c|". */
static const char *who_got_what(void)
{
    static char text[256];
    text[0] = '\0';
    for (size_t i = 0; i < WORKERS; i++) {
        for (size_t j = 0; j < all.ears[i].count; j++) {
            strcat(text, all.ears[i].heard[j].input);
        }
        all.ears[i].count = 0;
        strcat(text, i + 1 < WORKERS ? "|" : "");
    }
    return text;
}

static cleat__label number(const char *key, int32_t value)
{
    return (cleat__label){cleat_slice_of(key), {.is_number = true, .number = value}};
}

static cleat__label word(const char *key, const char *value)
{
    return (cleat__label){cleat_slice_of(key), {.text = cleat_slice_of(value)}};
}

/* ---- Slots ---- */

static void test_a_task_takes_all_its_units(void **state)
{
    rig *at = *state;
    static const cleat__slots offered[] = {{{"default", 7}, 4}, {{"gpu", 3}, 3}};
    static const cleat__slots wanted[] = {{{"gpu", 3}, 2}, {{"default", 7}, 1}};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->slots = wanted;
    task_of(&workflow)->slot_count = 2;
    put(at, workflow);
    hire(at, 0, offered, 2, NULL, 0);
    cleat__uuid first = start(at, (cleat__trigger){0}, "a");
    start(at, (cleat__trigger){0}, "b");
    assert_string_equal(who_got_what(), "a||"); /* one unit of gpu is left */
    report(at, &first, 0, CLEAT_OK, "1");
    assert_string_equal(who_got_what(), "b||");
}

static void test_a_type_nobody_offers_holds_up_no_other_version(void **state)
{
    rig *at = *state;
    static const cleat__slots wanted[] = {{{"gpu", 3}, 1}};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->slots = wanted;
    task_of(&workflow)->slot_count = 1;
    put(at, workflow);
    cleat__uuid stuck = start(at, (cleat__trigger){.priority = 3}, "stuck");
    put_task(at, "a:a", &plain);
    start(at, (cleat__trigger){.priority = 1}, "a");
    hire(at, 0, NULL, 0, NULL, 0);
    assert_string_equal(who_got_what(), "a||");
    assert_string_equal(state_of(at, &stuck), "QUEUED");
    hire(at, 1, wanted, 1, NULL, 0);
    assert_string_equal(who_got_what(), "|stuck|");
}

static void test_versions_share_one_order(void **state)
{
    rig *at = *state;
    cleat__policy other = plain;
    other.retries = 1;
    put_task(at, "a:a", &plain);
    start(at, (cleat__trigger){.priority = 1}, "a");
    start(at, (cleat__trigger){.priority = 2}, "b");
    put_task(at, "a:a", &other);
    start(at, (cleat__trigger){.priority = 1}, "c");
    cleat__uuid failing = start(at, (cleat__trigger){.priority = 3}, "d");
    put_task(at, "a:a", &plain);
    start(at, (cleat__trigger){.priority = 1}, "e");
    start(at, (cleat__trigger){.priority = 2}, "f");
    static const cleat__slots one[] = {{{"default", 7}, 1}};
    hire(at, 0, one, 1, NULL, 0);
    assert_string_equal(who_got_what(), "d||");
    report(at, &failing, 0, CLEAT_FAILED, "x"); /* a retry goes ahead of all */
    assert_string_equal(who_got_what(), "d||");
    hire(at, 1, NULL, 0, NULL, 0);
    assert_string_equal(who_got_what(), "|bface|");
}

static void test_durable_tasks_have_slots_of_their_own(void **state)
{
    rig *at = *state;
    static const cleat__slots offered[] = {{{"default", 7}, 1}, {{"durable", 7}, 1}};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->is_durable = true;
    put(at, workflow);
    start(at, (cleat__trigger){0}, "d");
    start(at, (cleat__trigger){0}, "e");
    put_task(at, "a:a", &plain);
    start(at, (cleat__trigger){0}, "f");
    hire(at, 0, offered, 2, NULL, 0);
    assert_string_equal(who_got_what(), "df||");
}

static void test_releasing_a_slot(void **state)
{
    rig *at = *state;
    static const cleat__slots one[] = {{{"default", 7}, 1}};
    put_task(at, "a:a", &plain);
    hire(at, 0, one, 1, NULL, 0);
    cleat__uuid first = start(at, (cleat__trigger){0}, "a"), second = start(at, (cleat__trigger){0}, "b");
    assert_string_equal(who_got_what(), "a||");
    cleat__command release = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RELEASE_SLOT, .as.id = second};
    assert_int_equal(ask(at, &release), CLEAT_NOT_FOUND); /* not running */
    release.as.id = first;
    assert_int_equal(ask(at, &release), CLEAT_OK);
    assert_int_equal(ask(at, &release), CLEAT_OK); /* once more changes nothing */
    assert_string_equal(who_got_what(), "b||");
    cleat__uuid third = start(at, (cleat__trigger){0}, "c");
    report(at, &first, 0, CLEAT_OK, "1"); /* has no slot to give back */
    assert_string_equal(state_of(at, &first), "COMPLETED 1");
    assert_string_equal(state_of(at, &third), "QUEUED");
    report(at, &second, 0, CLEAT_OK, "1");
    assert_string_equal(who_got_what(), "c||");
    assert_int_equal(ask(at, &release), CLEAT_NOT_FOUND);
}

static void test_refreshing_the_timeout(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    hire(at, 0, NULL, 0, NULL, 0);
    cleat__uuid id = start(at, (cleat__trigger){0}, "a");
    int64_t timeout_at = 0;
    cleat__command refresh = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                              .as.refresh_timeout = {id, 15000, &timeout_at}};
    advance(at, 50000);
    assert_int_equal(ask(at, &refresh), CLEAT_OK);
    assert_int_equal(timeout_at, at->now.unix_ms + 25000);
    advance(at, 499);
    assert_int_equal(ask(at, &refresh), CLEAT_OK); /* as good as the same */
    assert_int_equal(timeout_at, at->now.unix_ms + 24501);
    advance(at, 1);
    assert_int_equal(ask(at, &refresh), CLEAT_OK);
    assert_int_equal(timeout_at, at->now.unix_ms + 39500);
    refresh.as.refresh_timeout.increment_ms = -1;
    assert_int_equal(ask(at, &refresh), CLEAT_INVALID_ARGUMENT);
    advance(at, 39499);
    assert_string_equal(state_of(at, &id), "RUNNING");
    advance(at, 1);
    assert_string_equal(state_of(at, &id), "FAILED Task exceeded timeout of 1m0s");
    assert_int_equal(ask(at, &refresh), CLEAT_NOT_FOUND);
}

/* One that timed out, and goes on, must not keep the next one alive, nor give its slot away. */
static void test_what_another_attempt_asks_for(void **state)
{
    rig *at = *state;
    static const cleat__slots one[] = {{{"default", 7}, 1}};
    cleat__policy twice = plain;
    twice.retries = 1;
    put_task(at, "a:a", &twice);
    hire(at, 0, one, 1, NULL, 0);
    cleat__uuid id = start(at, (cleat__trigger){0}, "a");
    start(at, (cleat__trigger){0}, "b");
    advance(at, 60000);
    assert_string_equal(who_got_what(), "aa||");
    int64_t timeout_at = 0;
    cleat__command refresh = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                              .attempt = 1,
                              .as.refresh_timeout = {id, 15000, &timeout_at}};
    cleat__command release = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RELEASE_SLOT, .attempt = 1, .as.id = id};
    assert_int_equal(ask(at, &refresh), CLEAT_NOT_FOUND);
    assert_int_equal(ask(at, &release), CLEAT_NOT_FOUND);
    assert_string_equal(who_got_what(), "||");
    refresh.attempt = release.attempt = 2;
    assert_int_equal(ask(at, &refresh), CLEAT_OK);
    assert_int_equal(timeout_at, at->now.unix_ms + 75000);
    assert_int_equal(ask(at, &release), CLEAT_OK);
    assert_string_equal(who_got_what(), "b||");
}

/* Not everybody says which attempt, but it may be known who speaks. */
static void test_what_a_worker_asks_for_that_has_lost_the_run(void **state)
{
    rig *at = *state;
    static const cleat__slots one[] = {{{"default", 7}, 1}};
    put_task(at, "a:a", &plain);
    hire(at, 0, one, 1, NULL, 0);
    cleat__uuid id = start(at, (cleat__trigger){0}, "a");
    hire(at, 1, one, 1, NULL, 0);
    start(at, (cleat__trigger){0}, "b");
    start(at, (cleat__trigger){0}, "c");
    assert_string_equal(who_got_what(), "a|b|");
    int64_t timeout_at = 0;
    cleat__command refresh = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                              .worker_id = all.ids[1],
                              .as.refresh_timeout = {id, 15000, &timeout_at}};
    cleat__command release = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_RELEASE_SLOT,
                              .worker_id = all.ids[1],
                              .as.id = id};
    assert_int_equal(ask(at, &refresh), CLEAT_NOT_FOUND);
    assert_int_equal(ask(at, &release), CLEAT_NOT_FOUND);
    assert_string_equal(who_got_what(), "||");
    refresh.worker_id = release.worker_id = all.ids[0];
    assert_int_equal(ask(at, &refresh), CLEAT_OK);
    assert_int_equal(timeout_at, at->now.unix_ms + 75000);
    assert_int_equal(ask(at, &release), CLEAT_OK);
    assert_string_equal(who_got_what(), "c||");
}

static void test_no_timeout_cannot_be_longer(void **state)
{
    rig *at = *state;
    cleat__policy endless = plain;
    endless.execution_timeout_ms = CLEAT__NO_TIMEOUT;
    put_task(at, "a:a", &endless);
    hire(at, 0, NULL, 0, NULL, 0);
    cleat__uuid id = start(at, (cleat__trigger){0}, "a");
    int64_t timeout_at = 0;
    cleat__command refresh = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                              .as.refresh_timeout = {id, 15000, &timeout_at}};
    assert_int_equal(ask(at, &refresh), CLEAT_OK);
    assert_int_equal(timeout_at, INT64_MAX);
}

/* ---- Labels ---- */

static cleat__desired_label desire(cleat__label label, cleat__comparator comparator, int32_t weight,
                                   bool is_required)
{
    return (cleat__desired_label){.key = label.key,
                                  .value = label.value,
                                  .comparator = comparator,
                                  .weight = weight,
                                  .is_required = is_required};
}

static void test_required_labels(void **state)
{
    rig *at = *state;
    const cleat__label small = number("memory", 8), large = number("memory", 64);
    const cleat__desired_label desired =
        desire(number("memory", 32), CLEAT__COMPARATOR_GREATER_THAN_OR_EQUAL, 100, true);
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->labels = &desired;
    task_of(&workflow)->label_count = 1;
    put(at, workflow);
    hire(at, 0, NULL, 0, NULL, 0);
    hire(at, 1, NULL, 0, &small, 1);
    start(at, (cleat__trigger){0}, "a");
    assert_string_equal(who_got_what(), "||");
    hire(at, 2, NULL, 0, &large, 1);
    assert_string_equal(who_got_what(), "||a");
    crash(at); /* a restart knows what is desired, and who has what */
    open_core(at);
    start(at, (cleat__trigger){0}, "b");
    for (size_t i = 0; i < WORKERS; i++) {
        cleat__command listen = {.tenant = CLEAT__TENANT_DEFAULT,
                                 .kind = CLEAT__COMMAND_WORKER_LISTEN,
                                 .as.listen = {.id = all.ids[i],
                                               .session = 2,
                                               .is_kept = true,
                                               .sink = {&all.ears[i], hear_assign, hear_cancel}}};
        assert_int_equal(ask(at, &listen), CLEAT_OK);
    }
    assert_string_equal(who_got_what(), "||b");
}

static void test_weights_rank_and_equals_take_turns(void **state)
{
    rig *at = *state;
    static const cleat__slots two[] = {{{"default", 7}, 2}};
    const cleat__label fast[] = {word("disk", "ssd"), word("zone", "x")}, slow[] = {word("zone", "x")};
    const cleat__desired_label desired[] = {desire(word("disk", "ssd"), CLEAT__COMPARATOR_EQUAL, 100, false),
                                            desire(word("zone", "x"), CLEAT__COMPARATOR_EQUAL, 50, false)};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->labels = desired;
    task_of(&workflow)->label_count = 2;
    put(at, workflow);
    hire(at, 0, two, 1, slow, 1);
    hire(at, 1, two, 1, fast, 2);
    hire(at, 2, two, 1, fast, 2);
    start(at, (cleat__trigger){0}, "a");
    start(at, (cleat__trigger){0}, "b");
    start(at, (cleat__trigger){0}, "c");
    start(at, (cleat__trigger){0}, "d");
    const char *got = who_got_what();
    assert_true(strcmp(got, "|ac|bd") == 0 || strcmp(got, "|bd|ac") == 0);
    start(at, (cleat__trigger){0}, "e"); /* the better ones are full */
    assert_string_equal(who_got_what(), "e||");
}

static void test_a_run_desires_beside_its_task(void **state)
{
    rig *at = *state;
    const cleat__label red = word("colour", "red"), blue = word("colour", "blue");
    const cleat__desired_label task = desire(red, CLEAT__COMPARATOR_EQUAL, 100, true);
    const cleat__desired_label run = desire(blue, CLEAT__COMPARATOR_EQUAL, 100, true);
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->labels = &task;
    task_of(&workflow)->label_count = 1;
    put(at, workflow);
    cleat__trigger wish = {.labels = &run, .label_count = 1}; /* instead, for the same key */
    start(at, wish, "b");
    start(at, (cleat__trigger){0}, "r");
    crash(at);
    open_core(at);
    hire(at, 0, NULL, 0, &red, 1);
    hire(at, 1, NULL, 0, &blue, 1);
    assert_string_equal(who_got_what(), "r|b|");
}

static void test_labels_change(void **state)
{
    rig *at = *state;
    const cleat__label was[] = {word("colour", "red"), number("n", 1)}, is[] = {word("colour", "blue")};
    const cleat__desired_label desired[] = {desire(is[0], CLEAT__COMPARATOR_EQUAL, 100, true),
                                            desire(number("n", 1), CLEAT__COMPARATOR_EQUAL, 100, true)};
    put_task(at, "a:a", &plain);
    hire(at, 0, NULL, 0, was, 2);
    start(at, (cleat__trigger){.labels = desired, .label_count = 2}, "a");
    assert_string_equal(who_got_what(), "||");
    cleat__command label = {.tenant = CLEAT__TENANT_DEFAULT,
                            .kind = CLEAT__COMMAND_WORKER_LABEL,
                            .as.worker_label = {all.ids[0], is, 1}};
    assert_int_equal(ask(at, &label), CLEAT_OK);
    assert_string_equal(who_got_what(), "a||");
    const cleat__label unnamed = word("", "x");
    label.as.worker_label.items = &unnamed;
    assert_int_equal(ask(at, &label), CLEAT_INVALID_ARGUMENT);
}

static void test_bad_wishes_are_refused(void **state)
{
    rig *at = *state;
    const cleat__desired_label bad = desire(word("k", "v"), CLEAT__COMPARATOR_LESS_THAN, 1, false);
    cleat__trigger item = {.workflow = {"a", 1}, .labels = &bad, .label_count = 1};
    cleat__uuid id;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    put_task(at, "a:a", &plain);
    assert_int_equal(ask(at, &command), CLEAT_INVALID_ARGUMENT);
}

/* ---- Sticky workflows ---- */

static void put_sticky(rig *at, cleat__sticky sticky)
{
    cleat__workflow workflow = workflow_of("a:a", &plain);
    workflow.sticky = sticky;
    put(at, workflow);
}

static void test_sticky_soft_prefers(void **state)
{
    rig *at = *state;
    static const cleat__slots one[] = {{{"default", 7}, 1}};
    put_sticky(at, CLEAT__STICKY_SOFT);
    for (size_t i = 0; i < WORKERS; i++) {
        hire(at, i, one, 1, NULL, 0);
    }
    start(at, (cleat__trigger){.desired_worker = all.ids[1]}, "a");
    assert_string_equal(who_got_what(), "|a|");
    start(at, (cleat__trigger){.desired_worker = all.ids[1]}, "b");
    const char *got = who_got_what();
    assert_true(strcmp(got, "b||") == 0 || strcmp(got, "||b") == 0);
}

static void test_sticky_hard_waits(void **state)
{
    rig *at = *state;
    static const cleat__slots one[] = {{{"default", 7}, 1}};
    put_sticky(at, CLEAT__STICKY_HARD);
    for (size_t i = 0; i < WORKERS; i++) {
        hire(at, i, one, 1, NULL, 0);
    }
    cleat__uuid first = start(at, (cleat__trigger){.desired_worker = all.ids[1]}, "a");
    start(at, (cleat__trigger){.desired_worker = all.ids[1]}, "b");
    assert_string_equal(who_got_what(), "|a|");
    start(at, (cleat__trigger){0}, "c"); /* without a wish: anybody, and not behind b */
    start(at, (cleat__trigger){0}, "d");
    const char *got = who_got_what();
    assert_true(strcmp(got, "c||d") == 0 || strcmp(got, "d||c") == 0);
    report(at, &first, 0, CLEAT_OK, "1");
    assert_string_equal(who_got_what(), "|b|");
}

static void test_the_wish_counts_for_sticky_workflows_only(void **state)
{
    rig *at = *state;
    put_sticky(at, CLEAT__STICKY_NONE);
    hire(at, 0, NULL, 0, NULL, 0);
    start(at, (cleat__trigger){.desired_worker = {{5}}}, "a");
    assert_string_equal(who_got_what(), "a||");
}

/* ---- Many that nobody takes ---- */

static void test_many_stuck_runs_hold_up_none(void **state)
{
    rig *at = *state;
    put_sticky(at, CLEAT__STICKY_HARD);
    hire(at, 0, NULL, 0, NULL, 0);
    for (int i = 0; i < 300; i++) { /* more than a pass looks at, each with another wish */
        cleat__uuid nobody = {{1, (uint8_t)i, (uint8_t)(i >> 8)}};
        start(at, (cleat__trigger){.desired_worker = nobody, .priority = 3}, "s");
    }
    start(at, (cleat__trigger){.priority = 1}, "a");
    for (int i = 0; i < 3; i++) {
        advance(at, 1);
    }
    assert_string_equal(who_got_what(), "a||");
}

/* Runs that nobody can take cost nothing while nothing changes, and a bounded part of a step when it does. */
static void test_stuck_runs_are_looked_at_once(void **state)
{
    enum { STUCK = 1000 };
    rig *at = *state;
    put_sticky(at, CLEAT__STICKY_HARD);
    for (size_t i = 0; i < 2; i++) {
        hire(at, i, NULL, 0, NULL, 0);
        tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &all.ids[i]);
    }
    for (uint8_t i = 0; i < 4; i++) {
        for (uint8_t j = 0; j < STUCK / 4; j++) {
            start(at, (cleat__trigger){.desired_worker = {{1, i, j}}, .priority = 3}, "s");
        }
    }
    tell_worker(at, CLEAT__COMMAND_WORKER_RESUME, &all.ids[0]);
    int steps = 0;
    while (cleat__core_next_ms(at->core) == at->now.monotonic_ms) { /* it has more to do */
        step(at, NULL, 0);
        steps++;
    }
    assert_in_range(steps, 2, STUCK / 50);
    start(at, (cleat__trigger){.desired_worker = all.ids[1]}, "b");
    start(at, (cleat__trigger){0}, "c");
    assert_string_equal(who_got_what(), "c||"); /* at once */
    assert_int_not_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms);
    tell_worker(at, CLEAT__COMMAND_WORKER_RESUME, &all.ids[1]);
    for (steps = 0; steps < STUCK / 50; steps++) {
        step(at, NULL, 0);
    }
    assert_string_equal(who_got_what(), "|b|"); /* all were looked at again */
}

/* Comparing labels takes a bounded part of a step, however many runs there are. */
static void test_many_labels_take_several_steps(void **state)
{
    enum { RUNS = 900, LABELS = 50 };
    rig *at = *state;
    const cleat__slots slots = {cleat_slice_of("default"), RUNS};
    static char keys[CLEAT__LABELS_MAX][16];
    cleat__label has[CLEAT__LABELS_MAX];
    cleat__desired_label desired[LABELS];
    for (int i = 0; i < CLEAT__LABELS_MAX; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        has[i] = word(keys[i], "x");
    }
    for (int i = 0; i < LABELS; i++) {
        desired[i] = desire(word("none", "x"), CLEAT__COMPARATOR_EQUAL, 1, false);
    }
    put(at, workflow_of("a:a", &plain));
    hire(at, 0, &slots, 1, has, CLEAT__LABELS_MAX);
    tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &all.ids[0]);
    for (int i = 0; i < RUNS; i++) {
        start(at, (cleat__trigger){.labels = desired, .label_count = LABELS}, "a");
    }
    tell_worker(at, CLEAT__COMMAND_WORKER_RESUME, &all.ids[0]);
    assert_in_range(all.ears[0].count, 1, RUNS - 1);
    while (cleat__core_next_ms(at->core) == at->now.monotonic_ms) {
        step(at, NULL, 0);
    }
    assert_int_equal(all.ears[0].count, RUNS);
}

static int set_up(void **state)
{
    memset(&all, 0, sizeof(all));
    return open_fixture(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_task_takes_all_its_units),
        TEST(test_a_type_nobody_offers_holds_up_no_other_version),
        TEST(test_versions_share_one_order),
        TEST(test_durable_tasks_have_slots_of_their_own),
        TEST(test_releasing_a_slot),
        TEST(test_refreshing_the_timeout),
        TEST(test_what_another_attempt_asks_for),
        TEST(test_what_a_worker_asks_for_that_has_lost_the_run),
        TEST(test_no_timeout_cannot_be_longer),
        TEST(test_required_labels),
        TEST(test_weights_rank_and_equals_take_turns),
        TEST(test_a_run_desires_beside_its_task),
        TEST(test_labels_change),
        TEST(test_bad_wishes_are_refused),
        TEST(test_sticky_soft_prefers),
        TEST(test_sticky_hard_waits),
        TEST(test_the_wish_counts_for_sticky_workflows_only),
        TEST(test_many_stuck_runs_hold_up_none),
        TEST(test_stuck_runs_are_looked_at_once),
        TEST(test_many_labels_take_several_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
