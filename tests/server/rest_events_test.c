/* The REST API's events: pushed, looked at, listed, pushed once more. */
#include "rest_test.h"

#define MANY "/api/v1/stable/tenants/{tenant}/events"
#define ONE  MANY "/%s"
#define PUSH "/api/v1/tenants/{tenant}/events"

static void an_event_is_pushed_and_told_in_full(void **state)
{
    rest_world *it = *state;
    json_t *made = post(it, PUSH,
                        "{\"key\":\"user:made\",\"data\":{\"n\":1},\"additionalMetadata\":{\"a\":\"b\"},"
                        "\"scope\":\"here\",\"priority\":3}");
    assert_string_equal(text_at(made, "key"), "user:made");
    assert_string_equal(text_at(made, "tenantId"), TENANT_1);
    assert_string_equal(text_at(made, "additionalMetadata.a"), "b");

    json_t *event = get(it, URL(ONE, text_at(made, "metadata.id")));
    assert_string_equal(text_at(event, "metadata.createdAt"), text_at(made, "metadata.createdAt"));
    assert_string_equal(text_at(event, "seenAt"), text_at(made, "metadata.createdAt"));
    assert_int_equal(int_at(event, "payload.n"), 1);
    assert_string_equal(text_at(event, "additionalMetadata.a"), "b");
    assert_string_equal(text_at(event, "scope"), "here");
    assert_int_equal(int_at(event, "workflowRunSummary.queued"), 1);
    assert_int_equal(int_at(event, "workflowRunSummary.running"), 0);
    assert_int_equal(count_at(event, "triggeredRuns"), 1);

    json_t *run = get(it, URL("/api/v1/stable/tasks/%s", text_at(event, "triggeredRuns.0.workflowRunId")));
    assert_int_equal(int_at(run, "input.n"), 1);
    assert_string_equal(text_at(run, "workflowName"), "greet");
    json_decref(run);
    json_decref(event);
    json_decref(made);
}

static void what_an_event_started_is_counted_by_status(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = push_event(it, 1, "user:made");
    json_t *event = get(it, URL(ONE, ID(&id)));
    cleat__uuid run;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(text_at(event, "triggeredRuns.0.workflowRunId")), &run),
                     CLEAT_OK);
    json_decref(event);
    assert_int_equal(cleat__engine_cancel(it->engine, 1, &run), CLEAT_OK);
    event = get(it, URL(ONE, ID(&id)));
    assert_int_equal(int_at(event, "workflowRunSummary.cancelled"), 1);
    assert_int_equal(int_at(event, "workflowRunSummary.queued"), 0);
    json_decref(event);
    json_t *runs = get(it, URL("/api/v1/stable/tenants/{tenant}/workflow-runs?since=2001-01-01T00:00:00Z"
                               "&only_tasks=true&triggering_event_external_id=%s",
                               ID(&id)));
    assert_int_equal(count_at(runs, "rows"), 1);
    assert_string_equal(text_at(runs, "rows.0.metadata.id"), ID(&run));
    json_decref(runs);
}

static void many_are_pushed_together(void **state)
{
    rest_world *it = *state;
    json_t *made = post(it, PUSH "/bulk",
                        "{\"events\":[{\"key\":\"a\",\"data\":{\"n\":1}},{\"key\":\"b\",\"data\":{}}]}");
    assert_int_equal(count_at(made, "events"), 2);
    assert_string_equal(text_at(made, "events.1.key"), "b");
    json_decref(get(it, URL(ONE, text_at(made, "events.0.metadata.id"))));
    json_decref(made);
}

/* Each its own, however the list is written. */
static void what_is_pushed_is_kept_as_it_was_written(void **state)
{
    static const char body[] = "{\"events\":[],\"events\" : [ {\"data\":{\"n\": 0.1},\"key\":\"a]\"} ,"
                               "{\"key\":\"b\",\"data\":{\"n\":98765432109876543210},\"data2\":{}}]}";
    static const char *const payloads[] = {"\"payload\":{\"n\": 0.1}",
                                           "\"payload\":{\"n\":98765432109876543210}"};
    rest_world *it = *state;
    json_t *made = post(it, PUSH "/bulk", body);
    assert_int_equal(count_at(made, "events"), 2);
    for (size_t i = 0; i < 2; i++) {
        reply event = ask(it->server, (question){.path = URL("/api/v1/stable/tenants/" TENANT_1 "/events/%s",
                                                             text_at(made, URL("events.%zu.metadata.id", i))),
                                                 .headers = {AS_1}});
        if (event.status != 200 || strstr(event.body, payloads[i]) == NULL) {
            fail_msg("%s is not in %s", payloads[i], event.body);
        }
        reply_deinit(&event);
    }
    json_decref(made);
}

