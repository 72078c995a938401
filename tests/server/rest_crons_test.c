/* The REST API's crons: made, looked at, listed, disabled, deleted. */
#include "rest_test.h"

#define MANY "/api/v1/tenants/{tenant}/workflows/crons"
#define ONE  MANY "/%s"
#define MAKE "/api/v1/tenants/{tenant}/workflows/%s/crons"

static json_t *make(rest_world *it, const char *name, const char *expression)
{
    return post(it, URL(MAKE, "greet"),
                URL("{\"cronName\":\"%s\",\"cronExpression\":\"%s\",\"input\":{\"n\":1},"
                    "\"additionalMetadata\":{\"of\":\"%s\"},\"priority\":2}",
                    name, expression, name));
}

static void a_cron_is_made_looked_at_disabled_and_deleted(void **state)
{
    rest_world *it = *state;
    json_t *made = make(it, "nightly", "0 3 * * *");
    assert_string_equal(text_at(made, "tenantId"), TENANT_1);
    assert_string_equal(text_at(made, "workflowName"), "greet");
    assert_string_equal(text_at(made, "workflowId"), ID(&it->greet[0].workflow_id));
    assert_string_equal(text_at(made, "workflowVersionId"), ID(&it->greet[0].version_id));
    assert_string_equal(text_at(made, "cron"), "0 3 * * *");
    assert_string_equal(text_at(made, "name"), "nightly");
    assert_string_equal(text_at(made, "method"), "API");
    assert_int_equal(int_at(made, "input.n"), 1);
    assert_string_equal(text_at(made, "additionalMetadata.of"), "nightly");
    assert_int_equal(int_at(made, "priority"), 2);
    assert_true(json_is_true(json_object_get(made, "enabled")));

    const char *path = URL(ONE, text_at(made, "metadata.id"));
    json_t *same = get(it, path);
    assert_true(json_equal(made, same));
    json_decref(same);
    assert_null(ask_json(it, (asking){1, "PATCH", path, "{\"enabled\":false}", 204}));
    same = get(it, path);
    assert_true(json_is_false(json_object_get(same, "enabled")));
    json_decref(same);
    assert_null(ask_json(it, (asking){1, "DELETE", path, NULL, 204}));
    json_decref(ask_json(it, (asking){1, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "DELETE", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{\"enabled\":true}", 404}));
    json_decref(made);
}

static void crons_are_listed(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "b", "0 1 * * *"));
    json_decref(make(it, "a", "0 2 * * *"));
    json_decref(make(it, "a", "0 3 * * *"));
    const struct {
        const char *query;
        int count;
        const char *first; /* its expression */
    } cases[] = {
        {"", 3, "0 3 * * *"},
        {"?orderByDirection=ASC", 3, "0 1 * * *"},
        {"?orderByField=name&orderByDirection=ASC", 3, "0 2 * * *"},
        {"?orderByField=name", 3, "0 1 * * *"},
        {"?cronName=a", 2, "0 3 * * *"},
        {"?cronName=c", 0, NULL},
        {"?workflowName=greet", 3, "0 3 * * *"},
        {"?workflowName=other", 0, NULL},
        {"?additionalMetadata=of:b", 1, "0 1 * * *"},
        {"?limit=1&offset=1", 1, "0 2 * * *"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *list = get(it, URL(MANY "%s", cases[i].query));
        assert_int_equal(count_at(list, "rows"), cases[i].count);
        if (cases[i].first != NULL) {
            assert_string_equal(text_at(list, "rows.0.cron"), cases[i].first);
        }
        json_decref(list);
    }
    json_t *list = get(it, URL(MANY "?workflowId=%s", ID(&it->greet[1].workflow_id)));
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
    list = ask_json(it, (asking){2, "GET", MANY, NULL, 200});
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
    json_decref(ask_json(it, (asking){1, "GET", MANY "?orderByField=nonsense", NULL, 400}));
    json_decref(ask_json(it, (asking){1, "GET", MANY "?workflowId=nonsense", NULL, 400}));
}

