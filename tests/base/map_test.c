#include "base_test.h"

#include "base/map.h"
#include "base/random.h"

enum { KEYS = 200 };

typedef struct item {
    char key[48];
    bool visited;
} item;

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

/* Keys of all lengths, so that the hash's word loop and its rest are used. */
static void init_items(item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(items[i].key, sizeof(items[i].key), "%zu%.*s", i, (int)(i % 18), "-key-of-some-length");
        items[i].visited = false;
    }
}

static cleat_slice key_of(const item *of)
{
    return cleat_slice_of(of->key);
}

static void assert_same(const cleat__map *map, item **model, item *items)
{
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++) {
        count += model[i] != NULL;
        if (model[i] != NULL) {
            model[i]->visited = false;
        }
        assert_ptr_equal(cleat__map_get(map, key_of(&items[i])), model[i]);
    }
    assert_int_equal(map->count, count);
    size_t cursor = 0;
    for (item *at; (at = cleat__map_next(map, &cursor)) != NULL; count--) {
        assert_false(at->visited);
        at->visited = true;
    }
    assert_int_equal(count, 0);
}

static void test_like_a_naive_model(void **state)
{
    (void)state;
    static item items[KEYS], twins[KEYS];
    item *model[KEYS] = {NULL};
    init_items(items, KEYS);
    init_items(twins, KEYS);
    cleat__random random;
    cleat__random_init(&random, 1);
    cleat__map map = {0};
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)cleat__random_below(&random, KEYS);
        /* Long stretches of mostly putting and of mostly removing. */
        bool put = cleat__random_below(&random, 8) < (step / 1000 % 2 == 0 ? 6 : 2);
        if (put) {
            item *value = cleat__random_below(&random, 2) ? &items[i] : &twins[i];
            assert_int_equal(cleat__map_put(&map, key_of(value), value), CLEAT_OK);
            model[i] = value;
        } else {
            assert_ptr_equal(cleat__map_remove(&map, key_of(&items[i])), model[i]);
            model[i] = NULL;
        }
        if (step % 100 == 0) {
            assert_same(&map, model, items);
        }
    }
    cleat__map_deinit(&map);
    assert_int_equal(map.count, 0);
}

static void test_replacing_takes_the_new_key(void **state)
{
    (void)state;
    cleat__map map = {0};
    item *old = calloc(1, sizeof(*old));
    item fresh = {.key = "same"};
    strcpy(old->key, "same");
    assert_int_equal(cleat__map_put(&map, key_of(old), old), CLEAT_OK);
    assert_int_equal(cleat__map_put(&map, key_of(&fresh), &fresh), CLEAT_OK);
    free(old); /* nothing may point into it now */
    assert_ptr_equal(cleat__map_get(&map, cleat_slice_of("same")), &fresh);
    assert_int_equal(map.count, 1);
    cleat__map_deinit(&map);
}

static void test_odd_keys(void **state)
{
    (void)state;
    int a, b, c;
    cleat__map map = {0};
    assert_null(cleat__map_get(&map, cleat_slice_of("x")));
    assert_null(cleat__map_remove(&map, cleat_slice_of("x")));
    assert_int_equal(cleat__map_put(&map, (cleat_slice){NULL, 0}, &a), CLEAT_OK);
    assert_ptr_equal(cleat__map_get(&map, cleat_slice_of("")), &a);
    assert_int_equal(cleat__map_put(&map, (cleat_slice){"a\0b", 3}, &b), CLEAT_OK);
    assert_int_equal(cleat__map_put(&map, (cleat_slice){"a\0c", 3}, &c), CLEAT_OK);
    assert_ptr_equal(cleat__map_get(&map, (cleat_slice){"a\0b", 3}), &b);
    assert_null(cleat__map_get(&map, cleat_slice_of("a")));
    assert_ptr_equal(cleat__map_remove(&map, (cleat_slice){NULL, 0}), &a);
    assert_int_equal(map.count, 2);
    assert_int_equal(cleat__map_put(&map, (cleat_slice){"", (size_t)UINT32_MAX + 1}, &a),
                     CLEAT_INVALID_ARGUMENT);
    cleat__map_deinit(&map);
}

static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    static item items[KEYS];
    init_items(items, KEYS);
    failing_allocator allocator;
    failing_allocator_install(&allocator, 0);
    cleat__map map = {0};
    for (size_t i = 0; i < KEYS; i++) {
        /* The first try has no memory where the map has to grow. */
        allocator.fail_at = allocator.calls + 1;
        cleat_status status = cleat__map_put(&map, key_of(&items[i]), &items[i]);
        allocator.fail_at = 0;
        if (status != CLEAT_OK) {
            assert_int_equal(status, CLEAT_NO_MEMORY);
            assert_int_equal(map.count, i);
            assert_null(cleat__map_get(&map, key_of(&items[i])));
            assert_int_equal(cleat__map_put(&map, key_of(&items[i]), &items[i]), CLEAT_OK);
        }
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(cleat__map_get(&map, key_of(&items[i])), &items[i]);
    }
    cleat__map_deinit(&map);
    assert_int_equal(allocator.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_naive_model),
        cmocka_unit_test(test_replacing_takes_the_new_key),
        cmocka_unit_test(test_odd_keys),
        cmocka_unit_test_teardown(test_no_memory_changes_nothing, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