static void an_event_is_pushed_once_more(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = push_event(it, 1, "user:made");
    json_t *again = post(it, PUSH "/replay", URL("{\"eventIds\":[\"%s\"]}", ID(&id)));
    assert_int_equal(count_at(again, "rows"), 1);
    assert_string_not_equal(text_at(again, "rows.0.metadata.id"), ID(&id));
    json_t *event = get(it, URL(ONE, text_at(again, "rows.0.metadata.id")));
    assert_string_equal(text_at(event, "key"), "user:made");
    assert_int_equal(int_at(event, "payload.n"), 7);
    assert_string_equal(text_at(event, "additionalMetadata.user"), "ada");
    assert_string_equal(text_at(event, "scope"), "tests");
    assert_int_equal(count_at(event, "triggeredRuns"), 1);
    json_decref(event);
    json_decref(again);
    /* All or none. */
    json_decref(ask_json(
        it, (asking){1, "POST", PUSH "/replay", URL("{\"eventIds\":[\"%s\",\"" NO_ID "\"]}", ID(&id)), 404}));
    json_t *list = get(it, MANY);
    assert_int_equal(count_at(list, "rows"), 2);
    json_decref(list);
}

/* A small body may name much: what is replayed together is bounded as a body is. */
static void more_than_a_body_may_hold_is_not_replayed(void **state)
{
    enum { SIZE = 3 << 20, MOST = 5 }; /* 15 MiB */
    rest_world *it = *state;
    char *payload = malloc(SIZE + 1), body[512];
    memset(payload, 'x', SIZE);
    memcpy(payload, "{\"k\":\"", 6);
    memcpy(payload + SIZE - 2, "\"}", 3);
    const cleat__user_event event = {.key = cleat_slice_of("large"), .payload = {payload, SIZE}};
    cleat__uuid id;
    assert_int_equal(cleat__engine_push(it->engine, 1, &event, 1, &id), CLEAT_OK);
    free(payload);
    size_t used = (size_t)sprintf(body, "{\"eventIds\":[\"%s\"", ID(&id));
    for (int i = 1; i < MOST; i++) {
        used += (size_t)sprintf(body + used, ",\"%s\"", ID(&id));
    }
    sprintf(body + used, "]}");
    json_t *again = post(it, PUSH "/replay", body);
    assert_int_equal(count_at(again, "rows"), MOST);
    json_decref(again);
    sprintf(body + used, ",\"%s\"]}", ID(&id));
    json_decref(ask_json(it, (asking){1, "POST", PUSH "/replay", body, 413}));
    json_t *list = get(it, MANY "?limit=1"); /* as all of them are 18 MiB */
    assert_int_equal(int_at(list, "pagination.num_pages"), 1 + MOST);
    json_decref(list);
}

/* The keys of the rows, joined, and the number of pages. */
static const char *keys(rest_world *it, const char *query)
{
    static char text[256];
    json_t *list = get(it, URL(MANY "?%s", query));
    text[0] = '\0';
    for (size_t i = 0; i < count_at(list, "rows"); i++) {
        strcat(strcat(text, text_at(list, URL("rows.%zu.key", i))), " ");
    }
    sprintf(text + strlen(text), "/ %d", int_at(list, "pagination.num_pages"));
    json_decref(list);
    return text;
}

static void events_are_listed_by_every_filter(void **state)
{
    rest_world *it = *state;
    assert_string_equal(keys(it, ""), "/ 0");
    cleat__uuid first = push_event(it, 1, "a");
    push_event(it, 1, "user:made");
    push_event(it, 1, "b");
    push_event(it, 2, "c");
    assert_string_equal(keys(it, ""), "b user:made a / 1");
    assert_string_equal(keys(it, "limit=2"), "b user:made / 2");
    assert_string_equal(keys(it, "limit=2&offset=2"), "a / 2");
    assert_string_equal(keys(it, "keys=a&keys=b"), "b a / 1");
    assert_string_equal(keys(it, "scopes=tests"), "b user:made a / 1");
    assert_string_equal(keys(it, "scopes=other"), "/ 0");
    assert_string_equal(keys(it, URL("eventIds=%s&eventIds=" NO_ID, ID(&first))), "a / 1");
    assert_string_equal(keys(it, "since=2001-01-01T00:00:00Z&until=2099-01-01T00:00:00Z"),
                        "b user:made a / 1");
    assert_string_equal(keys(it, "since=2099-01-01T00:00:00Z"), "/ 0");
    assert_string_equal(keys(it, "until=2001-01-01T00:00:00Z"), "/ 0");
    assert_string_equal(keys(it, "additionalMetadata=user:ada"), "b user:made a / 1");
    assert_string_equal(keys(it, "additionalMetadata=user:bob"), "/ 0");
    assert_string_equal(keys(it, URL("workflowIds=%s", ID(&it->greet[0].workflow_id))), "user:made / 1");
    assert_string_equal(keys(it, "workflowIds=" NO_ID), "/ 0");
    assert_string_equal(keys(it, "workflowRunStatuses=QUEUED"), "user:made / 1");
    assert_string_equal(keys(it, "workflowRunStatuses=FAILED&workflowRunStatuses=RUNNING"), "/ 0");
}

