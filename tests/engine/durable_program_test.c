/*
 * Random programs of durable runs, worked on by a worker that plays the SDK, while the engine crashes, time goes
 * by, children end, events come, attempts fail, and what is long over is said again. Whatever happens: each call
 * of a program gives in every invocation what it gave in the first one that came so far, each step's result is
 * recorded once, each child is one run, no sleep is too short, and in the end each program has completed.
 */
#include "durable_test.h"

#include "base/random.h"

enum { RUNS = 6, OPS_MAX = 10, CRASHES_MAX = 8, TICKS_MAX = 20000, ROUNDS = 15 };

typedef enum kind { STEP, SPAWN, SLEEP, EVENT, AWAIT_ALL, AWAIT_ANY, KINDS } kind;

typedef struct op {
    kind kind;
    int64_t ms;           /* of a sleep */
    char seen[2048];      /* what the call gave first; empty: nothing yet */
    int64_t first_ms;     /* when it was first asked for; 0: not yet */
    cleat__uuid child_id; /* of SPAWN */
} op;

typedef struct program {
    cleat__uuid run;
    op ops[OPS_MAX];
    int count;
    bool is_active; /* the worker has an invocation of it */
    int invocation, at;
    int64_t futures[OPS_MAX]; /* nodes that were not awaited yet */
    int future_count;
    bool is_done;
} program;

typedef struct world {
    rig *at;
    cleat__random random;
    program programs[RUNS];
    cleat__uuid children[RUNS * OPS_MAX];
    int child_count;
    cleat__uuid worker;
    int crashes;
} world;

static int below(world *it, int bound)
{
    return (int)cleat__random_below(&it->random, (uint64_t)bound);
}

/* ---- Beginning ---- */

static void declare_patient(rig *at)
{
    cleat__policy patient = durable_policy;
    patient.retries = 1000;
    patient.execution_timeout_ms = patient.schedule_timeout_ms = CLEAT__NO_TIMEOUT;
    cleat__workflow flow = workflow_of("flow:flow", &patient);
    flow.is_durable = true;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &flow, NULL), CLEAT_OK);
    assert_int_equal(put_task(at, "ship:ship", &patient), CLEAT_OK);
}

static void write_program(world *it, program *one, int number)
{
    char input[32];
    *one = (program){.count = 3 + below(it, OPS_MAX - 3)};
    for (int i = 0; i < one->count; i++) {
        one->ops[i].kind = i + 1 < one->count ? (kind)below(it, KINDS) : AWAIT_ALL;
        one->ops[i].ms = 1 + below(it, 5000);
    }
    snprintf(input, sizeof(input), "{\"p\":%d}", number);
    one->run = trigger(it->at, "flow:flow", input, 0);
}

/* ---- The worker ---- */

static program *find_program(world *it, const cleat__uuid *run)
{
    for (int i = 0; i < RUNS; i++) {
        if (cleat__uuid_equals(&it->programs[i].run, run)) {
            return &it->programs[i];
        }
    }
    return NULL;
}

static void take_assignments(world *it)
{
    ears *all = &it->at->ears;
    for (size_t i = 0; i < all->count; i++) {
        const heard *said = &all->heard[i];
        program *one = find_program(it, &said->id);
        if (said->what != 'A') {
            continue;
        }
        if (one == NULL) {
            assert_true(it->child_count < RUNS * OPS_MAX);
            it->children[it->child_count++] = said->id;
            continue;
        }
        assert_true(said->invocation_count > one->invocation);
        one->is_active = true;
        one->invocation = said->invocation_count;
        one->at = one->future_count = 0;
    }
    all->count = 0;
}

/* What a call gives is what it gave before. */
static void see(op *call, const char *text)
{
    if (call->seen[0] == '\0') {
        snprintf(call->seen, sizeof(call->seen), "%s", text);
    }
    assert_string_equal(call->seen, text);
}

static void do_step(world *it, program *one, op *call)
{
    char value[32], key[16];
    snprintf(key, sizeof(key), "step-%d", one->at);
    snprintf(value, sizeof(value), "%d", below(it, 1000000)); /* another one each time it is worked out */
    const char *said = memo(it->at, &one->run, one->invocation, key, value);
    const char *behind = strchr(said, ' ');
    assert_non_null(behind);
    bool is_new = strcmp(behind, " new") == 0;
    assert_int_equal(is_new, call->seen[0] == '\0');
    see(call, is_new ? value : behind + strlen(" old "));
}

