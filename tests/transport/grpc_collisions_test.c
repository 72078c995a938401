/* What a client makes of a server's words about idempotency keys that other runs have. */
#include "transport/grpc_test.h"

#include "support/one_task.h"
#include "wire/message.h"
#include "wire/status.h"
#include "wire/v1/workflows.pb-c.h"

#define RUN(n) "01890000-0000-7000-8000-0000000000" n

static cleat__trigger trigger_of(bool is_child)
{
    return (cleat__trigger){.workflow = cleat_slice_of("a"),
                            .input = cleat_slice_of("{}"),
                            .is_child = is_child,
                            .parent_id = is_child ? uuid_of(RUN("99")) : (cleat__uuid){{0}},
                            .child_index = is_child ? 0 : -1};
}

static cleat_slice packed(cleat__buffer *out, const void *detail)
{
    assert_int_equal(cleat__status_detail_pack(6, "idempotency key collision", detail, out), CLEAT_OK);
    return cleat__buffer_slice(out);
}

static Cleat__V1__IdempotencyCollisionError collision(const char *existing, const char *own)
{
    Cleat__V1__IdempotencyCollisionError it = CLEAT__V1__IDEMPOTENCY_COLLISION_ERROR__INIT;
    it.existing_run_external_id = (char *)(uintptr_t)existing;
    it.colliding_run_external_id = (char *)(uintptr_t)own;
    return it;
}

static void test_one(void **state)
{
    fixture *it = *state;
    cleat__buffer bytes = {0};
    Cleat__V1__IdempotencyCollisionError detail = collision(RUN("11"), RUN("22"));
    cleat__trigger trigger = trigger_of(false);
    cleat__uuid id = {{1}};
    mock_fail_detail(&it->engine, MOCK_TRIGGER, CLEAT_ALREADY_EXISTS, "idempotency key collision",
                     packed(&bytes, &detail), 1);
    assert_refused(it->transport->trigger(it->transport, &trigger, 1, &id), CLEAT_ALREADY_EXISTS,
                   "idempotency key collision");
    assert_true(cleat__uuid_equals(&id, &(cleat__uuid[]){uuid_of(RUN("11"))}[0]));
    assert_int_equal(mock_count(&it->engine, MOCK_TRIGGER), 1);                   /* it is not tried again */
    mock_fail(&it->engine, MOCK_TRIGGER, CLEAT_ALREADY_EXISTS, "it is there", 1); /* without a detail */
    assert_refused(it->transport->trigger(it->transport, &trigger, 1, &id), CLEAT_ALREADY_EXISTS,
                   "it is there");
    assert_true(cleat__uuid_is_nil(&id));
    cleat__buffer_deinit(&bytes);
}

enum { COUNT = 4 };

static void assert_ids(const cleat__uuid *ids, const char *const *expected)
{
    for (int i = 0; i < COUNT; i++) {
        char text[37] = "";
        if (!cleat__uuid_is_nil(&ids[i])) {
            cleat__uuid_format(&ids[i], text);
        }
        assert_string_equal(text, expected[i]);
    }
}

/* `started`: ids of runs; the two others collided with 11 and 12. */
static void trigger_many(fixture *it, const char *const *started, const char *const *own,
                         const char *const *expected)
{
    cleat__buffer bytes = {0};
    Cleat__V1__IdempotencyCollisionError items[] = {collision(RUN("11"), own[0]),
                                                    collision(RUN("12"), own[1])},
                                         *all[] = {&items[0], &items[1]};
    Cleat__V1__BulkTriggerIdempotencyCollisionError detail =
        CLEAT__V1__BULK_TRIGGER_IDEMPOTENCY_COLLISION_ERROR__INIT;
    char *successes[] = {(char *)(uintptr_t)started[0], (char *)(uintptr_t)started[1]};
    cleat__trigger triggers[COUNT];
    cleat__uuid ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        triggers[i] = trigger_of(false);
        ids[i] = (cleat__uuid){{1}};
    }
    detail.collisions = all;
    detail.n_collisions = 2;
    detail.successful_workflow_run_external_ids = successes;
    detail.n_successful_workflow_run_external_ids = 2;
    mock_fail_detail(&it->engine, MOCK_BULK, CLEAT_ALREADY_EXISTS, "idempotency key collision",
                     packed(&bytes, &detail), 1);
    assert_refused(it->transport->trigger(it->transport, triggers, COUNT, ids), CLEAT_ALREADY_EXISTS,
                   "idempotency key collision");
    assert_ids(ids, expected);
    cleat__buffer_deinit(&bytes);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__})

