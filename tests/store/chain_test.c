/* Ways from runs to those that they have gone on as: by rows that say where they lead, and one by one. */
#include "store_test.h"

#include "store/chain.h"

/* The runs 1 .. LINKS, each gone on as the next but for the last, which lives. */
enum { LINKS = 6 };

static void put_run(cleat__store *store, int64_t type, uint8_t number, uint8_t parent)
{
    const cleat__trigger trigger = {.input = cleat_slice_of("{}"),
                                    .is_child = parent != 0,
                                    .parent_id = id_of(parent),
                                    .child_index = 1,
                                    .child_key = cleat_slice_of(parent != 0 ? "cleat>1.1" : NULL)};
    put_task(store, number, type, &trigger);
}

static void end_with(cleat__store *store, uint8_t number, const char *output)
{
    cleat__attempt_key key = {.id = id_of(number)};
    assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_OK);
    key.started_at_ms = 2000;
    assert_int_equal(cleat__transition_complete(store, &key, 3000, cleat_slice_of(output)), CLEAT_OK);
}

static void end_as(cleat__store *store, uint8_t number, uint8_t next)
{
    char output[CLEAT__CONTINUED_SIZE];
    const cleat__uuid to = id_of(next);
    cleat__continued_format(&to, output);
    end_with(store, number, output);
}

static int setup(void **state)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    int64_t type = put_type(store, "a");
    for (uint8_t i = 1; i <= LINKS; i++) {
        put_run(store, type, i, i - 1);
        if (i > 1) {
            end_as(store, i - 1, i);
        }
    }
    *state = store;
    return 0;
}

static int teardown(void **state)
{
    cleat__store_close(*state);
    remove_database();
    return 0;
}

/* Where one gets to from that run, by its number. */
static int reach(cleat__store *store, cleat__follow follow, int most, uint8_t number)
{
    cleat__uuid id = id_of(number);
    assert_int_equal(cleat__chain_reach(store, follow, most, &id), CLEAT_OK);
    return id.bytes[5];
}

/* As the engine does from the run on. */
static void go_on(cleat__store *store, uint8_t from, uint8_t to)
{
    const cleat__uuid former = id_of(from), next = id_of(to);
    assert_int_equal(cleat__chain_go_on(store, &former, &next), CLEAT_OK);
}

static void go_on_from(cleat__store *store, uint8_t first)
{
    for (uint8_t i = first; i < LINKS; i++) {
        go_on(store, i, i + 1);
    }
}

static void break_at(cleat__store *store, uint8_t number)
{
    const cleat__uuid id = id_of(number);
    assert_int_equal(cleat__chain_break(store, &id), CLEAT_OK);
}

static int64_t rows_of(cleat__store *store)
{
    return read_int(store, "SELECT count(*) FROM chain");
}

static void test_one_by_one(void **state)
{
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 100, 1), LINKS);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 2, 1), 3);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 100, LINKS), LINKS);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 100, 77), 77); /* not there */
    assert_int_equal(reach(*state, CLEAT__FOLLOW_NOT, 100, 1), 1);
}

static void test_in_one_step(void **state)
{
    go_on_from(*state, 1);
    assert_int_equal(rows_of(*state), 1);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 1, 1), LINKS);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 1, 3), 4);
}

/* The first ones are of a time before there were rows. */
static void test_the_rest_in_one_step(void **state)
{
    go_on_from(*state, 3);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 3, 1), LINKS);
}

/* Of one that has not gone on nothing is lost when it lives again, of others what leads through it. */
static void test_what_lives_again_breaks_what_leads_through_it(void **state)
{
    go_on_from(*state, 3);
    break_at(*state, LINKS);
    break_at(*state, 77);
    break_at(*state, 2);
    assert_int_equal(rows_of(*state), 1);
    go_on(*state, 1, 2);
    assert_int_equal(rows_of(*state), 2);
    break_at(*state, 5);
    assert_int_equal(rows_of(*state), 0);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 100, 1), LINKS);
}

static void test_an_output_that_names_another_run(void **state)
{
    cleat__store *store = *state;
    int64_t type = put_type(store, "b");
    put_run(store, type, 10, 0);
    put_run(store, type, 11, 0);
    end_as(store, 10, 11);
    assert_int_equal(reach(store, CLEAT__FOLLOW_LAST, 100, 10), 10);
}

/* A row that leads back is not followed, whoever has written it. */
static void test_no_way_back(void **state)
{
    go_on(*state, 4, 2);
    assert_int_equal(reach(*state, CLEAT__FOLLOW_LAST, 100, 1), LINKS);
}

/* What there is to be read is not passed over; what is known of the way makes no difference. */
static void test_up_to_the_next_with_a_stream(void **state)
{
    cleat__store *store = *state;
    go_on_from(store, 1);
    assert_int_equal(reach(store, CLEAT__FOLLOW_STREAM, 100, 1), LINKS - 1); /* the last one lives */
    end_with(store, LINKS, "1");
    assert_int_equal(reach(store, CLEAT__FOLLOW_STREAM, 100, 1), LINKS);
    assert_int_equal(sqlite3_exec(cleat__store_db(store),
                                  "INSERT INTO stream (task_id) VALUES "
                                  "(x'01900000000470008000000000000000')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(reach(store, CLEAT__FOLLOW_STREAM, 100, 1), 3);
    assert_int_equal(reach(store, CLEAT__FOLLOW_STREAM, 100, 4), LINKS);
    assert_int_equal(reach(store, CLEAT__FOLLOW_STREAM, 1, 1), 2);
}

/* What it led to the one before leads to; where there is none, nothing is left of it. */
static void test_a_run_that_is_removed(void **state)
{
    cleat__store *store = *state;
    const cleat__uuid second = id_of(2), first = id_of(1), last = id_of(LINKS);
    go_on_from(store, 2);
    assert_int_equal(cleat__chain_remove(store, &second, &first), CLEAT_OK);
    assert_int_equal(reach(store, CLEAT__FOLLOW_LAST, 1, 1), LINKS);
    assert_int_equal(cleat__chain_remove(store, &first, NULL), CLEAT_OK);
    assert_int_equal(rows_of(store), 0);
    go_on_from(store, 2);
    assert_int_equal(cleat__chain_remove(store, &last, NULL), CLEAT_OK);
    assert_int_equal(rows_of(store), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_by_one),
        TEST(test_in_one_step),
        TEST(test_the_rest_in_one_step),
        TEST(test_what_lives_again_breaks_what_leads_through_it),
        TEST(test_an_output_that_names_another_run),
        TEST(test_no_way_back),
        TEST(test_up_to_the_next_with_a_stream),
        TEST(test_a_run_that_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