static void do_spawn(world *it, program *one, op *call)
{
    char input[32];
    int64_t node;
    cleat__uuid id;
    snprintf(input, sizeof(input), "{\"op\":%d}", one->at);
    assert_int_equal(spawn(it->at, &one->run, one->invocation, input, &id, &node), CLEAT_OK);
    if (cleat__uuid_is_nil(&call->child_id)) {
        call->child_id = id;
    }
    assert_true(cleat__uuid_equals(&call->child_id, &id));
    one->futures[one->future_count++] = node;
}

static void do_wait(world *it, program *one, op *call)
{
    char key[32], duration[32];
    int64_t node;
    snprintf(key, sizeof(key), "e%d.%d", (int)(one - it->programs), one->at);
    snprintf(duration, sizeof(duration), "%dms", (int)call->ms);
    cleat__condition conditions[] = {sleep_of(call->ms, duration), event_of(key)};
    conditions[0].group = conditions[1].group = cleat_slice_of("g");
    size_t count = call->kind == EVENT ? 2 : 1;
    assert_int_equal(wait_for(it->at, &one->run, one->invocation, conditions, count, &node), CLEAT_OK);
    one->futures[one->future_count++] = node;
}

static void evict_program(world *it, program *one, bool is_all)
{
    assert_int_equal(
        evict_with(it->at, &one->run, one->invocation, is_all, one->futures, (size_t)one->future_count, NULL),
        CLEAT_OK);
    one->is_active = false;
}

/* The one that was met first; the others stay. */
static void take_first(program *one, const cleat__node_end *ends, char *text, size_t size)
{
    int first = -1;
    for (int i = 0; i < one->future_count; i++) {
        if (ends[i].order != 0 && (first < 0 || ends[i].order < ends[first].order)) {
            first = i;
        }
    }
    assert_true(first >= 0);
    snprintf(text, size, "%d %d %s", (int)ends[first].node.number, (int)ends[first].order,
             ends[first].is_failure ? ends[first].error : ends[first].payload);
    one->futures[first] = one->futures[--one->future_count];
}

static void take_all(program *one, const cleat__node_end *ends, char *text, size_t size)
{
    text[0] = '.';
    text[1] = '\0';
    for (int i = 0; i < one->future_count; i++) {
        assert_true(ends[i].order > 0);
        snprintf(text + strlen(text), size - strlen(text), " %d %s", (int)ends[i].order,
                 ends[i].is_failure ? ends[i].error : ends[i].payload);
    }
    one->future_count = 0;
}

/* False: it waits, and the invocation is over. */
static bool do_await(world *it, program *one, op *call)
{
    char text[2048] = "nothing";
    cleat__node nodes[OPS_MAX];
    cleat__node_end ends[OPS_MAX] = {{.order = 0}};
    bool is_all = call->kind == AWAIT_ALL;
    for (int i = 0; i < one->future_count; i++) {
        nodes[i] = (cleat__node){1, one->futures[i]};
    }
    cleat__durable_request request = {.kind = CLEAT__DURABLE_AWAIT};
    request.as.await.nodes = nodes;
    request.as.await.count = (size_t)one->future_count;
    request.as.await.is_all = is_all;
    request.as.await.ends = ends;
    cleat_status status = ask_durable(it->at, &one->run, one->invocation, &request);
    if (status == CLEAT_OK && one->future_count > 0) {
        (is_all ? take_all : take_first)(one, ends, text, sizeof(text));
    }
    cleat__durable_request_deinit(&request);
    if (status == CLEAT_SUSPENDED) {
        assert_string_equal(call->seen, ""); /* it was not met before either */
        evict_program(it, one, is_all);
        return false;
    }
    assert_int_equal(status, CLEAT_OK);
    see(call, text);
    return true;
}

/* A sleep that has ended has lasted. */
static void check_sleeps(world *it, program *one)
{
    for (int i = 0; i < one->at; i++) {
        op *call = &one->ops[i];
        if (call->kind == SLEEP && one->ops[one->at].kind == AWAIT_ALL && one->ops[one->at].seen[0] != '\0') {
            assert_true(it->at->now.unix_ms >= call->first_ms + call->ms);
        }
    }
}

