/* The tasks of a run: in their order, without what nobody asks for, and no further than wanted. */
#include "store_test.h"

#include "base/alloc.h"
#include "store/dag.h"

enum { RUN = 1, FIRST, SECOND, THIRD };

/* Tasks whose ids are in another order than their declarations; the third has not ended. */
static cleat__store *open_run(const char *first_output)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    const cleat__trigger trigger = {.input = {"{}", 2}};
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    put_task(store, RUN, put_type(store, "w"), &trigger);
    for (uint8_t i = FIRST; i <= THIRD; i++) {
        cleat__uuid existing;
        cleat__new_task task = {.id = id_of((uint8_t)(20 - i)),
                                .type_id = put_type(store, "w:t"),
                                .priority = 2,
                                .created_at_ms = 1000,
                                .trigger = &trigger,
                                .dag_id = id_of(RUN)};
        assert_int_equal(cleat__transition_trigger(store, &task, &existing), CLEAT_OK);
        cleat__attempt_key key = {.id = task.id, .started_at_ms = 2000};
        if (i != THIRD) {
            assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_OK);
            cleat_slice output = cleat_slice_of(i == FIRST ? first_output : "{\"n\":2}");
            assert_int_equal(cleat__transition_complete(store, &key, 3000, output), CLEAT_OK);
        }
    }
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    return store;
}

typedef struct seen {
    char text[128];
    size_t count, most;
} seen;

static cleat_status see(void *argument, const cleat__dag_row *row)
{
    seen *self = argument;
    size_t size = strlen(self->text);
    snprintf(self->text + size, sizeof(self->text) - size, "%d:%s:%.*s ", 20 - row->id.bytes[5],
             cleat_run_status_name(row->state), CLEAT_SLICE_ARGS(row->output));
    return ++self->count == self->most ? CLEAT_EMPTY : CLEAT_OK;
}

static void tasks_are_visited_in_the_order_of_their_declaration(void **state)
{
    cleat__store *store = open_run("{\"n\":1}");
    const cleat__uuid run = id_of(RUN);
    seen all = {.most = 0}, some = {.most = 2}, bare = {.most = 0};
    (void)state;
    assert_int_equal(cleat__dag_list(store, &run, CLEAT__DAG_WITH_RESULTS, see, &all), CLEAT_OK);
    assert_string_equal(all.text, "2:COMPLETED:{\"n\":1} 3:COMPLETED:{\"n\":2} 4:QUEUED: ");
    assert_int_equal(cleat__dag_list(store, &run, CLEAT__DAG_WITH_RESULTS, see, &some), CLEAT_EMPTY);
    assert_string_equal(some.text, "2:COMPLETED:{\"n\":1} 3:COMPLETED:{\"n\":2} ");
    assert_int_equal(cleat__dag_list(store, &run, CLEAT__DAG_WITHOUT_RESULTS, see, &bare), CLEAT_OK);
    assert_string_equal(bare.text, "2:COMPLETED: 3:COMPLETED: 4:QUEUED: ");
    cleat__store_close(store);
}

static void ids_are_in_that_order_too(void **state)
{
    cleat__store *store = open_run("{}");
    const cleat__uuid run = id_of(RUN), other = id_of(FIRST);
    cleat__uuid *ids = NULL;
    size_t count = 0;
    (void)state;
    assert_int_equal(cleat__dag_ids(store, &run, &ids, &count), CLEAT_OK);
    assert_int_equal(count, 3);
    for (uint8_t i = 0; i < 3; i++) {
        assert_int_equal(ids[i].bytes[5], 20 - (FIRST + i));
    }
    cleat__free(ids);
    assert_int_equal(cleat__dag_ids(store, &other, &ids, &count), CLEAT_OK);
    assert_int_equal(count, 0);
    assert_null(ids);
    cleat__store_close(store);
}

static void damage_third(cleat__store *store)
{
    assert_int_equal(sqlite3_exec(cleat__store_db(store),
                                  "DELETE FROM task_type WHERE id = (SELECT max(id) FROM task_type)", NULL,
                                  NULL, NULL),
                     SQLITE_OK);
}

/* Whoever is behind them cannot be read, which nobody hears of who does not read him. */
static void results_that_are_too_large_are_read_no_further(void **state)
{
    enum { SIZE = CLEAT__RESULTS_MAX + 1 };
    char *large = malloc(SIZE + 1);
    memset(large, '1', SIZE);
    large[SIZE] = '\0';
    const cleat__uuid run = id_of(RUN);
    (void)state;
    for (int is_large = 0; is_large <= 1; is_large++) {
        cleat__store *store = open_run(is_large ? large : "1");
        cleat__task_results results = {.count = 0};
        damage_third(store);
        assert_int_equal(cleat__dag_results(store, &run, &results), is_large ? CLEAT_OK : CLEAT_CORRUPT);
        assert_int_equal(results.is_too_large, is_large);
        cleat__task_results_deinit(&results);
        cleat__store_close(store);
    }
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_visited_in_the_order_of_their_declaration),
        cmocka_unit_test(ids_are_in_that_order_too),
        cmocka_unit_test(results_that_are_too_large_are_read_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