/* As other protocols do: a string, or a value as it was written. */
static void metadata_is_compared_as_it_was_written(void **state)
{
    rest_world *it = *state;
    const cleat__user_event event = {.key = cleat_slice_of("n"),
                                     .payload = cleat_slice_of("{}"),
                                     .metadata = cleat_slice_of("{\"n\":1.50,\"e\":1e2,\"a\":\"b:c\"}")};
    cleat__uuid id;
    assert_int_equal(cleat__engine_push(it->engine, 1, &event, 1, &id), CLEAT_OK);
    assert_string_equal(keys(it, "additionalMetadata=n:1.50"), "n / 1");
    assert_string_equal(keys(it, "additionalMetadata=n:1.5"), "/ 0");
    assert_string_equal(keys(it, "additionalMetadata=e:1e2"), "n / 1");
    assert_string_equal(keys(it, "additionalMetadata=a:b:c"), "n / 1");
    assert_string_equal(keys(it, "additionalMetadata=a:b:c&additionalMetadata=n:2"), "/ 0");
}

static void each_key_is_told_once(void **state)
{
    rest_world *it = *state;
    push_event(it, 1, "b");
    push_event(it, 1, "a");
    push_event(it, 1, "b");
    push_event(it, 2, "c");
    json_t *list = get(it, MANY "/keys");
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0"), "a");
    assert_string_equal(text_at(list, "rows.1"), "b");
    json_decref(list);
}

static void wrong_questions_say_what_is_wrong(void **state)
{
    static const char *const wrong[] = {"limit=0",       "offset=x",
                                        "since=now",     "until=7",
                                        "eventIds=a",    "workflowIds=greet",
                                        "limit=1000000", "workflowRunStatuses=DONE",
                                        "offset=-1",     "additionalMetadata=x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char name[32];
        assert_int_equal(sscanf(wrong[i], "%31[^=]", name), 1);
        expect_400(*state, "GET", URL(MANY "?%s", wrong[i]), NULL, name);
    }
}

static void wrong_events_say_what_is_wrong(void **state)
{
    static const struct {
        const char *path, *body, *part;
    } cases[] = {
        {PUSH, "{\"data\":{}}", "key"},
        {PUSH, "{\"key\":\"\",\"data\":{}}", "key"},
        {PUSH, "{\"key\":7,\"data\":{}}", "key"},
        {PUSH, "{\"key\":\"a\"}", "data"},
        {PUSH, "{\"key\":\"a\",\"data\":[]}", "data"},
        {PUSH, "{\"key\":\"a\",\"data\":{},\"additionalMetadata\":7}", "additionalMetadata"},
        {PUSH, "{\"key\":\"a\",\"data\":{},\"priority\":0}", "priority"},
        {PUSH, "{\"key\":\"a\",\"data\":{},\"scope\":{}}", "scope"},
        {PUSH "/bulk", "{}", "events"},
        {PUSH "/bulk", "{\"events\":[]}", "events"},
        {PUSH "/bulk", "{\"events\":[7]}", "events"},
        {PUSH "/bulk", "{\"events\":[{\"key\":\"a\",\"data\":{}},{\"key\":\"a\"}]}", "data"},
        {PUSH "/replay", "{}", "eventIds"},
        {PUSH "/replay", "{\"eventIds\":[\"x\"]}", "eventIds"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(*state, "POST", cases[i].path, cases[i].body, cases[i].part);
    }
    assert_string_equal(keys(*state, ""), "/ 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(an_event_is_pushed_and_told_in_full),
        REST_TEST(what_an_event_started_is_counted_by_status),
        REST_TEST(many_are_pushed_together),
        REST_TEST(what_is_pushed_is_kept_as_it_was_written),
        REST_TEST(an_event_is_pushed_once_more),
        REST_TEST(more_than_a_body_may_hold_is_not_replayed),
        REST_TEST(events_are_listed_by_every_filter),
        REST_TEST(metadata_is_compared_as_it_was_written),
        REST_TEST(each_key_is_told_once),
        REST_TEST(wrong_questions_say_what_is_wrong),
        REST_TEST(wrong_events_say_what_is_wrong),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