/* Where the server counts up its ids in the order of the items. */
static void test_many_of_this_engine(void **state)
{
    fixture *it = *state;
    it->engine.version = "v0.83.0-cleat.0.1.0";
    reopen(it, mock_settings(&it->engine));
    trigger_many(it, LIST(RUN("21"), RUN("23")), LIST(RUN("22"), RUN("24")),
                 LIST(RUN("21"), RUN("11"), RUN("23"), RUN("12")));
    trigger_many(it, LIST(RUN("23"), RUN("24")), LIST(RUN("21"), RUN("22")),
                 LIST(RUN("11"), RUN("12"), RUN("23"), RUN("24")));
    trigger_many(it, LIST(RUN("21"), RUN("22")), LIST(RUN("23"), RUN("24")),
                 LIST(RUN("21"), RUN("22"), RUN("11"), RUN("12")));
    trigger_many(it, LIST(RUN("21"), "x"), LIST(RUN("23"), RUN("24")), LIST("", "", "", ""));
    trigger_many(it, LIST(RUN("21"), RUN("22")), LIST(RUN("23"), ""), LIST("", "", "", ""));
}

static void test_many_elsewhere(void **state)
{
    fixture *it = *state;
    it->engine.version = "v0.83.0";
    reopen(it, mock_settings(&it->engine));
    trigger_many(it, LIST(RUN("21"), RUN("23")), LIST(RUN("22"), RUN("24")), LIST("", "", "", ""));
}

/* Which are started once, however often they are asked for. */
static void test_children_are_asked_for_one_by_one(void **state)
{
    fixture *it = *state;
    cleat__buffer bytes = {0};
    Cleat__V1__IdempotencyCollisionError detail = collision(RUN("11"), RUN("22"));
    cleat__trigger triggers[] = {trigger_of(true), trigger_of(true)};
    cleat__uuid ids[2] = {{{1}}, {{1}}}, existing = uuid_of(RUN("11")), started = uuid_of(MOCK_RUN_ID);
    mock_fail(&it->engine, MOCK_BULK, CLEAT_ALREADY_EXISTS, "idempotency key collision", 1);
    mock_fail_detail(&it->engine, MOCK_TRIGGER, CLEAT_ALREADY_EXISTS, "that one", packed(&bytes, &detail), 1);
    assert_refused(it->transport->trigger(it->transport, triggers, 2, ids), CLEAT_ALREADY_EXISTS,
                   "idempotency key collision");
    assert_true(cleat__uuid_equals(&ids[0], &existing));
    assert_true(cleat__uuid_equals(&ids[1], &started));
    assert_int_equal(mock_count(&it->engine, MOCK_TRIGGER), 2);
    cleat__buffer_deinit(&bytes);
}

static void test_a_rule_is_declared(void **state)
{
    fixture *it = *state;
    const cleat__idempotency rule = {
        .expression = cleat_slice_of("input.id"), .ttl_ms = 5000, .method = CLEAT_IDEMPOTENCY_STATUS};
    cleat__workflow workflow =
        one_task(cleat_slice_of("a"), (cleat__workflow_task){.name = cleat_slice_of("a"),
                                                             .action = cleat_slice_of("a:a"),
                                                             .policy = {.priority = 1}});
    workflow.idempotency = &rule;
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    Cleat__V1__CreateWorkflowVersionRequest *said = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    assert_string_equal(said->idempotency->expression, "input.id");
    assert_int_equal(said->idempotency->ttl_ms, 5000);
    assert_int_equal(said->idempotency->has_method_case, CLEAT__V1__IDEMPOTENCY_CONFIG__HAS_METHOD_METHOD);
    assert_int_equal(said->idempotency->method, CLEAT__V1__IDEMPOTENCY_METHOD__STATUS);
    cleat__message_free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one),
        TEST(test_many_of_this_engine),
        TEST(test_many_elsewhere),
        TEST(test_children_are_asked_for_one_by_one),
        TEST(test_a_rule_is_declared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
