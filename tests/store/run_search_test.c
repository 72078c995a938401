/* Searching runs, and counting them over time. */
#include "store_test.h"

#include "store/run_search.h"

#define BASE_MS INT64_C(0x019000000000)
enum { OTHER_TENANT = 7, MOST = 64 };

/* ---- Runs by number, each made 1,000 ms after the one before ---- */

static cleat__uuid run_id(int number)
{
    cleat__uuid id = cleat__uuid_first(BASE_MS + number * 1000);
    id.bytes[6] |= 0x70; /* version 7 */
    id.bytes[15] = 0xE0;
    return id;
}

static int number_of(const cleat__uuid *id)
{
    return (int)((cleat__uuid_time(id) - BASE_MS) / 1000);
}

static int64_t add_type(cleat__store *store, int64_t tenant, const char *workflow, const char *task)
{
    char action[128];
    snprintf(action, sizeof(action), "%s:%s", workflow, task);
    cleat__type_row row = {
        .tenant = tenant,
        .workflow = cleat_slice_of(workflow),
        .task_name = cleat_slice_of(task),
        .action = cleat_slice_of(action),
        .policy = {.retries = 3, .priority = 1, .backoff_factor = 2},
        .declaration = cleat_slice_of("{}"),
    };
    assert_int_equal(cleat__type_insert(store, &row), CLEAT_OK);
    return row.id;
}

typedef struct made_run {
    int number, parent; /* parent 0: none */
    int64_t type;
    const char *input, *metadata, *error; /* NULL: {}, none, none */
    cleat_run_status status;
} made_run;

static void finish(cleat__store *store, const made_run *what)
{
    cleat__attempt_key key = {.id = run_id(what->number)};
    const char *error = what->error != NULL ? what->error : "broken";
    if (what->status == CLEAT_RUN_QUEUED) {
        return;
    }
    assert_int_equal(cleat__transition_assign(store, &key, BASE_MS), CLEAT_OK);
    if (what->status == CLEAT_RUN_COMPLETED) {
        assert_int_equal(cleat__transition_complete(store, &key, BASE_MS, cleat_slice_of("1")), CLEAT_OK);
    } else if (what->status == CLEAT_RUN_FAILED) {
        assert_int_equal(
            cleat__transition_fail(store, &key, CLEAT__EVENT_FAIL, BASE_MS, cleat_slice_of(error)), CLEAT_OK);
    } else if (what->status == CLEAT_RUN_CANCELLED) {
        assert_int_equal(cleat__transition_cancel(store, &key, CLEAT_RUN_RUNNING, BASE_MS), CLEAT_OK);
    } else if (what->status == CLEAT_RUN_EVICTED) {
        assert_int_equal(cleat__transition_evict(store, &key), CLEAT_OK);
    }
}

static void add_run(cleat__store *store, const made_run *what)
{
    cleat__uuid existing;
    const cleat__trigger trigger = {
        .input = cleat_slice_of(what->input != NULL ? what->input : "{}"),
        .metadata = cleat_slice_of(what->metadata),
        .is_child = what->parent != 0,
        .parent_id = run_id(what->parent),
        .child_index = what->number,
    };
    const cleat__new_task task = {
        .id = run_id(what->number),
        .type_id = what->type,
        .priority = 1,
        .created_at_ms = BASE_MS + what->number * 1000,
        .trigger = &trigger,
    };
    assert_int_equal(cleat__transition_trigger(store, &task, &existing), CLEAT_OK);
    finish(store, what);
}

/*
 * 1 .. 12, of which 4 and 8 are of the workflow "mail" (task "send"), the others of "orders" (task "pack"); each state
 * twice, in order; 5, 6 and 7 are children of 1; 9 is another tenant's.
 */
