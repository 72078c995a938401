/* Pushed events, and the runs they start. */
#include "core_test.h"

#include "store/event.h"

static const cleat__policy policy = {
    .priority = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

/* A workflow of one task that lists the keys, which end with NULL. */
static cleat_status put_listener(rig *at, int64_t tenant, const char *action, const char *const *keys)
{
    cleat_slice slices[8];
    cleat__workflow workflow = workflow_of(action, &policy);
    for (size_t i = 0; keys[i] != NULL; i++) {
        slices[i] = cleat_slice_of(keys[i]);
        workflow.event_key_count = i + 1;
    }
    workflow.event_keys = slices;
    return put_workflow(at, tenant, &workflow, NULL);
}

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static cleat_status push_many(rig *at, int64_t tenant, const cleat__user_event *events, size_t count,
                              cleat__uuid *ids)
{
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_PUSH, .as.push = {events, count, ids, NULL}};
    return ask(at, &command);
}

static cleat__uuid push(rig *at, const char *key, const char *payload)
{
    cleat__uuid id;
    const cleat__user_event event = {.key = cleat_slice_of(key), .payload = cleat_slice_of(payload)};
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, &event, 1, &id), CLEAT_OK);
    return id;
}

static void test_an_event_starts_a_run_of_each_workflow_that_lists_its_key(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("order:paid", "other"));
    put_listener(at, CLEAT__TENANT_DEFAULT, "b:b", KEYS("order:paid"));
    put_listener(at, CLEAT__TENANT_DEFAULT, "c:c", KEYS("order"));
    add_worker(at, "a:a", 9);
    add_worker(at, "b:b", 9);
    add_worker(at, "c:c", 9);
    push(at, "order:paid", "{\"n\":1}");
    assert_string_equal(heard_text(at), "A0{\"n\":1} A0{\"n\":1}");
    push(at, "order", "{\"n\":2}");
    assert_string_equal(heard_text(at), "A0{\"n\":2}");
    push(at, "order:Paid", "{}");
    push(at, "order:", "{}");
    assert_string_equal(heard_text(at), "");
    assert_int_equal(count_of("SELECT count(*) FROM event"), 4);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 3);
}

static void test_a_key_that_is_listed_twice_counts_once(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k", "k"));
    add_worker(at, "a:a", 9);
    push(at, "k", "{}");
    assert_string_equal(heard_text(at), "A0{}");
}

static void test_the_newest_version_counts(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("old", "both"));
    put_listener(at, CLEAT__TENANT_DEFAULT, "b:b", KEYS("both"));
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("new", "both"));
    for (int restarts = 0; restarts < 2; restarts++) {
        add_worker(at, "a:a", 99);
        add_worker(at, "b:b", 99);
        heard_text(at); /* what was lost with the former workers */
        push(at, "old", "{}");
        assert_string_equal(heard_text(at), "");
        push(at, "new", "{}");
        assert_string_equal(heard_text(at), "A0{}");
        push(at, "both", "{}");
        assert_string_equal(heard_text(at), "A0{} A0{}");
        crash(at);
        open_core(at);
        step(at, NULL, 0);
    }
}

static void test_tenants_have_events_of_their_own(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k"));
    const cleat__user_event event = {.key = cleat_slice_of("k")};
    cleat__uuid id;
    assert_int_equal(push_many(at, 2, &event, 1, &id), CLEAT_OK);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 0);
    cleat__store *reader = NULL;
    cleat__event_row row;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__event_get(reader, 1, &id, &row), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__event_get(reader, 2, &id, &row), CLEAT_OK);
    assert_true(cleat_slice_equals(row.payload, cleat_slice_of("{}")));
    assert_null(row.metadata.data);
    cleat__store_close(reader);
}

/* ---- What the runs are told ---- */

typedef struct told {
    char metadata[1024], key[32];
    cleat__uuid event_id;
    int32_t priority;
    int count;
} told;

static void note_assigned(void *self, cleat__assignment *list)
{
    told *all = self;
    while (list != NULL) {
        cleat__assignment *given = list;
        list = given->next;
        snprintf(all->metadata, sizeof(all->metadata), "%.*s", CLEAT_SLICE_ARGS(given->metadata));
        snprintf(all->key, sizeof(all->key), "%.*s", CLEAT_SLICE_ARGS(given->event_key));
        all->event_id = given->event_id;
        all->priority = given->priority;
        all->count++;
        cleat__free(given);
    }
}

