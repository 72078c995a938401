/* A forest as JSON, to the letter. */
#include "collector/forest.h"

#include "server/stitched_json.h"

static void assert_json(fixture *f, const char *expected)
{
    cleat__json_writer writer = {0};
    cleat__stitched_to_json(&writer, NULL, &f->forest);
    char *text = cleat__buffer_take_string(&writer.out);
    assert_string_equal(text, expected);
    cleat__free(text);
}

#define COLUMNS                                                                                 \
    "\"span_columns\":[\"trace\",\"span_id\",\"parent\",\"name\",\"task\",\"kind\",\"status\"," \
    "\"service\",\"start_ns\",\"duration_ns\",\"run\",\"attempt\",\"events\",\"links\",\"back_links\"]"

static void test_run(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_run(f, ONE, 2, 2), CLEAT_OK);
    assert_json(
        f,
        "{\"start_ms\":0,\"start_ns\":\"300\",\"duration_ns\":300,\"total_spans\":3,\"shown_spans\":2,"
        "\"total_traces\":2,\"is_complete\":true,\"runs\":["
        "{\"id\":\"00000000-0000-0000-0000-000000000002\",\"workflow\":\"archive\",\"task\":\"pack\","
        "\"status\":\"COMPLETED\",\"parent\":-1,\"created_at_ms\":1002,\"started_at_ms\":2000,"
        "\"finished_at_ms\":3000},"
        "{\"id\":\"00000000-0000-0000-0000-000000000003\",\"workflow\":\"archive\",\"task\":\"pack\","
        "\"status\":\"COMPLETED\",\"parent\":0,\"created_at_ms\":1003,\"started_at_ms\":2000,"
        "\"finished_at_ms\":3000}],\"services\":[],\"traces\":["
        "{\"id\":\"ab000000000000000000000000000002\",\"name\":\"two\",\"task\":null,\"start_ns\":0,"
        "\"end_ns\":200,\"span_count\":1,\"shown\":1,\"error_count\":0,\"run\":0,\"attempt\":0,\"distance\":"
        "0},"
        "{\"id\":\"ab000000000000000000000000000003\",\"name\":\"three\",\"task\":null,\"start_ns\":100,"
        "\"end_ns\":300,\"span_count\":2,\"shown\":1,\"error_count\":0,\"run\":1,\"attempt\":0,\"distance\":"
        "0}]," COLUMNS ",\"spans\":[[0,\"0000000000000001\",-1,\"two\",null,1,0,-1,0,200,0,0,0,1,2],"
        "[1,\"0000000000000001\",-1,\"three\",null,1,0,-1,100,200,1,0,0,1,0]],\"span_events\":[],\"links\":["
        "[0,-1,\"spawn\",\"ab000000000000000000000000000001\",\"0000000000000003\"],"
        "[1,0,\"spawn\",null,null]],\"links_to\":["
        "{\"trace_id\":\"ab000000000000000000000000000001\",\"name\":\"caller\",\"task\":null,\"count\":1}],"
        "\"linked_from\":[{\"trace_id\":\"ab000000000000000000000000000004\",\"name\":\"asker\",\"task\":"
        "null,\"count\":1}]"
        ","
        "\"links_to_total\":1,\"linked_from_total\":1}");
}

static void test_run_without_spans(void **state)
{
    fixture *f = *state;
    add_run(f, ONE, 1, 0);
    run_sql(f, "DELETE FROM task_end; INSERT INTO task_live (id, type_id, priority, state, retry_count,"
               " internal_retries, queued_at_ms) VALUES (id(1, 16), 1, 1, 0, 0, 0, 5)");
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_json(f,
                "{\"start_ms\":null,\"start_ns\":null,\"duration_ns\":0,\"total_spans\":0,\"shown_spans\":0,"
                "\"total_traces\":0,\"is_complete\":true,\"runs\":["
                "{\"id\":\"00000000-0000-0000-0000-000000000001\",\"workflow\":\"archive\",\"task\":\"pack\","
                "\"status\":\"QUEUED\",\"parent\":-1,\"created_at_ms\":1001,\"started_at_ms\":null,"
                "\"finished_at_ms\":null}],\"services\":[],\"traces\":[]," COLUMNS
                ",\"spans\":[],\"span_events\":[],\"links\":[],\"links_to\":[],\"linked_from\":[],\"links_to_"
                "total\":0,"
                "\"linked_from_total\":0}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_run),
        TEST(test_run_without_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
