/* The REST API's rate limits. */
#include "rest_test.h"

#define RATES "/api/v1/tenants/{tenant}/rate-limits"

static void put(rest_world *it, int64_t tenant, const char *key, int32_t limit, int64_t window_ms)
{
    assert_int_equal(cleat__engine_put_rate_limit(it->engine, tenant, cleat_slice_of(key), limit, window_ms),
                     CLEAT_OK);
}

/* The keys of a list, in its order. */
static void assert_keys(rest_world *it, const char *query, const char *keys)
{
    char text[128] = "", path[256];
    snprintf(path, sizeof(path), RATES "%s", query);
    json_t *list = get(it, path);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(list, "rows"), i, row)
    {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                 json_string_value(json_object_get(row, "key")));
    }
    assert_string_equal(text, keys);
    json_decref(list);
}

static void limits_are_listed(void **state)
{
    rest_world *it = *state;
    assert_keys(it, "", "");
    put(it, 1, "mail", 7, 60000);
    put(it, 1, "calls", 9, 3600000);
    put(it, 1, "mails out", 3, 1000);
    put(it, 2, "another's", 3, 1000);
    json_t *list = get(it, RATES);
    assert_int_equal(count_at(list, "rows"), 3);
    assert_string_equal(text_at(list, "rows.0.key"), "calls");
    assert_int_equal(int_at(list, "rows.0.limitValue"), 9);
    assert_int_equal(int_at(list, "rows.0.value"), 9);
    assert_string_equal(text_at(list, "rows.0.window"), "1 HOUR");
    assert_memory_equal(text_at(list, "rows.0.lastRefill"), "20", 2);
    json_decref(list);
    assert_keys(it, "?search=mail", "mail mails out ");
    assert_keys(it, "?orderByField=limitValue", "mails out mail calls ");
    assert_keys(it, "?orderByField=value&orderByDirection=desc", "calls mail mails out ");
    assert_keys(it, "?orderByField=key&orderByDirection=desc", "mails out mail calls ");
    assert_keys(it, "?limit=1&offset=1", "mail ");
    expect_400(it, "GET", RATES "?orderByField=window", NULL, "orderByField");
    expect_400(it, "GET", RATES "?orderByDirection=down", NULL, "orderByDirection");
}

static void a_limit_is_deleted(void **state)
{
    rest_world *it = *state;
    put(it, 1, "mail", 7, 60000);
    put(it, 2, "mail", 7, 60000);
    assert_null(ask_json(it, (asking){1, "DELETE", RATES "?key=mail", NULL, 204}));
    assert_keys(it, "", "");
    json_decref(ask_json(it, (asking){1, "DELETE", RATES "?key=mail", NULL, 404}));
    expect_400(it, "DELETE", RATES, NULL, "key");
    json_t *others = ask_json(it, (asking){2, "GET", RATES, NULL, 200});
    assert_int_equal(count_at(others, "rows"), 1);
    json_decref(others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(limits_are_listed),
        REST_TEST(a_limit_is_deleted),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
