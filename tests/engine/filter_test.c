/* Which events start runs: patterns of keys, and filters with scopes. */
#include "core_test.h"

#include "store/event.h"

static const cleat__policy policy = {
    .priority = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FILTERS(...)                        \
    ((const cleat__filter[]){__VA_ARGS__}), \
        (sizeof((const cleat__filter[]){__VA_ARGS__}) / sizeof(cleat__filter))

static cleat__filter filter_of(const char *scope, const char *expression, const char *payload)
{
    return (cleat__filter){cleat_slice_of(scope), cleat_slice_of(expression),
                           payload != NULL ? cleat_slice_of(payload) : (cleat_slice){NULL, 0}};
}

static cleat__version declare(rig *at, int64_t tenant, const char *action, const char *const *keys,
                              const cleat__filter *filters, size_t filter_count)
{
    cleat_slice slices[8];
    cleat__version version;
    cleat__workflow workflow = workflow_of(action, &policy);
    for (size_t i = 0; keys[i] != NULL; i++) {
        slices[i] = cleat_slice_of(keys[i]);
        workflow.event_key_count = i + 1;
    }
    workflow.event_keys = slices;
    workflow.filters = filters;
    workflow.filter_count = filter_count;
    assert_int_equal(put_workflow(at, tenant, &workflow, &version), CLEAT_OK);
    return version;
}

static cleat_status push_to(rig *at, int64_t tenant, const char *key, const char *scope, const char *payload)
{
    cleat__uuid id;
    const cleat__user_event event = {.key = cleat_slice_of(key),
                                     .scope = scope != NULL ? cleat_slice_of(scope) : (cleat_slice){NULL, 0},
                                     .payload = cleat_slice_of(payload)};
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
    return ask(at, &command);
}

static void push(rig *at, const char *key, const char *scope, const char *payload)
{
    assert_int_equal(push_to(at, CLEAT__TENANT_DEFAULT, key, scope, payload), CLEAT_OK);
}

static cleat_status add_filter(rig *at, int64_t tenant, const cleat__uuid *workflow, cleat__filter filter,
                               cleat__uuid *id)
{
    cleat__command command = {.tenant = tenant,
                              .kind = CLEAT__COMMAND_ADD_FILTER,
                              .as.add_filter = {.workflow_id = *workflow, .filter = &filter, .id = id}};
    return ask(at, &command);
}

/* What the runs were given by their filters, in the order of their assignment. */
static const char *given(rig *at)
{
    static char text[1024];
    size_t size = 0;
    text[0] = '\0';
    for (size_t i = 0; i < at->ears.count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s", i != 0 ? " " : "",
                                 at->ears.heard[i].filter_payload);
    }
    at->ears.count = 0;
    return text;
}

static void restart(rig *at)
{
    crash(at);
    open_core(at);
    step(at, NULL, 0);
}

/* ---- Patterns ---- */

static void test_a_pattern_starts_runs_of_the_events_that_fit(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", KEYS("order:*", "order:paid", "*paid"), NULL, 0);
    declare(at, 1, "b:b", KEYS("user_made"), NULL, 0);
    declare(at, 2, "c:c", KEYS("*"), NULL, 0);
    for (int restarts = 0; restarts < 2; restarts++) {
        add_worker(at, "a:a", 99);
        add_worker(at, "b:b", 99);
        heard_text(at);
        push(at, "order:sent", NULL, "{\"n\":1}");
        assert_string_equal(heard_text(at), "A0{\"n\":1}");
        push(at, "order:paid", NULL, "{\"n\":2}"); /* which three of them fit */
        assert_string_equal(heard_text(at), "A0{\"n\":2}");
        push(at, "user:made", NULL, "{\"n\":3}");
        assert_string_equal(heard_text(at), "A0{\"n\":3}");
        push(at, "Order:sent", NULL, "{}");
        push(at, "user:mades", NULL, "{}");
        assert_string_equal(heard_text(at), "");
        restart(at);
    }
}

static void test_the_patterns_of_the_newest_version_count(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", KEYS("old*", "both*"), NULL, 0);
    declare(at, 1, "b:b", KEYS("both*"), NULL, 0);
    cleat__version version = declare(at, 1, "a:a", KEYS("new*", "both:x"), NULL, 0);
    add_worker(at, "a:a", 99);
    add_worker(at, "b:b", 99);
    push(at, "old:x", NULL, "{}");
    assert_string_equal(heard_text(at), "");
    push(at, "new:x", NULL, "{}");
    assert_string_equal(heard_text(at), "A0{}");
    push(at, "both:x", NULL, "{}");
    assert_string_equal(heard_text(at), "A0{} A0{}");
    cleat__command delete = {
        .tenant = 1, .kind = CLEAT__COMMAND_DELETE_WORKFLOW, .as.id = version.workflow_id};
    assert_int_equal(ask(at, &delete), CLEAT_OK);
    push(at, "new:x", NULL, "{}");
    assert_string_equal(heard_text(at), "");
}