static int open_fixture(void **state)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    int64_t orders = add_type(store, CLEAT__TENANT_DEFAULT, "orders", "pack");
    int64_t mail = add_type(store, CLEAT__TENANT_DEFAULT, "mail", "send");
    int64_t other = add_type(store, OTHER_TENANT, "orders", "pack");
    for (int i = 1; i <= 12; i++) {
        add_run(store, &(made_run){.number = i,
                                   .parent = i >= 5 && i <= 7 ? 1 : 0,
                                   .type = i == 4 || i == 8 ? mail
                                           : i == 9         ? other
                                                            : orders,
                                   .metadata = i % 3 == 0 ? "{\"customer\":\"c3\",\"n\":3}"
                                               : i % 2    ? "{\"customer\":\"c\\u0031\"}"
                                                          : NULL,
                                   .status = (cleat_run_status)(i % 6)});
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

/* ---- Searching ---- */

typedef struct found {
    int numbers[MOST];
    int count;
} found;

static bool collect(void *argument, const cleat__uuid *id)
{
    found *self = argument;
    assert_true(self->count < MOST);
    self->numbers[self->count++] = number_of(id);
    return true;
}

static void assert_numbers(const found *self, const char *expected)
{
    char text[256] = "";
    for (int i = 0; i < self->count; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), i == 0 ? "%d" : " %d", self->numbers[i]);
    }
    assert_string_equal(text, expected);
}

/* All of it, page by page. */
static void search_all(cleat__store *store, cleat__run_search_filter filter, found *out, int *answers)
{
    cleat__run_search_end end = {.searched_to_ms = INT64_MAX};
    cleat__uuid before;
    *out = (found){.count = 0};
    for (*answers = 1; *answers < 1000; ++*answers) {
        int64_t searched_to_ms = end.searched_to_ms;
        int count = out->count;
        assert_int_equal(cleat__run_search(store, &filter, collect, out, &end), CLEAT_OK);
        assert_true(out->count - count <= filter.limit);
        if (!end.has_next) {
            assert_int_equal(end.searched_to_ms, 0);
            return;
        }
        assert_true(end.searched_to_ms < searched_to_ms);
        before = end.next;
        filter.before = &before;
    }
    fail_msg("the search does not end");
}

#define STATUS(name) (1U << CLEAT_RUN_##name)

static const cleat__uuid *parent_one(void)
{
    static cleat__uuid id;
    id = run_id(1);
    return &id;
}

typedef struct filter_case {
    cleat__run_search_filter filter; /* tenant and limit are set elsewhere */
    const char *expected;
} filter_case;

static const cleat__run_pair customer_1[] = {{{"customer", 8}, {"c1", 2}}};
static const cleat__run_pair both[] = {{{"customer", 8}, {"c3", 2}}, {{"n", 1}, {"3", 1}}};
static const cleat__run_pair not_both[] = {{{"customer", 8}, {"c3", 2}}, {{"n", 1}, {"4", 1}}};

