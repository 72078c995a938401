/* The viewer's routes beside those of the REST API, on the engine of rest_test.h. */
#ifndef CLEAT_TESTS_UI_TEST_H
#define CLEAT_TESTS_UI_TEST_H

#include "rest_test.h"

#include "server/ui.h"

#define API     "/api/cleat/v1/"
#define AS_JSON "Content-Type: application/json"

typedef struct ui_world {
    rest_world rest; /* first */
    cleat__ui *ui;
    cleat__http_table tables[2];
} ui_world;

/* `is_open`: everybody is the first tenant, as check_open() says. `is_looked_at`: without the engine. */
typedef struct ui_kind {
    bool is_open, is_looked_at;
} ui_kind;

static inline cleat_status check_open(void *self, cleat_slice bearer, cleat__identity *out)
{
    (void)bearer;
    return check_token(self, cleat_slice_of("one"), out);
}

static inline ui_world *ui_open(ui_kind kind)
{
    ui_world *it = calloc(1, sizeof(*it));
    rest_open(&it->rest);
    const cleat__ui_options ui = {.engine = kind.is_looked_at ? NULL : it->rest.engine,
                                  .readers = cleat__rest_readers(it->rest.rest),
                                  .needs_token = !kind.is_open};
    assert_int_equal(cleat__ui_new(&ui, &it->ui), CLEAT_OK);
    it->tables[0] = cleat__ui_table(it->ui);
    it->tables[1] = it->rest.table;
    const cleat__http_options options = {.address = "127.0.0.1:0",
                                         .tables = it->tables,
                                         .table_count = 2,
                                         .authenticate = kind.is_open ? check_open : check_token,
                                         .is_open = kind.is_open};
    assert_int_equal(cleat__http_server_start(&options, &it->rest.server), CLEAT_OK);
    it->rest.table = it->tables[0]; /* for ask_directly() */
    return it;
}

static inline int ui_start(void **state)
{
    *state = ui_open((ui_kind){.is_open = false});
    return 0;
}

static inline int ui_start_open(void **state)
{
    *state = ui_open((ui_kind){.is_open = true});
    return 0;
}

static inline int ui_start_looked_at(void **state)
{
    *state = ui_open((ui_kind){.is_looked_at = true});
    return 0;
}

static inline int ui_stop(void **state)
{
    ui_world *it = *state;
    cleat__http_server_free(it->rest.server);
    cleat__ui_free(it->ui);
    it->rest.server = NULL;
    return rest_stop(state);
}

#define UI_TEST(function) cmocka_unit_test_setup_teardown(function, ui_start, ui_stop)

/* ---- Asking: ask_json() of rest_test.h, with the type that a POST needs ---- */

static inline json_t *change(ui_world *it, int tenant, const char *path, long status)
{
    reply answer = ask(it->rest.server, (question){.method = "POST",
                                                   .path = path,
                                                   .headers = {tenant == 1 ? AS_1 : AS_2, AS_JSON},
                                                   .body = "{}"});
    json_t *value = answer.body != NULL ? json_loads(answer.body, JSON_DECODE_ANY, NULL) : NULL;
    if (answer.status != status || value == NULL) {
        fail_msg("POST %s: %ld %s", path, answer.status, answer.body != NULL ? answer.body : "");
    }
    reply_deinit(&answer);
    return value;
}

/* The value of a header of an answer, "" where there is none. */
static inline const char *header_of(const reply *answer, const char *name, char value[512])
{
    size_t size = strlen(name);
    const char *at = answer->headers;
    value[0] = '\0';
    while (at != NULL && *at != '\0') {
        if (strncasecmp(at, name, size) == 0 && at[size] == ':') {
            snprintf(value, 512, "%.*s", (int)strcspn(at + size + 2, "\r\n"), at + size + 2);
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return value;
}
#define HEADER(answer, name) header_of(answer, name, (char[512]){0})

#endif
