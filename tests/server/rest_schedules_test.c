/* The REST API's scheduled runs: made, looked at, listed, moved, taken back. */
#include "rest_test.h"

#define MANY  "/api/v1/tenants/{tenant}/workflows/scheduled"
#define ONE   MANY "/%s"
#define MAKE  "/api/v1/tenants/{tenant}/workflows/%s/scheduled"
#define AT    "\"triggerAt\":\"2099-01-01T00:00:00Z\""
#define LATER "\"triggerAt\":\"2099-02-01T00:00:00Z\""

static void a_run_is_scheduled_looked_at_and_taken_back(void **state)
{
    rest_world *it = *state;
    json_t *made = post(it, URL(MAKE, "greet"),
                        "{" AT ",\"input\":{\"n\":1},\"additionalMetadata\":{\"a\":\"b\"},\"priority\":2}");
    assert_string_equal(text_at(made, "tenantId"), TENANT_1);
    assert_string_equal(text_at(made, "workflowName"), "greet");
    assert_string_equal(text_at(made, "workflowId"), ID(&it->greet[0].workflow_id));
    assert_string_equal(text_at(made, "workflowVersionId"), ID(&it->greet[0].version_id));
    assert_string_equal(text_at(made, "triggerAt"), "2099-01-01T00:00:00.000Z");
    assert_string_equal(text_at(made, "method"), "API");
    assert_int_equal(int_at(made, "input.n"), 1);
    assert_string_equal(text_at(made, "additionalMetadata.a"), "b");
    assert_int_equal(int_at(made, "priority"), 2);

    const char *path = URL(ONE, text_at(made, "metadata.id"));
    json_t *same = get(it, path);
    assert_true(json_equal(made, same));
    assert_null(ask_json(it, (asking){1, "DELETE", path, NULL, 204}));
    json_decref(ask_json(it, (asking){1, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "DELETE", path, NULL, 404}));
    json_decref(same);
    json_decref(made);
}

static void a_time_in_the_past_is_answered_although_it_has_fired(void **state)
{
    rest_world *it = *state;
    /* It fires in the step that makes it, or in the one behind that. */
    for (int i = 0; i < 20; i++) {
        json_t *made =
            post(it, URL(MAKE, "greet"), "{\"triggerAt\":\"2020-01-01T00:00:00Z\",\"input\":{\"n\":1}}");
        assert_string_equal(text_at(made, "workflowName"), "greet");
        assert_string_equal(text_at(made, "workflowId"), ID(&it->greet[0].workflow_id));
        assert_string_equal(text_at(made, "workflowVersionId"), ID(&it->greet[0].version_id));
        assert_string_equal(text_at(made, "triggerAt"), "2020-01-01T00:00:00.000Z");
        assert_int_equal(strlen(text_at(made, "metadata.id")), 36);
        json_decref(made);
    }
}

/* Numbers that no machine has are JSON all the same, and stay what they were. */
static void what_is_given_is_kept_as_it_was_written(void **state)
{
#define DIGITS "{ \"n\":0.1, \"big\":12345678901234567890123}"
    static const char body[] = "{\"input\":{},\"additionalMetadata\": {\"a\":1.0} ,\"inp\\u0075t\": " DIGITS
                               " ," AT ",\"priority\":3}";
    static const char *const parts[] = {"\"input\":" DIGITS ",", "\"additionalMetadata\":{\"a\":1.0},",
                                        "\"priority\":3}"};
    rest_world *it = *state;
    reply made = ask(it->server, (question){.method = "POST",
                                            .path = "/api/v1/tenants/" TENANT_1 "/workflows/greet/scheduled",
                                            .headers = {AS_1},
                                            .body = body});
    assert_int_equal(made.status, 200);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(made.body, parts[i]) == NULL) {
            fail_msg("%s is not in %s", parts[i], made.body);
        }
    }
    reply_deinit(&made);
}

