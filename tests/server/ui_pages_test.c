/* The viewer's pages and files: what they are, for whom they are, and what keeps them in. */
#include "ui_test.h"

#include "server/web.h"

#include <dirent.h>
#include <sys/stat.h>

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

static void expect_fence(const reply *answer)
{
    assert_string_equal(HEADER(answer, "Content-Security-Policy"), policy);
    assert_string_equal(HEADER(answer, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(HEADER(answer, "Referrer-Policy"), "no-referrer");
    assert_string_equal(HEADER(answer, "Cross-Origin-Resource-Policy"), "same-origin");
}

static void every_page_is_the_shell_with_a_base_of_its_depth(void **state)
{
    static const struct {
        const char *path, *base;
    } pages[] = {
        {"/", "<base href=\"./\">"},
        {"/?status=FAILED", "<base href=\"./\">"},
        {"/runs", "<base href=\"./\">"},
        {"/traces?service=a", "<base href=\"./\">"},
        {"/workflows", "<base href=\"./\">"},
        {"/compare?a=1&b=2", "<base href=\"./\">"},
        {"/runs/" NO_ID, "<base href=\"../\">"},
        {"/runs/no-id", "<base href=\"../\">"},
        {"/traces/4bf92f3577b34da6a3ce929d0e0e4736?span=1", "<base href=\"../\">"},
    };
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        reply answer = ask(it->rest.server, (question){.path = pages[i].path});
        assert_int_equal(answer.status, 200);
        assert_string_equal(HEADER(&answer, "Content-Type"), "text/html; charset=utf-8");
        assert_string_equal(HEADER(&answer, "Cache-Control"), "no-cache");
        expect_fence(&answer);
        const char *base = strstr(answer.body, "<base ");
        assert_non_null(base);
        assert_memory_equal(base, pages[i].base, strlen(pages[i].base));
        assert_null(strstr(base + 1, "<base "));
        assert_non_null(strstr(answer.body, "</html>"));
        reply_deinit(&answer);
    }
}

static void pages_that_are_not_there_are_refused(void **state)
{
    static const char *const paths[] = {"/run", "/runs/", "/runs/a/b", "/index.html", "/assets", "/assets/"};
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        EXPECT(it->rest.server, 400, "{\"message\":\"no matching operation was found\"}", .path = paths[i]);
    }
    EXPECT(it->rest.server, 405, "{\"message\":\"Method Not Allowed\"}", .path = "/runs", .method = "DELETE");
}

/* ---- Files ---- */

static void read_file(const char *name, cleat__buffer *out)
{
    char path[512];
    uint8_t piece[4096];
    size_t size;
    snprintf(path, sizeof(path), "%s/web/%s", getenv("CLEAT_SOURCE"), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    while ((size = fread(piece, 1, sizeof(piece), file)) != 0) {
        cleat__buffer_append(out, piece, size);
    }
    fclose(file);
}

static const char *type_of(const char *name)
{
    const char *ending = strrchr(name, '.');
    return strcmp(ending, ".js") == 0     ? "text/javascript; charset=utf-8"
           : strcmp(ending, ".css") == 0  ? "text/css; charset=utf-8"
           : strcmp(ending, ".html") == 0 ? "text/html; charset=utf-8"
           : strcmp(ending, ".svg") == 0  ? "image/svg+xml"
                                          : "image/png";
}

static void expect_file(const ui_world *it, const char *name)
{
    cleat__buffer content = {0};
    read_file(name, &content);
    reply answer = ask(it->rest.server, (question){.path = URL("/assets/%s", name)});
    assert_int_equal(answer.status, 200);
    assert_string_equal(HEADER(&answer, "Content-Type"), type_of(name));
    assert_string_equal(HEADER(&answer, "Cache-Control"), "no-cache");
    expect_fence(&answer);
    assert_int_equal(answer.body_size, content.size);
    assert_memory_equal(answer.body, content.data, content.size);
    reply_deinit(&answer);
    cleat__buffer_deinit(&content);
}

static void every_file_of_web_is_an_asset(void **state)
{
    char path[512];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/web", getenv("CLEAT_SOURCE"));
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            expect_file(*state, entry->d_name);
            count++;
        }
    }
    closedir(folder);
    assert_int_equal(count, cleat__web_file_count);
}