static void ignore_cancel(void *self, const cleat__uuid *id, int32_t retry_count)
{
    (void)self;
    (void)id;
    (void)retry_count;
}

static void listen_closely(rig *at, told *all)
{
    cleat__uuid id;
    const cleat_slice action = cleat_slice_of("a:a");
    const joining how = {0, &action, 1, 99, {all, note_assigned, ignore_cancel}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
}

static void test_a_run_knows_its_event(void **state)
{
    rig *at = *state;
    told all = {.count = 0};
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k"));
    listen_closely(at, &all);
    const cleat__user_event event = {
        .key = cleat_slice_of("k"),
        .payload = cleat_slice_of("{}"),
        .metadata = cleat_slice_of("{\"a\":1,\"hatchet__x\":2,\"hatchet__source_workflow_run_id\":\"r\"}"),
        .scope = cleat_slice_of("s"),
        .priority = 3,
    };
    cleat__uuid id;
    int64_t at_ms = 0;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, &at_ms}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_int_equal(at_ms, at->now.unix_ms);
    assert_int_equal(all.count, 1);
    assert_true(cleat__uuid_equals(&all.event_id, &id));
    assert_string_equal(all.key, "k");
    assert_int_equal(all.priority, 3);
    char text[37], expected[256];
    cleat__uuid_format(&id, text);
    snprintf(expected, sizeof(expected),
             "{\"a\":1,\"hatchet__source_workflow_run_id\":\"r\",\"hatchet__event_id\":\"%s\","
             "\"hatchet__event_key\":\"k\"}",
             text);
    assert_string_equal(all.metadata, expected);
    trigger(at, "a:a", "{}", 0);
    assert_int_equal(all.count, 2);
    assert_true(cleat__uuid_is_nil(&all.event_id));
    assert_string_equal(all.key, "");
}

static bool note_event(void *argument, const cleat__run_row *row)
{
    char *text = argument;
    char id[37];
    cleat__uuid_format(&row->event_id, id);
    sprintf(text + strlen(text), "%s %.*s;", cleat__uuid_is_nil(&row->event_id) ? "-" : id,
            CLEAT_SLICE_ARGS(row->event_key));
    return true;
}

static void test_a_run_is_listed_with_its_event(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k"));
    trigger(at, "a:a", "{}", 0);
    cleat__uuid id = push(at, "k", "{}");
    cleat__store *reader = NULL;
    char text[256] = "", id_text[37], expected[256];
    const cleat__run_filter filter = {.status = -1, .limit = 9};
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__run_list(reader, &filter, note_event, text), CLEAT_OK);
    cleat__store_close(reader);
    cleat__uuid_format(&id, id_text);
    snprintf(expected, sizeof(expected), "%s k;- ;", id_text);
    assert_string_equal(text, expected);
}

/* ---- All or none ---- */

static void test_many_events_are_stored_together(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k"));
    cleat__user_event events[3];
    cleat__uuid ids[3];
    for (size_t i = 0; i < 3; i++) {
        events[i] = (cleat__user_event){.key = cleat_slice_of(i == 1 ? "nobody's" : "k")};
    }
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, 3, ids), CLEAT_OK);
    assert_int_equal(count_of("SELECT count(*) FROM event"), 3);
    assert_int_equal(count_of("SELECT count(DISTINCT event_id) FROM task"), 2);
    assert_int_equal(count_of("SELECT count(*) FROM task t JOIN event e ON e.id = t.event_id"), 2);
    events[2].key = cleat_slice_of("");
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, 3, ids), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(count_of("SELECT count(*) FROM event"), 3);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 2);
}

static void test_how_many_may_be_pushed(void **state)
{
    rig *at = *state;
    static cleat__user_event events[CLEAT__EVENTS_MAX + 1];
    static cleat__uuid ids[CLEAT__EVENTS_MAX + 1];
    for (size_t i = 0; i <= CLEAT__EVENTS_MAX; i++) {
        events[i].key = cleat_slice_of("k");
    }
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, 0, ids), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, CLEAT__EVENTS_MAX + 1, ids),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, CLEAT__EVENTS_MAX, ids), CLEAT_OK);
    assert_int_equal(count_of("SELECT count(*) FROM event"), CLEAT__EVENTS_MAX);
}