static const filter_case cases[] = {
    {{.statuses = 0}, "12 11 10 8 7 6 5 4 3 2 1"},
    {{.statuses = STATUS(QUEUED)}, "12 6"},
    {{.statuses = STATUS(RUNNING)}, "7 1"},
    {{.statuses = STATUS(COMPLETED)}, "8 2"},
    {{.statuses = STATUS(FAILED)}, "3"},
    {{.statuses = STATUS(CANCELLED)}, "10 4"},
    {{.statuses = STATUS(EVICTED)}, "11 5"},
    {{.statuses = STATUS(QUEUED) | STATUS(EVICTED)}, "12 11 6 5"},
    {{.statuses = STATUS(FAILED) | STATUS(CANCELLED)}, "10 4 3"},
    {{.statuses = STATUS(QUEUED) | STATUS(FAILED)}, "12 6 3"},
    {{.without_parent = true}, "12 11 10 8 4 3 2 1"},
    {{.without_parent = true, .statuses = STATUS(QUEUED)}, "12"},
    {{.without_parent = true, .statuses = STATUS(RUNNING) | STATUS(COMPLETED)}, "8 2 1"},
    {{.workflow = {"mail", 4}}, "8 4"},
    {{.workflow = {"mai", 3}}, ""},
    {{.workflow = {"mail", 4}, .statuses = STATUS(COMPLETED)}, "8"},
    {{.workflow = {"orders", 6}, .statuses = STATUS(COMPLETED) | STATUS(RUNNING)}, "7 2 1"},
    {{.since_ms = BASE_MS + 10000}, "12 11 10"},
    {{.since_ms = BASE_MS + 10001}, "12 11"},
    {{.until_ms = BASE_MS + 2000}, "2 1"},
    {{.until_ms = BASE_MS + 1999}, "1"},
    {{.since_ms = BASE_MS + 3000, .until_ms = BASE_MS + 5000}, "5 4 3"},
    {{.since_ms = BASE_MS + 5000, .until_ms = BASE_MS + 3000}, ""},
    {{.since_ms = BASE_MS + 3000, .until_ms = BASE_MS + 8000, .statuses = STATUS(COMPLETED)}, "8"},
    {{.since_ms = -5, .until_ms = INT64_MAX, .statuses = STATUS(COMPLETED)}, "8 2"},
    {{.metadata = customer_1, .metadata_count = 1}, "11 7 5 1"},
    {{.metadata = both, .metadata_count = 2}, "12 6 3"},
    {{.metadata = not_both, .metadata_count = 2}, ""},
    {{.metadata = both, .metadata_count = 2, .statuses = STATUS(FAILED)}, "3"},
    {{.text = {"MAIL", 4}}, "8 4"},
    {{.text = {"end", 3}}, "8 4"},          /* the task "send" */
    {{.text = {"broken", 6}}, "3"},         /* an error */
    {{.text = {"\"n\":3", 5}}, "12 6 3"},   /* metadata as they are written */
    {{.text = {"01900000-1b58", 13}}, "7"}, /* the time in an id */
    {{.text = {"customer", 8}, .statuses = STATUS(EVICTED) | STATUS(QUEUED)}, "12 11 6 5"},
};

static void test_filters(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__run_search_filter filter = cases[i].filter;
        cleat__run_search_end end;
        found all = {.count = 0};
        filter.tenant = CLEAT__TENANT_DEFAULT;
        filter.limit = MOST;
        assert_int_equal(cleat__run_search(*state, &filter, collect, &all, &end), CLEAT_OK);
        assert_numbers(&all, cases[i].expected);
        assert_false(end.has_next);
    }
}

static void test_children(void **state)
{
    static const struct {
        unsigned statuses;
        const char *expected;
    } of_one[] = {{0, "7 6 5"},
                  {STATUS(QUEUED), "6"},
                  {STATUS(RUNNING) | STATUS(EVICTED), "7 5"},
                  {STATUS(FAILED), ""}};
    for (size_t i = 0; i < sizeof(of_one) / sizeof(of_one[0]); i++) {
        for (int64_t work = 1; work < 5; work++) {
            found all;
            int answers;
            search_all(*state,
                       (cleat__run_search_filter){.tenant = CLEAT__TENANT_DEFAULT,
                                                  .parent = parent_one(),
                                                  .statuses = of_one[i].statuses,
                                                  .limit = 2,
                                                  .work = work},
                       &all, &answers);
            assert_numbers(&all, of_one[i].expected);
        }
    }
}

/* Whatever a search may do, and show, at once: together its answers are all there is. */
static void test_cut_searches_go_on(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int64_t work = 1; work <= 12; work++) {
            for (int64_t limit = 1; limit <= 5; limit += 2) {
                cleat__run_search_filter filter = cases[i].filter;
                found all;
                int answers;
                filter.tenant = CLEAT__TENANT_DEFAULT;
                filter.limit = limit;
                filter.work = work;
                search_all(*state, filter, &all, &answers);
                assert_numbers(&all, cases[i].expected);
            }
        }
    }
}