static void what_is_no_cron_is_refused(void **state)
{
    rest_world *it = *state;
    static const char *const bodies[] = {
        "{}",
        "[]",
        "{\"cronName\":\"x\"}",
        "{\"cronName\":\"\",\"cronExpression\":\"* * * * *\"}",
        "{\"cronName\":\"x\",\"cronExpression\":\"* * * *\"}",
        "{\"cronName\":7,\"cronExpression\":\"* * * * *\"}",
        "{\"cronName\":\"x\",\"cronExpression\":\"* * * * *\",\"input\":[]}",
        "{\"cronName\":\"x\",\"cronExpression\":\"* * * * *\",\"priority\":4}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        json_decref(ask_json(it, (asking){1, "POST", URL(MAKE, "greet"), bodies[i], 400}));
    }
    json_t *made = make(it, "x", "* * * * *");
    json_t *twice = ask_json(it, (asking){1, "POST", URL(MAKE, "greet"),
                                          "{\"cronName\":\"x\",\"cronExpression\":\"* * * * *\"}", 400});
    assert_non_null(strstr(text_at(twice, "errors.0.description"), "error creating cron trigger"));
    json_decref(twice);
    json_decref(ask_json(it, (asking){1, "POST", URL(MAKE, "nobodys"),
                                      "{\"cronName\":\"x\",\"cronExpression\":\"* * * * *\"}", 400}));
    const char *path = URL(ONE, text_at(made, "metadata.id"));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{}", 400}));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{\"enabled\":1}", 400}));
    json_decref(ask_json(it, (asking){2, "PATCH", path, "{\"enabled\":false}", 404}));
    json_decref(ask_json(it, (asking){2, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){2, "DELETE", path, NULL, 404}));
    json_decref(made);
}

static void a_declared_cron_is_not_deleted(void **state)
{
    rest_world *it = *state;
    const cleat_slice crons = cleat_slice_of("0 3 * * *");
    const cleat__workflow_task task = {
        .name = cleat_slice_of("tidy"),
        .action = cleat_slice_of("tidy:tidy"),
        .policy = {
            .priority = 1, .backoff_factor = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 60000}};
    const cleat__workflow workflow = {
        .name = cleat_slice_of("tidy"), .tasks = &task, .task_count = 1, .crons = &crons, .cron_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, NULL), CLEAT_OK);
    json_t *list = get(it, MANY);
    assert_int_equal(count_at(list, "rows"), 1);
    assert_string_equal(text_at(list, "rows.0.method"), "DEFAULT");
    assert_string_equal(text_at(list, "rows.0.name"), "");
    const char *path = URL(ONE, text_at(list, "rows.0.metadata.id"));
    json_decref(ask_json(it, (asking){1, "DELETE", path, NULL, 403}));
    assert_null(ask_json(it, (asking){1, "PATCH", path, "{\"enabled\":false}", 204}));
    json_decref(list);
}

static void a_cron_runs_when_it_is_told_to(void **state)
{
    rest_world *it = *state;
    json_t *made = make(it, "nightly", "0 3 * * *");
    char path[200];
    snprintf(path, sizeof(path), ONE, text_at(made, "metadata.id"));
    assert_null(ask_json(it, (asking){1, "PATCH", path, "{\"enabled\":false}", 204})); /* that is no matter */
    json_t *first = ask_json(it, (asking){1, "POST", path, NULL, 200});
    json_t *second = ask_json(it, (asking){1, "POST", path, "{}", 200});
    assert_string_not_equal(text_at(first, "externalId"), text_at(second, "externalId"));
    json_t *run = get(it, URL("/api/v1/stable/tasks/%s", text_at(first, "externalId")));
    assert_string_equal(text_at(run, "workflowName"), "greet");
    assert_int_equal(int_at(run, "input.n"), 1);
    assert_string_equal(text_at(run, "additionalMetadata.of"), "nightly");
    assert_string_equal(text_at(run, "additionalMetadata.hatchet__cron_name"), "nightly");
    assert_string_equal(text_at(run, "additionalMetadata.hatchet__cron_expression"), "0 3 * * *");
    json_decref(run);
    json_decref(ask_json(it, (asking){2, "POST", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "POST", URL(ONE, NO_ID), NULL, 404}));
    json_decref(first);
    json_decref(second);
    json_decref(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(a_cron_is_made_looked_at_disabled_and_deleted),
        REST_TEST(crons_are_listed),
        REST_TEST(what_is_no_cron_is_refused),
        REST_TEST(a_declared_cron_is_not_deleted),
        REST_TEST(a_cron_runs_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
