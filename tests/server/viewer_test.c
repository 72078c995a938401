/* The viewer of a file, which may be in use. */
#include "ui_test.h"

#include "server/viewer.h"
#include "store/tenant.h"

static const char *port_of(const char *address)
{
    return strrchr(address, ':') + 1;
}

/* The answer's status; `body` gets its beginning. */
static long ask_viewer(const cleat__viewer *viewer, const char *path, const char *header, char body[512])
{
    reply it = {0};
    long status = 0;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, header);
    curl_easy_setopt(easy, CURLOPT_URL, URL("http://%s%s", cleat__viewer_address(viewer), path));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &it);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    snprintf(body, 512, "%s", it.body != NULL ? it.body : "");
    reply_deinit(&it);
    return status;
}

static void it_shows_a_file_that_an_engine_has(void **state)
{
    ui_world *it = *state;
    char body[512], waiting[64];
    cleat__uuid before = trigger_run(&it->rest, 1, "greet");
    cleat__viewer *viewer = NULL;
    const cleat__viewer_options options = {.database = it->rest.dir.database, .tenant = 1};
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    assert_memory_equal(cleat__viewer_address(viewer), "127.0.0.1:", 10);
    assert_int_equal(ask_viewer(viewer, "/", "X: y", body), 200);
    assert_non_null(strstr(body, "<base href=\"./\">"));
    assert_int_equal(ask_viewer(viewer, API "meta", "X: y", body), 200);
    assert_non_null(strstr(body, "\"needs_token\":false,\"read_only\":true"));
    cleat__uuid after = trigger_run(&it->rest, 1, "greet"); /* the file goes on */
    snprintf(waiting, sizeof(waiting), "\"status\":\"QUEUED\"");
    assert_int_equal(ask_viewer(viewer, URL(API "runs/%s", ID(&before)), "X: y", body), 200);
    assert_non_null(strstr(body, waiting));
    assert_int_equal(ask_viewer(viewer, URL(API "runs/%s", ID(&after)), "X: y", body), 200);
    assert_non_null(strstr(body, waiting));
    cleat__viewer_stop(viewer, 1000);
}

static void it_answers_by_its_own_addresses_only(void **state)
{
    ui_world *it = *state;
    char body[512];
    cleat__viewer *viewer = NULL;
    const cleat__viewer_options options = {.database = it->rest.dir.database, .tenant = 1};
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    assert_int_equal(ask_viewer(viewer, API "session", "Host: evil.example", body), 403);
    assert_int_equal(ask_viewer(viewer, "/", "Host: evil.example", body), 403);
    assert_int_equal(ask_viewer(viewer, API "session", "Host: localhost", body), 200);
    cleat__viewer_stop(viewer, 1000);
}

static void a_file_that_was_replaced_is_not_shown(void **state)
{
    ui_world *it = *state;
    char body[512];
    const char *path = it->rest.dir.database;
    char *aside = strdup(URL("%s.aside", path));
    cleat__viewer *viewer = NULL;
    const cleat__viewer_options options = {.database = path, .tenant = 1};
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    assert_int_equal(ask_viewer(viewer, API "runs", "X: y", body), 200);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(ask_viewer(viewer, API "runs", "X: y", body), 503);
    assert_non_null(strstr(body, "the file was removed, or another one took its place: open it anew"));
    FILE *other = fopen(path, "w");
    assert_non_null(other);
    fclose(other);
    assert_int_equal(ask_viewer(viewer, API "runs", "X: y", body), 503);
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(ask_viewer(viewer, API "runs", "X: y", body), 200);
    cleat__viewer_stop(viewer, 1000);
    free(aside);
}

/* What else a server answers is not there: nothing is taken. */
static void it_has_no_other_routes(void **state)
{
    static const char *const paths[] = {"/v1/traces", "/metrics", "/api/v1/meta", "/ready"};
    ui_world *it = *state;
    char body[512];
    cleat__viewer *viewer = NULL;
    const cleat__viewer_options options = {.database = it->rest.dir.database, .tenant = 1};
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(ask_viewer(viewer, paths[i], "X: y", body), 400);
    }
    cleat__viewer_stop(viewer, 1000);
}

static void it_shows_one_tenant(void **state)
{
    ui_world *it = *state;
    char body[512];
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    cleat__viewer *viewer = NULL;
    const cleat__viewer_options options = {.database = it->rest.dir.database, .tenant = 2};
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    assert_int_equal(ask_viewer(viewer, API "session", "X: y", body), 200);
    assert_non_null(strstr(body, "\"name\":\"second\""));
    assert_int_equal(ask_viewer(viewer, URL(API "runs/%s", ID(&id)), "X: y", body), 404);
    cleat__viewer_stop(viewer, 1000);
}

static void what_it_cannot_serve_is_named(void **state)
{
    ui_world *it = *state;
    cleat__viewer *viewer = NULL, *second = NULL;
    cleat__viewer_options options = {.database = "none.db", .tenant = 1};
    assert_int_not_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    assert_non_null(strstr(cleat_error_message(), "none.db"));
    assert_null(viewer);
    options = (cleat__viewer_options){.database = it->rest.dir.database, .tenant = 9};
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_NOT_FOUND);
    options.tenant = 1;
    assert_int_equal(cleat__viewer_start(&options, &viewer), CLEAT_OK);
    options.port = (uint16_t)atoi(port_of(cleat__viewer_address(viewer)));
    assert_int_equal(cleat__viewer_start(&options, &second), CLEAT_BUSY);
    assert_null(second);
    cleat__viewer_stop(viewer, 1000);
    assert_int_equal(cleat__viewer_start(&options, &second), CLEAT_OK);
    assert_string_equal(port_of(cleat__viewer_address(second)), URL("%u", options.port));
    cleat__viewer_stop(second, 1000);
    cleat__viewer_stop(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(it_shows_a_file_that_an_engine_has),
        UI_TEST(it_answers_by_its_own_addresses_only),
        UI_TEST(a_file_that_was_replaced_is_not_shown),
        UI_TEST(it_has_no_other_routes),
        UI_TEST(it_shows_one_tenant),
        UI_TEST(what_it_cannot_serve_is_named),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