static void test_work_is_bounded(void **state)
{
    const cleat__run_search_filter filter = {
        .tenant = CLEAT__TENANT_DEFAULT, .text = cleat_slice_of("nothing like that"), .limit = 50, .work = 5};
    cleat__run_search_end end;
    found all = {.count = 0};
    assert_int_equal(cleat__run_search(*state, &filter, collect, &all, &end), CLEAT_OK);
    assert_int_equal(all.count, 0);
    assert_true(end.has_next);
    assert_int_equal(number_of(&end.next), 8); /* 12, 11, 10, 9 and 8 were looked at */
    assert_int_equal(end.searched_to_ms, BASE_MS + 8000);
}

static bool collect_one(void *argument, const cleat__uuid *id)
{
    collect(argument, id);
    return false;
}

static void test_whoever_has_enough_can_go_on_later(void **state)
{
    cleat__run_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .limit = 50};
    cleat__run_search_end end;
    found all = {.count = 0};
    assert_int_equal(cleat__run_search(*state, &filter, collect_one, &all, &end), CLEAT_OK);
    assert_numbers(&all, "12");
    assert_true(end.has_next);
    cleat__uuid before = end.next;
    filter.before = &before;
    assert_int_equal(cleat__run_search(*state, &filter, collect_one, &all, &end), CLEAT_OK);
    assert_numbers(&all, "12 11");
}

static void test_pages_stay_while_runs_are_added(void **state)
{
    cleat__store *store = *state;
    int64_t type = read_int(store, "SELECT min(id) FROM task_type");
    cleat__run_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .limit = 3};
    cleat__run_search_end end = {.has_next = true};
    cleat__uuid before;
    found all = {.count = 0};
    for (int i = 0; end.has_next; i++) {
        assert_int_equal(cleat__run_search(store, &filter, collect, &all, &end), CLEAT_OK);
        add_run(store, &(made_run){.number = 20 + i, .type = type});
        before = end.next;
        filter.before = &before;
    }
    assert_numbers(&all, cases[0].expected);
}

static void test_tenants_are_apart(void **state)
{
    found all;
    int answers;
    search_all(*state, (cleat__run_search_filter){.tenant = OTHER_TENANT, .limit = 50, .work = 2}, &all,
               &answers);
    assert_numbers(&all, "9");
    search_all(*state,
               (cleat__run_search_filter){.tenant = OTHER_TENANT, .statuses = STATUS(FAILED), .limit = 50},
               &all, &answers);
    assert_numbers(&all, "9");
    search_all(*state,
               (cleat__run_search_filter){.tenant = OTHER_TENANT, .parent = parent_one(), .limit = 50}, &all,
               &answers);
    assert_numbers(&all, "");
    search_all(*state, (cleat__run_search_filter){.tenant = 99, .limit = 50}, &all, &answers);
    assert_numbers(&all, "");
}

/* ---- Texts ---- */

static void assert_text(cleat__store *store, const char *text, const char *expected)
{
    found all;
    int answers;
    search_all(store,
               (cleat__run_search_filter){
                   .tenant = CLEAT__TENANT_DEFAULT, .text = cleat_slice_of(text), .limit = 50},
               &all, &answers);
    assert_numbers(&all, expected);
}

static void test_texts_are_found_as_they_are_meant(void **state)
{
    cleat__store *store = *state;
    int64_t type = read_int(store, "SELECT min(id) FROM task_type");
    add_run(store, &(made_run){.number = 20, .type = type, .input = "{\"says\":\"a \\\"quoted\\\" word\"}"});
    add_run(store, &(made_run){.number = 21, .type = type, .input = "{\"name\":\"M\xC3\xBCller\"}"});
    add_run(store, &(made_run){.number = 22, .type = type, .input = "{\"name\":\"M\\u00FCller\"}"});
    add_run(store, &(made_run){.number = 23, .type = type, .metadata = "{\"name\":\"<img onerror=1>\"}"});
    add_run(store,
            &(made_run){
                .number = 24, .type = type, .error = "it's 100%_\\ \"over\"\n", .status = CLEAT_RUN_FAILED});
    assert_text(store, "a \"quoted\" word", "20");
    assert_text(store, "\\\"quoted\\\"", "20");
    assert_text(store, "m\xC3\xBCLLER", "22 21");
    assert_text(store, "<IMG onerror", "23");
    assert_text(store, "it's 100%_\\ \"over\"\n", "24");
    assert_text(store, "%over%", "");
    assert_text(store, "' OR 1 = 1 --", "");
    assert_text(store, "\xFF\xFE", ""); /* no text at all */
    assert_text(store, "nothing like that", "");
}

