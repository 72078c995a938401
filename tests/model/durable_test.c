/* What a node of a log is known by, and what a wait gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/node.h"

static cleat__condition sleep_of(const char *text)
{
    return (cleat__condition){.kind = CLEAT__CONDITION_SLEEP,
                              .data_key = cleat_slice_of("k"),
                              .sleep_ms = 5000,
                              .sleep_text = cleat_slice_of(text)};
}

static cleat__condition event_of(const char *key, const char *expression)
{
    return (cleat__condition){.kind = CLEAT__CONDITION_EVENT,
                              .data_key = cleat_slice_of("k"),
                              .key = cleat_slice_of(key),
                              .expression = cleat_slice_of(expression)};
}

static const char *take(cleat__buffer *buffer)
{
    static char text[4][256];
    static unsigned turn;
    char *at = text[turn++ % 4];
    assert_true(buffer->size < sizeof(text[0]));
    memcpy(at, buffer->data, buffer->size);
    at[buffer->size] = '\0';
    cleat__buffer_deinit(buffer);
    return at;
}

static void test_the_same_content_has_the_same_hash(void **state)
{
    (void)state;
    cleat__condition a[] = {sleep_of("5s"), event_of("paid", NULL)};
    cleat__condition b[] = {a[1], a[0]};
    assert_int_equal(cleat__node_hash_wait(a, 2), cleat__node_hash_wait(b, 2));
    b[0].group = cleat_slice_of("g");
    b[0].scope = cleat_slice_of("s");
    b[1].sleep_ms = 4000; /* it was said in other words, which count */
    assert_int_equal(cleat__node_hash_wait(a, 2), cleat__node_hash_wait(b, 2));

    cleat__trigger first = {.workflow = cleat_slice_of("ship"), .input = cleat_slice_of("{}")};
    cleat__trigger second = {.workflow = cleat_slice_of("ship"), .priority = 3, .metadata = {"{\"a\":1}", 7}};
    assert_int_equal(cleat__node_hash_run(&first), cleat__node_hash_run(&second));
}

static void test_other_content_has_another(void **state)
{
    (void)state;
    cleat__condition waits[] = {sleep_of("5s"), sleep_of("6s"), event_of("5s", NULL), event_of("paid", NULL),
                                event_of("paid", "input.a == 1.0")};
    cleat__trigger runs[] = {
        {.workflow = cleat_slice_of("ship"), .input = cleat_slice_of("{}")},
        {.workflow = cleat_slice_of("ship"), .input = cleat_slice_of("{ }")},
        {.workflow = cleat_slice_of("shi"), .input = cleat_slice_of("p{}")},
    };
    int64_t hashes[16];
    size_t count = 0;
    for (size_t i = 0; i < 5; i++) {
        hashes[count++] = cleat__node_hash_wait(&waits[i], 1);
    }
    for (size_t i = 0; i < 3; i++) {
        hashes[count++] = cleat__node_hash_run(&runs[i]);
    }
    cleat__condition twice[] = {waits[0], waits[0]};
    hashes[count++] = cleat__node_hash_wait(twice, 2);
    hashes[count++] = cleat__node_hash_memo(cleat_slice_of("ship"));
    hashes[count++] = cleat__node_hash_memo(cleat_slice_of(""));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(hashes[i], hashes[j]);
        }
    }
}

static void test_hashes_are_those_of_older_files(void **state)
{
    (void)state;
    /* They are stored: a run that began before goes on. */
    cleat__condition wait = sleep_of("5s");
    assert_int_equal(cleat__node_hash_memo(cleat_slice_of("charge")), INT64_C(2946353076539762733));
    assert_int_equal(cleat__node_hash_wait(&wait, 1), INT64_C(3535200944381087401));
}

