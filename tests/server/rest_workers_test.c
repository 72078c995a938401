/* The REST API's workers: listed, looked at, paused. */
#include "rest_test.h"

static void a_worker_is_told_in_full(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = add_worker(it, 1, "one", true);
    json_t *worker = get(it, URL("/api/v1/workers/%s", ID(&id)));
    assert_string_equal(text_at(worker, "metadata.id"), ID(&id));
    assert_string_equal(text_at(worker, "name"), "one");
    assert_string_equal(text_at(worker, "type"), "SELFHOSTED");
    assert_string_equal(text_at(worker, "status"), "ACTIVE");
    assert_string_equal(text_at(worker, "actions.0"), "greet:greet");
    assert_int_equal(int_at(worker, "slotConfig.default.limit"), 3);
    assert_int_equal(int_at(worker, "slotConfig.default.available"), 3);
    assert_string_equal(text_at(worker, "labels.0.key"), "gpu");
    assert_string_equal(text_at(worker, "labels.0.value"), "a100");
    assert_string_equal(text_at(worker, "labels.1.value"), "64");
    assert_string_equal(text_at(worker, "runtimeInfo.language"), "TYPESCRIPT");
    assert_string_equal(text_at(worker, "lastHeartbeatAt"), text_at(worker, "metadata.updatedAt"));
    json_decref(worker);
}

static void slots_that_are_taken_are_not_available(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = add_worker(it, 1, "one", true);
    cleat__uuid run = trigger_run(it, 1, "greet");
    wait_until_running(it, &run);
    json_t *worker = get(it, URL("/api/v1/workers/%s", ID(&id)));
    assert_int_equal(int_at(worker, "slotConfig.default.available"), 2);
    json_decref(worker);
}

static const char *patch(rest_world *it, const cleat__uuid *id, const char *body)
{
    static char status[16];
    json_t *worker = ask_json(it, (asking){1, "PATCH", URL("/api/v1/workers/%s", ID(id)), body, 200});
    snprintf(status, sizeof(status), "%s", text_at(worker, "status"));
    json_decref(worker);
    return status;
}

static void a_worker_is_paused_and_goes_on(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = add_worker(it, 1, "one", true);
    assert_string_equal(patch(it, &id, "{\"isPaused\":true}"), "PAUSED");
    assert_string_equal(patch(it, &id, "{\"isPaused\":true}"), "PAUSED");
    cleat__uuid run = trigger_run(it, 1, "greet");
    assert_string_equal(patch(it, &id, "{}"), "PAUSED"); /* which is asked behind the run's trigger */
    json_t *status = get(it, URL("/api/v1/stable/workflow-runs/%s/status", ID(&run)));
    assert_string_equal(json_string_value(status), "QUEUED");
    json_decref(status);
    assert_string_equal(patch(it, &id, "{\"isPaused\":false}"), "ACTIVE");
    wait_until_running(it, &run);
    expect_400(it, "PATCH", URL("/api/v1/workers/%s", ID(&id)), "{\"isPaused\":1}", "isPaused");
    expect_400(it, "PATCH", URL("/api/v1/workers/%s", ID(&id)), "[]", "object");
}

/* The names of the rows, joined. */
static const char *names(rest_world *it, const char *query)
{
    static char text[256];
    json_t *list = get(it, URL("/api/v1/tenants/{tenant}/worker?%s", query));
    text[0] = '\0';
    for (size_t i = 0; i < count_at(list, "rows"); i++) {
        strcat(strcat(text, text_at(list, URL("rows.%zu.name", i))), " ");
    }
    sprintf(text + strlen(text), "%d", int_at(list, "pagination.num_pages"));
    json_decref(list);
    return text;
}

static void workers_are_listed_by_every_filter(void **state)
{
    rest_world *it = *state;
    assert_string_equal(names(it, ""), "0");
    add_worker(it, 1, "one", true);
    add_worker(it, 1, "two", false);
    cleat__uuid id = add_worker(it, 1, "three", true);
    add_worker(it, 2, "foreign", true);
    patch(it, &id, "{\"isPaused\":true}");
    assert_string_equal(names(it, ""), "three two one 1");
    assert_string_equal(names(it, "limit=2"), "three two 2");
    assert_string_equal(names(it, "limit=2&offset=2"), "one 2");
    assert_string_equal(names(it, "offset=7"), "1");
    assert_string_equal(names(it, "statuses=ACTIVE"), "one 1");
    assert_string_equal(names(it, "statuses=INACTIVE&statuses=PAUSED"), "three two 1");
    assert_string_equal(names(it, "labels=gpu:a100&labels=memory:64"), "three two one 1");
    assert_string_equal(names(it, "labels=gpu:a100&labels=memory:65"), "0");
}

static void wrong_questions_say_what_is_wrong(void **state)
{
    static const char *const wrong[] = {"limit=0", "limit=10001", "offset=-1", "statuses=GONE", "labels=gpu"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char name[16];
        assert_int_equal(sscanf(wrong[i], "%15[^=]", name), 1);
        expect_400(*state, "GET", URL("/api/v1/tenants/{tenant}/worker?%s", wrong[i]), NULL, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(a_worker_is_told_in_full),          REST_TEST(slots_that_are_taken_are_not_available),
        REST_TEST(a_worker_is_paused_and_goes_on),    REST_TEST(workers_are_listed_by_every_filter),
        REST_TEST(wrong_questions_say_what_is_wrong),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
