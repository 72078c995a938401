/* A store that a recorder puts spans into. */
#ifndef CLEAT_TESTS_SPAN_STORE_H
#define CLEAT_TESTS_SPAN_STORE_H

#include "recorder.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    cleat__store *store;
    recorder rec;
} fixture;

static inline int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    unlink("test.db");
    f->store = open_store();
    assert_int_equal(cleat__store_begin(f->store),
                     CLEAT_OK); /* one for the whole test: commits take their time */
    recorder_init(&f->rec, f->store);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    recorder_deinit(&f->rec);
    cleat__store_rollback(f->store);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

static inline void execute(fixture *f, const char *sql)
{
    assert_int_equal(sqlite3_exec(cleat__store_db(f->store), sql, NULL, NULL, NULL), SQLITE_OK);
}

#endif