/* Some hundred patterns that each take all the steps there are: the call is refused, not the engine held up. */
static void test_how_long_patterns_may_take(void **state)
{
    rig *at = *state;
    char pattern[CLEAT__EVENT_KEY_MAX + 1], key[CLEAT__EVENT_KEY_MAX + 1];
    memset(key, 'a', sizeof(key));
    key[CLEAT__EVENT_KEY_MAX] = '\0';
    memset(pattern, 'a', sizeof(pattern));
    pattern[0] = '*';
    memcpy(pattern + CLEAT__EVENT_KEY_MAX / 2, "b*", sizeof("b*"));
    for (int i = 0; i < 500; i++) {
        char action[16];
        snprintf(action, sizeof(action), "w%d:a", i);
        declare(at, 1, action, KEYS(pattern), NULL, 0);
    }
    assert_int_equal(push_to(at, 1, key, NULL, "{}"), CLEAT_TOO_LARGE);
    assert_int_equal(push_to(at, 1, "short", NULL, "{}"), CLEAT_OK);
    assert_int_equal(push_to(at, 2, key, NULL, "{}"), CLEAT_OK);
}

/* ---- Filters ---- */

static void test_of_a_workflow_with_filters_those_of_the_scope_count(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", KEYS("k"),
            FILTERS(filter_of("eu", "input.n > 1.0", "{\"to\":\"ada\"}"), filter_of("eu", "true", NULL),
                    filter_of("us", "true", "{\"to\":\"bob\"}"), filter_of("none", "", "{\"to\":\"x\"}"),
                    filter_of("none", "input.missing", "{}")));
    for (int restarts = 0; restarts < 2; restarts++) {
        add_worker(at, "a:a", 99);
        at->ears.count = 0;
        push(at, "k", "eu", "{\"n\":2}");
        assert_string_equal(given(at), "{\"to\":\"ada\"} {}");
        push(at, "k", "eu", "{\"n\":1}");
        assert_string_equal(given(at), "{}");
        push(at, "k", "us", "{}");
        assert_string_equal(given(at), "{\"to\":\"bob\"}");
        push(at, "k", "none", "{}");
        push(at, "k", "elsewhere", "{}");
        push(at, "k", NULL, "{}");
        assert_string_equal(given(at), "");
        restart(at);
    }
}

static void test_without_filters_any_event_starts_one_run(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", KEYS("k"), NULL, 0);
    add_worker(at, "a:a", 99);
    push(at, "k", "eu", "{}");
    assert_string_equal(given(at), "-");
    push(at, "k", NULL, "{}");
    assert_string_equal(given(at), "-");
}

static void test_filters_are_made_changed_and_deleted(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, 1, "a:a", KEYS("k"), NULL, 0);
    cleat__uuid id, other;
    add_worker(at, "a:a", 99);
    assert_int_equal(add_filter(at, 1, &version.workflow_id, filter_of("s", "true", "{\"v\":1}"), &id),
                     CLEAT_OK);
    assert_int_equal(add_filter(at, 2, &version.workflow_id, filter_of("s", "true", NULL), &other),
                     CLEAT_NOT_FOUND);
    push(at, "k", "s", "{}");
    assert_string_equal(given(at), "{\"v\":1}");

    cleat__filter changed = {.payload = cleat_slice_of("{\"v\":2}")};
    cleat__command change = {
        .tenant = 2, .kind = CLEAT__COMMAND_CHANGE_FILTER, .as.change_filter = {id, &changed}};
    assert_int_equal(ask(at, &change), CLEAT_NOT_FOUND);
    change.tenant = 1;
    assert_int_equal(ask(at, &change), CLEAT_OK);
    push(at, "k", "s", "{}");
    assert_string_equal(given(at), "{\"v\":2}");
    changed = (cleat__filter){.expression = cleat_slice_of("input.n == 1")};
    assert_int_equal(ask(at, &change), CLEAT_OK);
    push(at, "k", "s", "{\"n\":2}");
    assert_string_equal(given(at), "");

    cleat__command delete = {.tenant = 2, .kind = CLEAT__COMMAND_DELETE_FILTER, .as.id = id};
    assert_int_equal(ask(at, &delete), CLEAT_NOT_FOUND);
    delete.tenant = 1;
    assert_int_equal(ask(at, &delete), CLEAT_OK);
    assert_int_equal(ask(at, &delete), CLEAT_NOT_FOUND);
    push(at, "k", "s", "{}"); /* it has none any more */
    assert_string_equal(given(at), "-");
}

