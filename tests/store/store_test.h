/* What the tests of store share. Each test runs in an empty directory of its own. */
#ifndef CLEAT_TESTS_STORE_TEST_H
#define CLEAT_TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/load.h"
#include "store/query.h"
#include "store/transition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "test.db"

static inline void remove_database(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

static inline cleat__store *open_store(cleat__store_mode mode)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(FILE_NAME, mode, &store);
    if (status != CLEAT_OK) {
        fail_msg("open: %s", cleat_error_message());
    }
    return store;
}

static inline int64_t read_int(cleat__store *store, const char *sql)
{
    sqlite3_stmt *select = NULL;
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(store), sql, -1, &select, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
    return value;
}

static inline cleat__uuid id_of(uint8_t number)
{
    return (cleat__uuid){{0x01, 0x90, 0, 0, 0, number, 0x70, 0, 0x80}};
}

static inline int64_t put_type(cleat__store *store, const char *action)
{
    static int count;
    char workflow[16];
    snprintf(workflow, sizeof(workflow), "w%d", count++);
    cleat__type_row row = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .workflow = cleat_slice_of(workflow),
        .task_name = cleat_slice_of("step"),
        .action = cleat_slice_of(action),
        .policy = {.retries = 3, .priority = 1, .backoff_factor = 2},
        .declaration = cleat_slice_of("{}"),
    };
    assert_int_equal(cleat__type_insert(store, &row), CLEAT_OK);
    return row.id;
}

static inline void put_task(cleat__store *store, uint8_t number, int64_t type_id,
                            const cleat__trigger *trigger)
{
    cleat__uuid existing;
    cleat__new_task task = {
        .id = id_of(number),
        .type_id = type_id,
        .priority = 2,
        .created_at_ms = 1000 + number,
        .trigger = trigger,
    };
    assert_int_equal(cleat__transition_trigger(store, &task, &existing), CLEAT_OK);
}

static inline void assert_slice(cleat_slice slice, const char *text)
{
    if (text == NULL) {
        assert_null(slice.data);
    } else {
        assert_int_equal(slice.size, strlen(text));
        assert_memory_equal(slice.data, text, slice.size);
    }
}

#endif
