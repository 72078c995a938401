/* Events and schedules as they are listed. */
#include "store_test.h"

#include "store/event.h"
#include "store/schedule.h"

/* Events 1 .. 4, the even ones with the key "b"; 4 is another tenant's. Schedules likewise. */
static int open_fixture(void **state)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    for (uint8_t i = 1; i <= 4; i++) {
        const cleat__event_row event = {
            .id = id_of(i),
            .tenant = i == 4 ? 2 : 1,
            .key = cleat_slice_of(i % 2 == 0 ? "b" : "a"),
            .payload = cleat_slice_of("{}"),
            .metadata = cleat_slice_of(i == 1 ? "{\"m\":1}" : NULL),
            .scope = cleat_slice_of(i == 1 ? "s" : NULL),
            .created_at_ms = 1000 + i,
        };
        assert_int_equal(cleat__event_insert(store, &event), CLEAT_OK);
        const cleat__schedule_row schedule = {
            .id = id_of(i),
            .tenant = i == 4 ? 2 : 1,
            .at_ms = 5000 - i,
            .schedule = {.workflow = cleat_slice_of(i % 2 == 0 ? "b" : "a")},
        };
        assert_int_equal(cleat__schedule_insert(store, &schedule), CLEAT_OK);
    }
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    *state = store;
    return 0;
}

static int close_fixture(void **state)
{
    cleat__store_close(*state);
    return 0;
}

static bool note_event(void *argument, const cleat__event_row *row)
{
    sprintf((char *)argument + strlen(argument), "%d", row->id.bytes[5]);
    return true;
}

static const char *events(cleat__store *store, cleat__event_filter filter)
{
    static char text[64];
    text[0] = '\0';
    filter.limit = filter.limit != 0 ? filter.limit : 10;
    assert_int_equal(cleat__event_list(store, &filter, note_event, text), CLEAT_OK);
    return text;
}

static bool note_schedule(void *argument, const cleat__schedule_row *row)
{
    sprintf((char *)argument + strlen(argument), "%d", row->id.bytes[5]);
    return true;
}

static const char *schedules(cleat__store *store, cleat__schedule_filter filter)
{
    static char text[64];
    text[0] = '\0';
    filter.limit = filter.limit != 0 ? filter.limit : 10;
    assert_int_equal(cleat__schedule_list(store, &filter, note_schedule, text), CLEAT_OK);
    return text;
}

static void test_events_are_listed(void **state)
{
    const cleat__uuid third = id_of(3);
    assert_string_equal(events(*state, (cleat__event_filter){.tenant = 0}), "4321");
    assert_string_equal(events(*state, (cleat__event_filter){.tenant = 1}), "321");
    assert_string_equal(events(*state, (cleat__event_filter){.key = {"b", 1}}), "42");
    assert_string_equal(events(*state, (cleat__event_filter){.before = &third}), "21");
    assert_string_equal(events(*state, (cleat__event_filter){.tenant = 1, .before = &third, .limit = 1}),
                        "2");
    assert_string_equal(events(*state, (cleat__event_filter){.tenant = 3}), "");
}

static void test_an_event_is_read(void **state)
{
    const cleat__uuid first = id_of(1), second = id_of(2);
    cleat__event_row row;
    assert_int_equal(cleat__event_get(*state, 1, &first, &row), CLEAT_OK);
    assert_slice(row.key, "a");
    assert_slice(row.payload, "{}");
    assert_slice(row.metadata, "{\"m\":1}");
    assert_slice(row.scope, "s");
    assert_int_equal(row.created_at_ms, 1001);
    assert_int_equal(cleat__event_get(*state, 1, &second, &row), CLEAT_OK);
    assert_slice(row.scope, NULL);
    assert_int_equal(cleat__event_get(*state, 2, &first, &row), CLEAT_NOT_FOUND);
}

static void test_schedules_are_listed(void **state)
{
    const cleat__uuid third = id_of(3);
    assert_string_equal(schedules(*state, (cleat__schedule_filter){.tenant = 0}), "4321");
    assert_string_equal(schedules(*state, (cleat__schedule_filter){.tenant = 2}), "4");
    assert_string_equal(schedules(*state, (cleat__schedule_filter){.workflow = {"a", 1}}), "31");
    assert_string_equal(schedules(*state, (cleat__schedule_filter){.before = &third, .limit = 1}), "2");
}

static void test_what_is_due(void **state)
{
    cleat__schedule_row row;
    int64_t next = 0;
    assert_int_equal(cleat__schedule_due(*state, 4995, &row), CLEAT_EMPTY);
    for (uint8_t i = 4; i > 0; i--) {
        assert_int_equal(cleat__schedule_next(*state, &next), CLEAT_OK);
        assert_int_equal(next, 5000 - i);
        assert_int_equal(cleat__schedule_due(*state, 9000, &row), CLEAT_OK);
        assert_int_equal(row.id.bytes[5], i);
        assert_int_equal(cleat__schedule_delete(*state, 3, &row.id), CLEAT_NOT_FOUND);
        assert_int_equal(cleat__schedule_delete(*state, row.tenant, &row.id), CLEAT_OK);
    }
    assert_int_equal(cleat__schedule_next(*state, &next), CLEAT_OK);
    assert_true(next == INT64_MAX);
}

/* New ids are above those of all three. */
static void test_the_last_id(void **state)
{
    cleat__uuid last;
    assert_int_equal(cleat__load_last_id(*state, &last), CLEAT_OK);
    assert_int_equal(last.bytes[5], 4);
    const cleat__schedule_row schedule = {
        .id = id_of(9), .tenant = 1, .schedule = {.workflow = cleat_slice_of("a")}};
    assert_int_equal(cleat__schedule_insert(*state, &schedule), CLEAT_OK);
    assert_int_equal(cleat__load_last_id(*state, &last), CLEAT_OK);
    assert_int_equal(last.bytes[5], 9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_events_are_listed), TEST(test_an_event_is_read), TEST(test_schedules_are_listed),
        TEST(test_what_is_due),       TEST(test_the_last_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