static void what_cannot_be_scheduled_says_why(void **state)
{
    static const struct {
        const char *workflow, *body, *part;
    } cases[] = {
        {"nobody", "{" AT "}", "workflow not found"},
        {"greet", "{}", "triggerAt"},
        {"greet", "{\"triggerAt\":\"soon\"}", "triggerAt"},
        {"greet", "{" AT ",\"input\":7}", "input"},
        {"greet", "{" AT ",\"priority\":9}", "priority"},
        {"greet", "{" AT ",\"priority\":\"high\"}", "priority"},
        {"greet", "{" AT ",\"priority\":0}", "priority"},
        {"greet", "{" AT ",\"priority\":1.5}", "priority"},
        {"greet", "{" AT ",\"additionalMetadata\":[]}", "additionalMetadata"},
        {"greet", "[]", "object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(*state, "POST", URL(MAKE, cases[i].workflow), cases[i].body, cases[i].part);
    }
}

static void a_schedule_is_moved_and_fires_then(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    const char *path = URL(ONE, ID(&id));
    json_t *moved = ask_json(it, (asking){1, "PATCH", path, "{" LATER "}", 200});
    assert_string_equal(text_at(moved, "triggerAt"), "2099-02-01T00:00:00.000Z");
    json_decref(moved);
    expect_400(it, "PATCH", path, "{\"triggerAt\":7}", "triggerAt");
    /* Into the past: it has fired before it can be read again. */
    json_t *fired = ask_json(it, (asking){1, "PATCH", path, "{\"triggerAt\":\"2001-01-01T00:00:00Z\"}", 200});
    assert_string_equal(text_at(fired, "triggerAt"), "2001-01-01T00:00:00.000Z");
    assert_string_equal(text_at(fired, "metadata.id"), ID(&id));
    json_decref(fired);
    size_t runs = 0;
    while (runs == 0) {
        json_t *list = get(it, "/api/v1/stable/tenants/{tenant}/workflow-runs?since=2001-01-01T00:00:00Z"
                               "&only_tasks=true");
        runs = count_at(list, "rows");
        json_decref(list);
    }
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{" AT "}", 404}));
}

static void a_schedule_fires_when_it_is_told_to(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    char path[200];
    snprintf(path, sizeof(path), ONE, ID(&id));
    json_decref(ask_json(it, (asking){2, "POST", path, NULL, 404}));
    json_t *fired = ask_json(it, (asking){1, "POST", path, NULL, 200});
    json_t *run = get(it, URL("/api/v1/stable/tasks/%s", text_at(fired, "externalId")));
    assert_string_equal(text_at(run, "workflowName"), "greet");
    json_decref(run);
    json_decref(fired);
    /* It is gone, and does not fire again. */
    json_decref(ask_json(it, (asking){1, "POST", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "GET", path, NULL, 404}));
}

/* The Unix days of the rows' times since 2099-01-01, joined, and the number of pages. */
static const char *days(rest_world *it, const char *query)
{
    static char text[256];
    json_t *list = get(it, URL(MANY "?%s", query));
    text[0] = '\0';
    for (size_t i = 0; i < count_at(list, "rows"); i++) {
        int day = 0;
        assert_int_equal(sscanf(text_at(list, URL("rows.%zu.triggerAt", i)), "2099-01-%d", &day), 1);
        sprintf(text + strlen(text), "%d ", day);
    }
    sprintf(text + strlen(text), "/ %d", int_at(list, "pagination.num_pages"));
    json_decref(list);
    return text;
}

#define DAY_MS INT64_C(86400000)

static void schedules_are_listed_by_every_filter(void **state)
{
    rest_world *it = *state;
    assert_string_equal(days(it, ""), "/ 0");
    add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS + DAY_MS);
    add_schedule(it, 1, CLEAT__SCHEDULE_DEFAULT, NEXT_CENTURY_MS + 2 * DAY_MS);
    add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    add_schedule(it, 2, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    assert_string_equal(days(it, ""), "3 2 1 / 1");
    assert_string_equal(days(it, "orderByDirection=ASC"), "1 2 3 / 1");
    assert_string_equal(days(it, "orderByField=createdAt"), "1 3 2 / 1");
    assert_string_equal(days(it, "orderByField=createdAt&orderByDirection=ASC"), "2 3 1 / 1");
    assert_string_equal(days(it, "limit=2"), "3 2 / 2");
    assert_string_equal(days(it, "limit=2&offset=2"), "1 / 2");
    assert_string_equal(days(it, "statuses=SCHEDULED&statuses=FAILED"), "3 2 1 / 1");
    assert_string_equal(days(it, "statuses=SUCCEEDED"), "/ 0");
    assert_string_equal(days(it, URL("workflowId=%s", ID(&it->greet[0].workflow_id))), "3 2 1 / 1");
    assert_string_equal(days(it, "workflowId=" NO_ID), "/ 0");
    assert_string_equal(days(it, "parentWorkflowRunId=" NO_ID), "/ 0");
    assert_string_equal(days(it, "additionalMetadata=user:ada"), "3 2 1 / 1");
    assert_string_equal(days(it, "additionalMetadata=user:ada&additionalMetadata=user:bob"), "/ 0");
}

static void wrong_questions_say_what_is_wrong(void **state)
{
    static const char *const wrong[] = {
        "limit=0",          "offset=x",          "orderByField=name", "orderByDirection=UP",
        "workflowId=greet", "parentStepRunId=7", "statuses=SOON",     "additionalMetadata=x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char name[32];
        assert_int_equal(sscanf(wrong[i], "%31[^=]", name), 1);
        expect_400(*state, "GET", URL(MANY "?%s", wrong[i]), NULL, name);
    }
}

static void those_of_programs_are_not_changed(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = add_schedule(it, 1, CLEAT__SCHEDULE_DEFAULT, NEXT_CENTURY_MS);
    const char *path = URL(ONE, ID(&id));
    json_t *answer = ask_json(it, (asking){1, "PATCH", path, "{" LATER "}", 403});
    assert_non_null(strstr(text_at(answer, "errors.0.description"), "made over HTTP"));
    json_decref(answer);
    answer = ask_json(it, (asking){1, "DELETE", path, NULL, 403});
    assert_non_null(strstr(text_at(answer, "description"), "made over HTTP"));
    json_decref(answer);
    json_decref(get(it, path));
}

static void several_are_deleted_together(void **state)
{
    rest_world *it = *state;
    cleat__uuid mine = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    cleat__uuid fixed = add_schedule(it, 1, CLEAT__SCHEDULE_DEFAULT, NEXT_CENTURY_MS);
    cleat__uuid foreign = add_schedule(it, 2, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    json_t *answer = post(
        it, MANY "/bulk-delete",
        URL("{\"scheduledWorkflowRunIds\":[\"%s\",\"%s\",\"%s\"]}", ID(&foreign), ID(&mine), ID(&fixed)));
    assert_int_equal(count_at(answer, "deletedIds"), 1);
    assert_string_equal(text_at(answer, "deletedIds.0"), ID(&mine));
    assert_int_equal(count_at(answer, "errors"), 2);
    assert_string_equal(text_at(answer, "errors.0.id"), ID(&foreign));
    assert_string_equal(text_at(answer, "errors.0.error"), "not found");
    assert_string_equal(text_at(answer, "errors.1.id"), ID(&fixed));
    assert_non_null(strstr(text_at(answer, "errors.1.error"), "made over HTTP"));
    json_decref(answer);
    json_decref(ask_json(it, (asking){2, "GET", URL(ONE, ID(&foreign)), NULL, 200}));
    assert_string_equal(days(it, ""), "1 / 1");
}

static void a_filter_says_which_to_delete(void **state)
{
    rest_world *it = *state;
    add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS + DAY_MS);
    cleat__uuid fixed = add_schedule(it, 1, CLEAT__SCHEDULE_DEFAULT, NEXT_CENTURY_MS);
    static const char *const none[] = {"\"workflowId\":\"" NO_ID "\"",
                                       "\"additionalMetadata\":[\"user:bob\"]",
                                       "\"parentStepRunId\":\"" NO_ID "\""};
    for (size_t i = 0; i < 3; i++) {
        json_t *answer = post(it, MANY "/bulk-delete", URL("{\"filter\":{%s}}", none[i]));
        assert_int_equal(count_at(answer, "deletedIds"), 0);
        json_decref(answer);
    }
    json_t *answer = post(it, MANY "/bulk-delete",
                          URL("{\"filter\":{\"workflowId\":\"%s\",\"additionalMetadata\":[\"user:ada\"]}}",
                              ID(&it->greet[0].workflow_id)));
    assert_int_equal(count_at(answer, "deletedIds"), 2);
    assert_int_equal(count_at(answer, "errors"), 0);
    json_decref(answer);
    json_decref(get(it, URL(ONE, ID(&fixed))));
}

static void several_are_moved_together(void **state)
{
    rest_world *it = *state;
    cleat__uuid first = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    cleat__uuid second = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    json_t *answer = post(it, MANY "/bulk-update",
                          URL("{\"updates\":[{\"id\":\"%s\",\"triggerAt\":\"2099-01-05T00:00:00Z\"},"
                              "{\"id\":\"" NO_ID "\"," AT "},"
                              "{\"id\":\"%s\",\"triggerAt\":\"2099-01-04T00:00:00Z\"}]}",
                              ID(&first), ID(&second)));
    assert_int_equal(count_at(answer, "updatedIds"), 2);
    assert_string_equal(text_at(answer, "updatedIds.1"), ID(&second));
    assert_string_equal(text_at(answer, "errors.0.id"), NO_ID);
    assert_string_equal(days(it, ""), "5 4 / 1");
    json_decref(answer);
}

static void wrong_changes_say_what_is_wrong(void **state)
{
    static const struct {
        const char *path, *body, *part;
    } cases[] = {
        {MANY "/bulk-delete", "{}", "either"},
        {MANY "/bulk-delete", "{\"scheduledWorkflowRunIds\":[],\"filter\":{}}", "either"},
        {MANY "/bulk-delete", "{\"scheduledWorkflowRunIds\":[7]}", "scheduledWorkflowRunIds"},
        {MANY "/bulk-delete", "{\"scheduledWorkflowRunIds\":\"x\"}", "scheduledWorkflowRunIds"},
        {MANY "/bulk-delete", "{\"filter\":7}", "filter"},
        {MANY "/bulk-delete", "{\"filter\":{\"workflowId\":\"greet\"}}", "filter.workflowId"},
        {MANY "/bulk-delete", "{\"filter\":{\"additionalMetadata\":[\"x\"]}}", "filter.additionalMetadata"},
        {MANY "/bulk-update", "{}", "updates"},
        {MANY "/bulk-update", "{\"updates\":[{\"id\":\"x\"}]}", "updates.id"},
        {MANY "/bulk-update", "{\"updates\":[{\"id\":\"" NO_ID "\"}]}", "updates.triggerAt"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(*state, "POST", cases[i].path, cases[i].body, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(a_run_is_scheduled_looked_at_and_taken_back),
        REST_TEST(what_is_given_is_kept_as_it_was_written),
        REST_TEST(what_cannot_be_scheduled_says_why),
        REST_TEST(a_time_in_the_past_is_answered_although_it_has_fired),
        REST_TEST(a_schedule_is_moved_and_fires_then),
        REST_TEST(a_schedule_fires_when_it_is_told_to),
        REST_TEST(schedules_are_listed_by_every_filter),
        REST_TEST(wrong_questions_say_what_is_wrong),
        REST_TEST(those_of_programs_are_not_changed),
        REST_TEST(several_are_deleted_together),
        REST_TEST(a_filter_says_which_to_delete),
        REST_TEST(several_are_moved_together),
        REST_TEST(wrong_changes_say_what_is_wrong),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