/* A payload takes the work of as many rows as fit into it. */
static void test_payloads_are_work(void **state)
{
    enum { SIZE = 100 * 4096 };
    static char input[SIZE];
    cleat__store *store = *state;
    int64_t type = read_int(store, "SELECT min(id) FROM task_type");
    memset(input, 'x', sizeof(input) - 1);
    memcpy(input, "{\"x\":\"", 6);
    memcpy(input + sizeof(input) - 3, "\"}", 2);
    add_run(store, &(made_run){.number = 30, .type = type, .input = input});
    cleat__run_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .limit = 50, .work = 50};
    cleat__run_search_end end;
    found all = {.count = 0};
    filter.text = cleat_slice_of("orders"); /* in the name: the input is not read */
    assert_int_equal(cleat__run_search(store, &filter, collect, &all, &end), CLEAT_OK);
    assert_false(end.has_next);
    filter.text = cleat_slice_of("nothing");
    assert_int_equal(cleat__run_search(store, &filter, collect, &all, &end), CLEAT_OK);
    assert_true(end.has_next);
    assert_int_equal(number_of(&end.next), 30);
}

static void test_an_empty_file_has_nothing(void **state)
{
    cleat__store *store = *state;
    found all;
    int answers;
    cleat__run_histogram histogram;
    const cleat__run_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .limit = 50};
    remove_database();
    cleat__store_close(store);
    *state = store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__run_search_filter each = cases[i].filter;
        each.tenant = CLEAT__TENANT_DEFAULT;
        each.limit = 50;
        search_all(store, each, &all, &answers);
        assert_numbers(&all, "");
        assert_int_equal(answers, 1);
    }
    assert_int_equal(cleat__run_histogram_load(store, &filter, 10, BASE_MS, &histogram), CLEAT_OK);
    assert_int_equal(histogram.bucket_count, 0);
    assert_int_equal(histogram.counted, 0);
    assert_true(histogram.is_complete);
}

/* ---- Histograms ---- */

static cleat__run_search_filter everything(void)
{
    return (cleat__run_search_filter){.tenant = CLEAT__TENANT_DEFAULT};
}

static int64_t sum_of(const cleat__run_bucket *bucket)
{
    int64_t sum = 0;
    for (int i = 0; i < CLEAT__RUN_STATES; i++) {
        sum += bucket->counts[i];
    }
    return sum;
}

/* From the oldest run to now. */
static void test_a_histogram_of_all(void **state)
{
    cleat__run_histogram out;
    cleat__run_search_filter filter = everything();
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 4, BASE_MS + 12999, &out), CLEAT_OK);
    assert_int_equal(out.from_ms, BASE_MS + 1000);
    assert_int_equal(out.to_ms, BASE_MS + 12999);
    assert_int_equal(out.width_ms, 3000);
    assert_int_equal(out.bucket_count, 4);
    assert_int_equal(out.counted, 11);
    assert_true(out.is_complete);
    const int64_t sums[] = {3, 3, 2, 3}; /* 9 is not the tenant's */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(out.buckets[i].at_ms, BASE_MS + 1000 + i * 3000);
        assert_int_equal(sum_of(&out.buckets[i]), sums[i]);
    }
    assert_int_equal(out.buckets[0].counts[CLEAT_RUN_FAILED], 1);
    assert_int_equal(out.buckets[3].counts[CLEAT_RUN_CANCELLED], 1);
    const int64_t totals[] = {2, 2, 2, 1, 2, 2};
    assert_memory_equal(out.totals, totals, sizeof(totals));
}