/* Metadata that is too large only with what the engine adds: the run is refused, the event with it. */
static void test_an_event_whose_run_is_refused_is_not_stored(void **state)
{
    rig *at = *state;
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k"));
    char *metadata = malloc(CLEAT_PAYLOAD_MAX);
    memset(metadata, ' ', CLEAT_PAYLOAD_MAX);
    const char start[] = "{\"a\":\"";
    memset(metadata + 6, 'x', CLEAT_PAYLOAD_MAX - 8);
    memcpy(metadata, start, sizeof(start) - 1);
    memcpy(metadata + CLEAT_PAYLOAD_MAX - 2, "\"}", 2);
    const cleat__user_event event = {.key = cleat_slice_of("k"), .metadata = {metadata, CLEAT_PAYLOAD_MAX}};
    cleat__uuid id;
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, &event, 1, &id), CLEAT_TOO_LARGE);
    free(metadata);
    assert_int_equal(count_of("SELECT count(*) FROM event"), 0);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 0);
    push(at, "k", "{}");
    assert_int_equal(count_of("SELECT count(*) FROM task"), 1);
}

/* ---- Traces ---- */

/* All are written in one step: what that may take does not depend on who listens. */
static void test_how_much_events_may_start(void **state)
{
    enum { LISTENERS = 17, PAYLOAD = 4000000 };
    rig *at = *state;
    static cleat__user_event events[CLEAT__EVENTS_MAX];
    static cleat__uuid ids[CLEAT__EVENTS_MAX];
    char *payload = malloc(PAYLOAD + 1);
    memset(payload, 'x', PAYLOAD);
    payload[0] = payload[PAYLOAD - 1] = '"';
    payload[PAYLOAD] = '\0';
    for (int i = 0; i < LISTENERS; i++) {
        char action[16];
        snprintf(action, sizeof(action), "w%d:a", i);
        put_listener(at, CLEAT__TENANT_DEFAULT, action, KEYS("k"));
    }
    for (int i = 0; i < CLEAT__EVENTS_MAX; i++) {
        events[i] = (cleat__user_event){.key = cleat_slice_of("k"), .payload = cleat_slice_of("{}")};
    }
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, CLEAT__EVENTS_MAX, ids), CLEAT_TOO_LARGE);
    events[0].payload = (cleat_slice){payload, PAYLOAD};
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events, 1, ids), CLEAT_TOO_LARGE);
    assert_int_equal(count_of("SELECT count(*) FROM event") + count_of("SELECT count(*) FROM task"), 0);
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, events + 1, 500, ids), CLEAT_OK);
    free(payload);
}

static void test_a_server_adds_a_trace_to_what_has_none(void **state)
{
    rig *at = *state;
    crash(at);
    const cleat__core_options options = {
        .path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1, .adds_trace = true};
    assert_int_equal(cleat__core_open(&options, at->now, &at->core), CLEAT_OK);
    told all = {.count = 0};
    put_listener(at, CLEAT__TENANT_DEFAULT, "a:a", KEYS("k"));
    listen_closely(at, &all);
    push(at, "k", "{}");
    assert_non_null(strstr(all.metadata, ",\"traceparent\":\"00-"));
    const cleat__user_event event = {
        .key = cleat_slice_of("k"),
        .metadata =
            cleat_slice_of("{\"traceparent\":\"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\"}")};
    cleat__uuid id;
    assert_int_equal(push_many(at, CLEAT__TENANT_DEFAULT, &event, 1, &id), CLEAT_OK);
    assert_memory_equal(all.metadata, event.metadata.data, event.metadata.size - 1);
    assert_null(strstr(all.metadata + event.metadata.size, "traceparent"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_starts_a_run_of_each_workflow_that_lists_its_key),
        TEST(test_a_key_that_is_listed_twice_counts_once),
        TEST(test_the_newest_version_counts),
        TEST(test_tenants_have_events_of_their_own),
        TEST(test_a_run_knows_its_event),
        TEST(test_a_run_is_listed_with_its_event),
        TEST(test_many_events_are_stored_together),
        TEST(test_how_many_may_be_pushed),
        TEST(test_an_event_whose_run_is_refused_is_not_stored),
        TEST(test_how_much_events_may_start),
        TEST(test_a_server_adds_a_trace_to_what_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
