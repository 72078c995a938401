/* The REST API's filters of events, and how expressions are tried out. */
#include "rest_test.h"

#define STABLE "/api/v1/stable/tenants/{tenant}"
#define MANY   STABLE "/filters"
#define ONE    MANY "/%s"

static json_t *make(rest_world *it, const char *scope, const char *expression, const char *payload)
{
    return post(it, MANY,
                URL("{\"workflowId\":\"%s\",\"scope\":\"%s\",\"expression\":\"%s\"%s%s}",
                    ID(&it->greet[0].workflow_id), scope, expression, payload != NULL ? ",\"payload\":" : "",
                    payload != NULL ? payload : ""));
}

static void a_filter_is_made_looked_at_changed_and_deleted(void **state)
{
    rest_world *it = *state;
    json_t *made = make(it, "eu", "input.n > 1.0", "{\"to\":\"ada\"}");
    assert_string_equal(text_at(made, "tenantId"), TENANT_1);
    assert_string_equal(text_at(made, "workflowId"), ID(&it->greet[0].workflow_id));
    assert_string_equal(text_at(made, "scope"), "eu");
    assert_string_equal(text_at(made, "expression"), "input.n > 1.0");
    assert_string_equal(text_at(made, "payload.to"), "ada");
    assert_true(json_is_false(json_object_get(made, "isDeclarative")));

    const char *path = URL(ONE, text_at(made, "metadata.id"));
    json_t *same = get(it, path);
    assert_true(json_equal(made, same));
    json_t *changed = ask_json(it, (asking){1, "PATCH", path, "{\"scope\":\"us\"}", 200});
    assert_string_equal(text_at(changed, "scope"), "us");
    assert_string_equal(text_at(changed, "expression"), "input.n > 1.0");
    assert_string_equal(text_at(changed, "payload.to"), "ada");
    json_t *gone = ask_json(it, (asking){1, "DELETE", path, NULL, 200});
    assert_true(json_equal(gone, changed));
    json_decref(ask_json(it, (asking){1, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "DELETE", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{}", 404}));
    json_decref(gone);
    json_decref(changed);
    json_decref(same);
    json_decref(made);
}

static void filters_are_listed(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "a", "true", NULL));
    json_decref(make(it, "b", "", NULL));
    json_decref(make(it, "a", "false", NULL));
    const struct {
        const char *query;
        int count;
    } cases[] = {
        {"", 3},          {"?scopes=a", 2}, {"?scopes=a&scopes=b", 3},
        {"?scopes=c", 0}, {"?limit=2", 2},  {"?offset=2", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *list = get(it, URL(MANY "%s", cases[i].query));
        assert_int_equal(count_at(list, "rows"), cases[i].count);
        json_decref(list);
    }
    json_t *list = get(it, URL(MANY "?workflowIds=%s", ID(&it->greet[0].workflow_id)));
    assert_int_equal(count_at(list, "rows"), 3);
    assert_string_equal(text_at(list, "rows.0.expression"), "false"); /* newest first */
    json_decref(list);
    list = get(it, URL(MANY "?workflowIds=%s", ID(&it->greet[1].workflow_id)));
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
    list = ask_json(it, (asking){2, "GET", MANY, NULL, 200});
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
}

static void an_event_names_the_filters_that_let_it_start_runs(void **state)
{
    rest_world *it = *state;
    json_t *filter = make(it, "eu", "input.n == 1.0", NULL);
    json_decref(make(it, "eu", "false", NULL));
    json_t *made = post(it, "/api/v1/tenants/{tenant}/events",
                        "{\"key\":\"user:made\",\"data\":{\"n\":1},\"scope\":\"eu\"}");
    json_t *event = get(it, URL(STABLE "/events/%s", text_at(made, "metadata.id")));
    assert_int_equal(count_at(event, "triggeredRuns"), 1);
    assert_string_equal(text_at(event, "triggeredRuns.0.filterId"), text_at(filter, "metadata.id"));
    json_decref(event);
    json_decref(made);
    json_decref(filter);
}

static void what_is_no_filter_is_refused(void **state)
{
    rest_world *it = *state;
    const char *workflow = ID(&it->greet[0].workflow_id);
    const struct {
        const char *body;
        long status;
    } cases[] = {
        {"{}", 400},
        {"[]", 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"s\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"expression\":\"true\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"\",\"expression\":\"true\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"s\",\"expression\":\"input.\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"s\",\"expression\":\"output.a\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"s\",\"expression\":\"1\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":7,\"expression\":\"true\"}", workflow), 400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"s\",\"expression\":\"true\",\"payload\":[]}", workflow),
         400},
        {URL("{\"workflowId\":\"%s\",\"scope\":\"s\",\"expression\":\"true\"}",
             ID(&it->greet[1].workflow_id)),
         404},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_decref(ask_json(it, (asking){1, "POST", MANY, cases[i].body, cases[i].status}));
    }
    json_t *made = make(it, "s", "true", NULL);
    const char *path = URL(ONE, text_at(made, "metadata.id"));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{\"expression\":\"input.\"}", 400}));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{\"scope\":\"\"}", 400}));
    json_decref(ask_json(it, (asking){2, "PATCH", path, "{}", 404}));
    json_decref(ask_json(it, (asking){2, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){2, "DELETE", path, NULL, 404}));
    json_decref(made);
}

static void expressions_are_tried_out(void **state)
{
    rest_world *it = *state;
    const char *path = STABLE "/cel/debug";
    json_t *answer =
        post(it, path,
             "{\"expression\":\"input.n == payload.n && additional_metadata.a == 'b'\","
             "\"input\":{\"n\":1},\"filterPayload\":{\"n\":1},\"additionalMetadata\":{\"a\":\"b\"}}");
    assert_string_equal(text_at(answer, "status"), "SUCCESS");
    assert_true(json_is_true(json_object_get(answer, "output")));
    json_decref(answer);
    answer = post(it, path, "{\"expression\":\"input.n == 2\",\"input\":{\"n\":1}}");
    assert_string_equal(text_at(answer, "status"), "SUCCESS");
    assert_true(json_is_false(json_object_get(answer, "output")));
    json_decref(answer);
    static const char *const wrong[] = {"input.missing", "input.", "1 + 1", "", "true || output.a"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        answer = post(it, path, URL("{\"expression\":\"%s\",\"input\":{}}", wrong[i]));
        assert_string_equal(text_at(answer, "status"), "ERROR");
        assert_true(strlen(text_at(answer, "error")) > 0);
        json_decref(answer);
    }
    json_decref(ask_json(it, (asking){1, "POST", path, "{\"input\":{}}", 400}));
    json_decref(ask_json(it, (asking){1, "POST", path, "{\"expression\":\"true\",\"input\":7}", 400}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(a_filter_is_made_looked_at_changed_and_deleted),
        REST_TEST(filters_are_listed),
        REST_TEST(an_event_names_the_filters_that_let_it_start_runs),
        REST_TEST(what_is_no_filter_is_refused),
        REST_TEST(expressions_are_tried_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