static void test_a_histogram_of_a_time(void **state)
{
    cleat__run_histogram out;
    cleat__run_search_filter filter = everything();
    filter.since_ms = BASE_MS + 3000;
    filter.until_ms = BASE_MS + 6000;
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 200, BASE_MS + 99999, &out), CLEAT_OK);
    assert_int_equal(out.from_ms, BASE_MS + 3000);
    assert_int_equal(out.to_ms, BASE_MS + 6000);
    assert_true(out.bucket_count <= 200);
    assert_int_equal(sum_of(&out.buckets[0]), 1);
    assert_int_equal(sum_of(&out.buckets[out.bucket_count - 1]), 1); /* its end is in it */
    assert_int_equal(out.counted, 4);
    filter.since_ms = filter.until_ms; /* a time of one millisecond */
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 10, BASE_MS + 99999, &out), CLEAT_OK);
    assert_int_equal(out.bucket_count, 1);
    assert_int_equal(out.counted, 1);
    filter.until_ms--;
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 10, BASE_MS + 99999, &out), CLEAT_OK);
    assert_int_equal(out.bucket_count, 0);
    assert_int_equal(out.counted, 0);
}

/* A time without runs has its buckets too; without a beginning there are none. */
static void test_a_histogram_of_nothing(void **state)
{
    cleat__run_histogram out;
    cleat__run_search_filter filter = everything();
    filter.text = cleat_slice_of("nothing like that");
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 10, BASE_MS + 99999, &out), CLEAT_OK);
    assert_int_equal(out.bucket_count, 0);
    filter.since_ms = BASE_MS;
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 10, BASE_MS + 99999, &out), CLEAT_OK);
    assert_int_equal(out.bucket_count, 10);
    assert_int_equal(out.counted, 0);
    assert_true(out.is_complete);
}

/* What is searched for is what is counted, all of it. */
static void test_a_histogram_counts_what_is_found(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__run_search_filter filter = cases[i].filter;
        cleat__run_histogram out;
        found all;
        int answers;
        int64_t sum = 0;
        filter.tenant = CLEAT__TENANT_DEFAULT;
        filter.limit = 50;
        search_all(*state, filter, &all, &answers);
        assert_int_equal(cleat__run_histogram_load(*state, &filter, 7, BASE_MS + 50000, &out), CLEAT_OK);
        assert_int_equal(out.counted, all.count);
        for (int j = 0; j < out.bucket_count; j++) {
            sum += sum_of(&out.buckets[j]);
        }
        assert_int_equal(sum, all.count);
    }
}

static void test_a_cut_histogram_says_so(void **state)
{
    cleat__run_histogram out;
    cleat__run_search_filter filter = everything();
    filter.work = 5;
    assert_int_equal(cleat__run_histogram_load(*state, &filter, 10, BASE_MS + 12000, &out), CLEAT_OK);
    assert_false(out.is_complete);
    assert_int_equal(out.counted, 4); /* 12, 11, 10, 8: the newest ones */
    assert_int_equal(out.from_ms, BASE_MS + 8000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_filters),
        TEST(test_children),
        TEST(test_cut_searches_go_on),
        TEST(test_work_is_bounded),
        TEST(test_whoever_has_enough_can_go_on_later),
        TEST(test_pages_stay_while_runs_are_added),
        TEST(test_tenants_are_apart),
        TEST(test_texts_are_found_as_they_are_meant),
        TEST(test_payloads_are_work),
        TEST(test_an_empty_file_has_nothing),
        TEST(test_a_histogram_of_all),
        TEST(test_a_histogram_of_a_time),
        TEST(test_a_histogram_of_nothing),
        TEST(test_a_histogram_counts_what_is_found),
        TEST(test_a_cut_histogram_says_so),
    };
    return cmocka_run_group_tests_name("store/run_search", tests, NULL, NULL);
}