static void test_declared_filters_take_the_place_of_those_declared_before(void **state)
{
    rig *at = *state;
    cleat__uuid id;
    cleat__version version = declare(at, 1, "a:a", KEYS("k"), FILTERS(filter_of("s", "true", "{\"v\":1}")));
    assert_int_equal(add_filter(at, 1, &version.workflow_id, filter_of("s", "true", "{\"made\":1}"), &id),
                     CLEAT_OK);
    int64_t first = count_of("SELECT count(DISTINCT id) FROM event_filter WHERE is_declarative");
    assert_int_equal(first, 1);
    add_worker(at, "a:a", 99);
    push(at, "k", "s", "{}");
    assert_string_equal(given(at), "{\"v\":1} {\"made\":1}");

    /* None in the declaration: they stay. */
    declare(at, 1, "a:a", KEYS("k", "l"), NULL, 0);
    push(at, "k", "s", "{}");
    assert_string_equal(given(at), "{\"v\":1} {\"made\":1}");
    declare(at, 1, "a:a", KEYS("k"),
            FILTERS(filter_of("s", "true", "{\"v\":2}"), filter_of("t", "true", NULL)));
    push(at, "k", "s", "{}");
    assert_string_equal(given(at), "{\"made\":1} {\"v\":2}");
    /* The same once more writes nothing. */
    int64_t changes = count_of("SELECT sum(created_at_ms) FROM event_filter");
    at->now.unix_ms += 1000;
    declare(at, 1, "a:a", KEYS("k"),
            FILTERS(filter_of("s", "true", "{\"v\":2}"), filter_of("t", "true", NULL)));
    assert_int_equal(count_of("SELECT sum(created_at_ms) FROM event_filter"), changes);
    assert_int_equal(count_of("SELECT count(*) FROM event_filter"), 3);

    cleat__command delete = {
        .tenant = 1, .kind = CLEAT__COMMAND_DELETE_WORKFLOW, .as.id = version.workflow_id};
    assert_int_equal(ask(at, &delete), CLEAT_OK);
    assert_int_equal(count_of("SELECT count(*) FROM event_filter"), 0);
}

static void test_a_filter_that_does_not_compile_is_refused_with_its_declaration(void **state)
{
    rig *at = *state;
    const cleat__filter filter = filter_of("s", "input.", NULL);
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.filters = &filter;
    workflow.filter_count = 1;
    assert_int_equal(put_workflow(at, 1, &workflow, NULL), CLEAT_INVALID_ARGUMENT);
}

/* Filters are evaluated while nobody else is answered: there is a limit, which leaves nothing behind. */
static void test_how_many_filters_may_be_asked(void **state)
{
    enum { EVENTS = 1000, EACH = 11 };
    rig *at = *state;
    static cleat__user_event events[EVENTS];
    static cleat__uuid ids[EVENTS];
    cleat__filter filters[EACH];
    for (int i = 0; i < EACH; i++) {
        filters[i] = filter_of("s", "false", NULL);
    }
    declare(at, 1, "a:a", KEYS("k"), filters, EACH);
    for (int i = 0; i < EVENTS; i++) {
        events[i] = (cleat__user_event){.key = cleat_slice_of("k"), .scope = cleat_slice_of("s")};
    }
    cleat__command command = {
        .tenant = 1, .kind = CLEAT__COMMAND_PUSH, .as.push = {events, EVENTS, ids, NULL}};
    assert_int_equal(ask(at, &command), CLEAT_TOO_LARGE);
    assert_int_equal(count_of("SELECT count(*) FROM event"), 0);
    command.as.push.count = EVENTS / EACH;
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 0);
}

static void test_a_replayed_run_keeps_what_its_filter_gave(void **state)
{
    rig *at = *state;
    declare(at, 1, "a:a", KEYS("k"), FILTERS(filter_of("s", "true", "{\"v\":1}")));
    cleat__uuid id;
    add_worker(at, "a:a", 99);
    push(at, "k", "s", "{}");
    id = at->ears.heard[0].id;
    assert_string_equal(given(at), "{\"v\":1}");
    report(at, &id, 0, CLEAT_OK, "1");
    declare(at, 1, "a:a", KEYS("k"), FILTERS(filter_of("s", "true", "{\"v\":2}")));
    cleat__command replay = {.tenant = 1, .kind = CLEAT__COMMAND_REPLAY, .as.id = id};
    assert_int_equal(ask(at, &replay), CLEAT_OK);
    assert_string_equal(given(at), "{\"v\":1}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(a_pattern_starts_runs_of_the_events_that_fit),
        TEST(the_patterns_of_the_newest_version_count),
        TEST(how_long_patterns_may_take),
        TEST(of_a_workflow_with_filters_those_of_the_scope_count),
        TEST(without_filters_any_event_starts_one_run),
        TEST(filters_are_made_changed_and_deleted),
        TEST(declared_filters_take_the_place_of_those_declared_before),
        TEST(a_filter_that_does_not_compile_is_refused_with_its_declaration),
        TEST(how_many_filters_may_be_asked),
        TEST(a_replayed_run_keeps_what_its_filter_gave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
