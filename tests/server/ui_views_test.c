/* The viewer's pictures of runs and traces, as they are asked for; what is in them is tests/collector/stitched_test.c's. */
#include "ui_test.h"

#include "stored_spans.h"

#define CAUSE   "4bf92f3577b34da6a3ce929d0e0e4736"
#define EFFECT  "5bf92f3577b34da6a3ce929d0e0e4736"
#define ENQUEUE "00f067aa0ba902b7"
#define ATTEMPT "00f067aa0ba902b8"

#define SPAN(trace, id, name, start, more)                                                            \
    "{\"traceId\":\"" trace "\",\"spanId\":\"" id "\",\"name\":\"" name "\",\"startTimeUnixNano\":\"" \
    "17837568" start "000000000\",\"endTimeUnixNano\":\"1783756899000000000\"," more "}"
#define RESOURCE \
    "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}"

/* A trace that enqueues a run; the run's own, linked to that. */
static void store_both(ui_world *it, const cleat__uuid *run)
{
    char text[2048];
    snprintf(
        text, sizeof(text),
        "{\"resourceSpans\":[{" RESOURCE ",\"scopeSpans\":[{\"spans\":[" SPAN(
            CAUSE, ENQUEUE, "hatchet.run_workflow", "00",
            "\"kind\":4,\"events\":[{\"timeUnixNano\":\"1783756800500000000\",\"name\":\"sent\"}]") "," //
        SPAN(EFFECT, ATTEMPT, "hatchet.start_step_run", "01",
             "\"kind\":5,\"links\":[{\"traceId\":\"" CAUSE "\",\"spanId\":\"" ENQUEUE
             "\",\"attributes\":[{\"key\":\"cleat.link.kind\",\"value\":{\"stringValue\":\"cause\"}}]}],"
             "\"attributes\":[{\"key\":\"hatchet.workflow_run_id\",\"value\":{\"stringValue\":"
             "\"%s\"}}]") "]}]}]}",
        ID(run));
    store_spans(&it->rest, 1, text);
}

/* Where a column of the spans is. */
static size_t column(const json_t *view, const char *name)
{
    size_t i = 0;
    while (strcmp(text_at(view, URL("span_columns.%zu", i)), name) != 0) {
        i++;
    }
    return i;
}

static void a_run_is_shown_with_its_traces(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    store_both(it, &id);
    json_t *view = get(&it->rest, URL(API "runs/%s/view", ID(&id)));
    assert_int_equal(int_at(view, "total_spans"), 1);
    assert_int_equal(int_at(view, "shown_spans"), 1);
    assert_string_equal(text_at(view, "start_ns"), "1783756801000000000");
    assert_string_equal(text_at(view, "runs.0.id"), ID(&id));
    assert_string_equal(text_at(view, "runs.0.status"), "QUEUED");
    assert_string_equal(text_at(view, "traces.0.id"), EFFECT);
    assert_string_equal(text_at(view, "services.0"), "shop");
    assert_string_equal(text_at(view, URL("spans.0.%zu", column(view, "span_id"))), ATTEMPT);
    assert_string_equal(text_at(view, URL("spans.0.%zu", column(view, "name"))), "hatchet.start_step_run");
    assert_int_equal(int_at(view, URL("spans.0.%zu", column(view, "run"))), 0);
    assert_int_equal(int_at(view, "links.0.1"), -1);
    assert_string_equal(text_at(view, "links.0.2"), "cause");
    assert_string_equal(text_at(view, "links.0.3"), CAUSE);
    assert_string_equal(text_at(view, "links_to.0.trace_id"), CAUSE);
    assert_int_equal(int_at(view, "links_to_total"), 1);
    json_decref(view);
}

static void a_run_without_spans_is_an_empty_picture(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    json_t *view = get(&it->rest, URL(API "runs/%s/view", ID(&id)));
    assert_int_equal(int_at(view, "total_spans"), 0);
    assert_int_equal(count_at(view, "spans"), 0);
    assert_string_equal(text_at(view, "runs.0.id"), ID(&id));
    json_decref(view);
}

static void a_trace_is_shown_alone_or_with_what_it_is_linked_with(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    store_both(it, &id);
    json_t *alone = get(&it->rest, API "traces/" CAUSE "/view");
    json_t *followed = get(&it->rest, API "traces/" CAUSE "/view?follow=1");
    assert_int_equal(count_at(alone, "traces"), 1);
    assert_int_equal(int_at(alone, URL("spans.0.%zu", column(alone, "back_links"))), 1);
    assert_int_equal(int_at(alone, "span_events.0.0"), 0);
    assert_int_equal(int_at(alone, "span_events.0.1"), 500000000);
    assert_string_equal(text_at(alone, "span_events.0.2"), "sent");
    assert_string_equal(text_at(alone, "linked_from.0.trace_id"), EFFECT);
    assert_int_equal(count_at(followed, "traces"), 2);
    assert_int_equal(count_at(followed, "spans"), 2);
    assert_int_equal(int_at(followed, "links.0.0"), 1);
    assert_int_equal(int_at(followed, "links.0.1"), 0);
    assert_int_equal(count_at(followed, "linked_from"), 0);
    json_decref(alone);
    json_decref(followed);
}

static void more_than_the_limit_is_cut(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    store_both(it, &id);
    json_t *view = get(&it->rest, API "traces/" EFFECT "/view?follow=1&limit=1");
    assert_int_equal(int_at(view, "total_spans"), 2);
    assert_int_equal(int_at(view, "shown_spans"), 1);
    assert_int_equal(count_at(view, "spans"), 1);
    json_decref(view);
}

static void what_is_asked_for_is_checked(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    static const char *const traces[] = {"x", "4bf92f3577b34da6a3ce929d0e0e473", CAUSE "0",
                                         "4BF92F3577B34DA6A3CE929D0E0E4736",
                                         "00000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
        expect_400(&it->rest, "GET", URL(API "traces/%s/view", traces[i]), NULL, "trace");
    }
    static const char *const arguments[] = {"limit=0", "limit=20001", "limit=x", "limit="};
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        expect_400(&it->rest, "GET", URL(API "runs/%s/view?%s", ID(&id), arguments[i]), NULL, "limit");
        expect_400(&it->rest, "GET", URL(API "traces/" CAUSE "/view?%s", arguments[i]), NULL, "limit");
    }
    expect_400(&it->rest, "GET", API "traces/" CAUSE "/view?follow=6", NULL, "follow");
    expect_400(&it->rest, "GET", API "traces/" CAUSE "/view?follow=-1", NULL, "follow");
    json_decref(ask_json(&it->rest, (asking){1, "GET", API "traces/" CAUSE "/view", NULL, 404}));
    json_decref(ask_json(&it->rest, (asking){1, "GET", API "runs/" NO_ID "/view", NULL, 404}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(a_run_is_shown_with_its_traces),
        UI_TEST(a_run_without_spans_is_an_empty_picture),
        UI_TEST(a_trace_is_shown_alone_or_with_what_it_is_linked_with),
        UI_TEST(more_than_the_limit_is_cut),
        UI_TEST(what_is_asked_for_is_checked),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