static void do_op(world *it, program *one)
{
    op *call = &one->ops[one->at];
    call->first_ms = call->first_ms != 0 ? call->first_ms : it->at->now.unix_ms;
    switch (call->kind) {
    case STEP: do_step(it, one, call); break;
    case SPAWN: do_spawn(it, one, call); break;
    case SLEEP:
    case EVENT: do_wait(it, one, call); break;
    default:
        if (!do_await(it, one, call)) {
            return;
        }
        check_sleeps(it, one);
    }
    one->at++;
}

static void work(world *it, program *one)
{
    if (!one->is_active) {
        return;
    }
    if (below(it, 40) == 0) {
        assert_int_equal(end_run(it->at, &one->run, one->invocation, CLEAT_FAILED, "no luck"), CLEAT_OK);
        one->is_active = false;
    } else if (one->at == one->count) {
        assert_int_equal(end_run(it->at, &one->run, one->invocation, CLEAT_OK, "1"), CLEAT_OK);
        one->is_active = false;
        one->is_done = true;
    } else {
        do_op(it, one);
    }
}

/* ---- The rest of the world ---- */

static void end_some_child(world *it)
{
    if (it->child_count == 0) {
        return;
    }
    int which = below(it, it->child_count);
    cleat__uuid id = it->children[which];
    it->children[which] = it->children[--it->child_count];
    cleat_status status = id.bytes[15] % 3 == 0 ? CLEAT_NON_RETRYABLE : CLEAT_OK;
    assert_int_equal(report(it->at, &id, CLEAT__RETRY_CURRENT, status, status == CLEAT_OK ? "5" : "broken"),
                     CLEAT_OK);
}

static void push_something(world *it)
{
    char key[32], payload[32];
    snprintf(key, sizeof(key), "e%d.%d", below(it, RUNS), below(it, OPS_MAX));
    snprintf(payload, sizeof(payload), "{\"n\":%d}", below(it, 1000000));
    assert_int_equal(push_event(it->at, key, payload, NULL, NULL), CLEAT_OK);
}

/* Of an invocation that is over, if there was one. */
static void say_again(world *it, const program *one)
{
    int invocation = one->invocation - !one->is_done;
    if (invocation > 0 || one->is_done) {
        assert_string_equal(memo(it->at, &one->run, invocation, "again", "1"), "CANCELLED");
        assert_int_equal(end_run(it->at, &one->run, invocation, CLEAT_OK, "again"), CLEAT_OK);
    }
}

static void crash_and_return(world *it)
{
    if (it->crashes++ >= CRASHES_MAX) {
        return;
    }
    crash(it->at);
    open_core(it->at);
    it->child_count = 0;
    for (int i = 0; i < RUNS; i++) {
        it->programs[i].is_active = false;
    }
    it->worker = join_both(it->at, 3, 5);
}

static void tick(world *it)
{
    program *one = &it->programs[below(it, RUNS)];
    switch (below(it, 20)) {
    case 0: crash_and_return(it); break;
    case 1:
        advance(it->at, 1 + below(it, 2000));
        assert_int_equal(tell_worker(it->at, CLEAT__COMMAND_WORKER_HEARTBEAT, &it->worker), CLEAT_OK);
        break;
    case 2: push_something(it); break;
    case 3: say_again(it, one); break;
    case 4:
    case 5: end_some_child(it); break;
    default: work(it, one);
    }
    take_assignments(it);
}

static bool is_over(const world *it)
{
    for (int i = 0; i < RUNS; i++) {
        if (!it->programs[i].is_done) {
            return false;
        }
    }
    return true;
}

static void live(rig *at, uint64_t seed)
{
    static world it;
    int ticks = 0;
    it = (world){.at = at};
    cleat__random_init(&it.random, seed);
    declare_patient(at);
    it.worker = join_both(at, 3, 5);
    for (int i = 0; i < RUNS; i++) {
        write_program(&it, &it.programs[i], i);
    }
    take_assignments(&it);
    while (!is_over(&it)) {
        if (++ticks > TICKS_MAX) {
            fail_msg("seed %d does not come to an end", (int)seed);
        }
        tick(&it);
    }
    for (int i = 0; i < RUNS; i++) {
        assert_string_equal(state_of(at, &it.programs[i].run), "COMPLETED 1");
    }
    /* What is left are children whose parents did not care. */
    while (it.child_count > 0) {
        end_some_child(&it);
        take_assignments(&it);
    }
}

static void test_programs_end_as_they_began(void **state)
{
    rig *at = *state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        live(at, seed);
        cleat__core_close(at->core);
        unlink(FILE_NAME);
        open_core(at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_programs_end_as_they_began, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