static void test_labels(void **state)
{
    (void)state;
    cleat__buffer out = {0};
    cleat__condition both[] = {sleep_of("24h"), event_of("paid", NULL)};
    cleat__condition hook = {.kind = CLEAT__CONDITION_HOOK, .key = cleat_slice_of("token")};
    cleat__trigger run = {.workflow = cleat_slice_of("ship")};
    cleat__node_label_memo(cleat_slice_of("charge"), &out);
    assert_string_equal(take(&out), "step \"charge\"");
    cleat__node_label_run(&run, &out);
    assert_string_equal(take(&out), "run ship");
    cleat__node_label_wait(both, 2, (cleat_slice){NULL, 0}, &out);
    assert_string_equal(take(&out), "sleep 24h, event \"paid\"");
    cleat__node_label_wait(&hook, 1, (cleat_slice){NULL, 0}, &out);
    assert_string_equal(take(&out), "hook to...");
    hook.key = cleat_slice_of("approve-7-by-ada");
    cleat__node_label_wait(&hook, 1, (cleat_slice){NULL, 0}, &out);
    assert_string_equal(take(&out), "hook appr...");
    cleat__node_label_wait(both, 2, cleat_slice_of("approval"), &out);
    assert_string_equal(take(&out), "approval");
    both[0].sleep_text = (cleat_slice){NULL, 0};
    cleat__node_label_wait(both, 1, (cleat_slice){NULL, 0}, &out);
    assert_string_equal(take(&out), "sleep 5s");
    cleat__node_label_memo(cleat_slice_of("a\nb\xC3\xA4"), &out);
    assert_string_equal(take(&out), "step \"a?b??\"");
}

static void test_a_label_is_cut(void **state)
{
    (void)state;
    char text[500];
    cleat__buffer out = {0};
    memset(text, 'x', sizeof(text));
    cleat__condition many[100];
    for (size_t i = 0; i < 100; i++) {
        many[i] = event_of("a", NULL);
        many[i].key = (cleat_slice){text, i % 60};
    }
    cleat__node_label_memo((cleat_slice){text, sizeof(text)}, &out);
    assert_true(out.size <= CLEAT__NODE_LABEL_MAX);
    assert_non_null(strstr(take(&out), "..\""));
    cleat__node_label_wait(many, 100, (cleat_slice){NULL, 0}, &out);
    assert_true(out.size <= CLEAT__NODE_LABEL_MAX);
    cleat__buffer_deinit(&out);
}

static void test_the_payload_of_a_wait(void **state)
{
    (void)state;
    cleat__buffer out = {0}, data = {0};
    cleat__condition wait = sleep_of("24h");
    const cleat_slice a = cleat_slice_of("a"), b = cleat_slice_of("b\"");
    cleat__sleep_data(&wait, &data);
    cleat__wait_payload_begin(&out);
    cleat__wait_payload_add(&out, NULL, a, cleat_slice_of("1"));
    cleat__wait_payload_add(&out, &a, a, cleat_slice_of("{}"));
    cleat__wait_payload_add(&out, &a, b, cleat__buffer_slice(&data));
    cleat__wait_payload_end(&out, false);
    assert_string_equal(take(&out), "{\"CREATE\":{\"a\":[1,{}],\"b\\\"\":[{\"sleep_duration\":\"24h\"}]}}");
    cleat__buffer_deinit(&data);
    cleat__wait_payload_begin(&out);
    cleat__wait_payload_end(&out, true);
    assert_string_equal(take(&out), "{\"CREATE\":{}}");
}

static void test_answers_are_freed_once(void **state)
{
    (void)state;
    cleat__durable_request memo = {.kind = CLEAT__DURABLE_MEMO};
    memo.as.memo.value = cleat__strdup("1");
    cleat__node_end ends[2] = {{.payload = cleat__strdup("1")}, {.error = cleat__strdup("no")}};
    cleat__durable_request await = {.kind = CLEAT__DURABLE_AWAIT};
    await.as.await.count = 2;
    await.as.await.ends = ends;
    for (int i = 0; i < 2; i++) {
        cleat__durable_request_deinit(&memo);
        cleat__durable_request_deinit(&await);
    }
    assert_null(memo.as.memo.value);
    assert_null(ends[0].payload);
    assert_null(ends[1].error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_content_has_the_same_hash),
        cmocka_unit_test(test_other_content_has_another),
        cmocka_unit_test(test_hashes_are_those_of_older_files),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_a_label_is_cut),
        cmocka_unit_test(test_the_payload_of_a_wait),
        cmocka_unit_test(test_answers_are_freed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