static void a_file_that_is_not_there_is_not_found(void **state)
{
    static const char *const names[] = {"none.js", "..", "..%2findex.html", "app.js%00", "%00", "APP.JS"};
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        reply answer = ask(it->rest.server, (question){.path = URL("/assets/%s", names[i])});
        assert_in_range(answer.status, 400, 404);
        reply_deinit(&answer);
    }
    EXPECT(it->rest.server, 404, "{\"message\":\"not found\"}", .path = "/assets/none.js");
}

/* ---- What a browser has already ---- */

static void expect_not_modified(const ui_world *it, const char *path)
{
    char condition[600];
    reply first = ask(it->rest.server, (question){.path = path});
    const char *tag = HEADER(&first, "ETag");
    assert_true(strlen(tag) > 10 && tag[0] == '"');
    snprintf(condition, sizeof(condition), "If-None-Match: \"other\", W/%s", tag);
    reply again = ask(it->rest.server, (question){.path = path, .headers = {condition}});
    assert_int_equal(again.status, 304);
    assert_int_equal(again.body_size, 0);
    assert_string_equal(HEADER(&again, "ETag"), tag);
    assert_string_equal(HEADER(&again, "Cache-Control"), "no-cache");
    expect_fence(&again);
    reply other = ask(it->rest.server, (question){.path = path, .headers = {"If-None-Match: \"other\""}});
    assert_int_equal(other.status, 200);
    assert_int_equal(other.body_size, first.body_size);
    reply_deinit(&first);
    reply_deinit(&again);
    reply_deinit(&other);
}

static void what_has_not_changed_is_not_sent_again(void **state)
{
    expect_not_modified(*state, "/runs");
    expect_not_modified(*state, "/runs/1");
    expect_not_modified(*state, "/assets/app.js");
}

/* A page of one depth must not be taken for one of another. */
static void pages_of_different_depth_have_different_tags(void **state)
{
    ui_world *it = *state;
    reply upper = ask(it->rest.server, (question){.path = "/runs"});
    reply lower = ask(it->rest.server, (question){.path = "/runs/1"});
    assert_string_not_equal(HEADER(&upper, "ETag"), HEADER(&lower, "ETag"));
    reply_deinit(&upper);
    reply_deinit(&lower);
}

static void head_answers_as_get_without_the_body(void **state)
{
    static const char *const paths[] = {"/", "/runs/1", "/assets/app.js", API "meta"};
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        reply whole = ask(it->rest.server, (question){.path = paths[i]});
        reply head = ask(it->rest.server, (question){.path = paths[i], .method = "HEAD"});
        assert_int_equal(head.status, 200);
        assert_int_equal(head.body_size, 0);
        assert_string_equal(HEADER(&head, "Content-Length"), HEADER(&whole, "Content-Length"));
        assert_string_equal(HEADER(&head, "ETag"), HEADER(&whole, "ETag"));
        reply_deinit(&whole);
        reply_deinit(&head);
    }
}

/* What is answered of data is for nobody else, and no page. */
static void answers_of_the_api_are_not_kept(void **state)
{
    static const char *const paths[] = {API "meta", API "session", API "workflows", API "runs/" NO_ID,
                                        API "runs/x"};
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        reply answer = ask(it->rest.server, (question){.path = paths[i], .headers = {AS_1}});
        assert_string_equal(HEADER(&answer, "Cache-Control"), "no-store");
        assert_string_equal(HEADER(&answer, "Content-Type"), "application/json");
        assert_string_equal(HEADER(&answer, "ETag"), "");
        expect_fence(&answer);
        reply_deinit(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(every_page_is_the_shell_with_a_base_of_its_depth),
        UI_TEST(pages_that_are_not_there_are_refused),
        UI_TEST(every_file_of_web_is_an_asset),
        UI_TEST(a_file_that_is_not_there_is_not_found),
        UI_TEST(what_has_not_changed_is_not_sent_again),
        UI_TEST(pages_of_different_depth_have_different_tags),
        UI_TEST(head_answers_as_get_without_the_body),
        UI_TEST(answers_of_the_api_are_not_kept),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
