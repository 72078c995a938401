/*
 * span_cost none|sampled COUNT: makes so many spans with five attributes and a link, without a
 * provider or with one whose processor does nothing. Prints the least nanoseconds per span of 20
 * rounds. tools/check-cost compares it linked with the archive and with the shared library.
 */
#include <cleat/trace.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20 };

static void ignore(cleat_span_processor *self, const cleat_span_view *view)
{
    (void)self;
    (void)view;
}

static cleat_span_processor idle = {.on_end = ignore};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void make_spans(cleat_tracer *tracer, long count)
{
    const cleat_span_context linked = {
        .trace_id = {{1}}, .span_id = {{2}}, .trace_flags = CLEAT_TRACE_FLAG_SAMPLED};
    const cleat_link link = {.context = &linked};
    for (long i = 0; i < count; i++) {
        cleat_span span =
            cleat_span_start(tracer, "compress", CLEAT_SPAN_OPTIONS(.links = &link, .link_count = 1));
        cleat_span_set_string(span, "http.request.method", "aaaaaaaaaaaaaaaaaaaa");
        cleat_span_set_string(span, "url.path", "bbbbbbbbbbbbbbbbbbbb");
        cleat_span_set_string(span, "server.address", "cccccccccccccccccccc");
        cleat_span_set_int(span, "server.port", 8080);
        cleat_span_set_bool(span, "retry", true);
        cleat_span_end(span);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: span_cost none|sampled COUNT\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);
    cleat_tracer_provider *provider = NULL;
    if (strcmp(argv[1], "sampled") == 0) {
        if (cleat_tracer_provider_new(NULL, &provider) != CLEAT_OK ||
            cleat_tracer_provider_add_processor(provider, &idle) != CLEAT_OK) {
            fprintf(stderr, "span_cost: %s\n", cleat_error_message());
            return 1;
        }
        cleat_tracer_provider_set_global(provider);
    }
    cleat_tracer *tracer = cleat_tracer_get("cost", NULL);
    int64_t least = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = now_ns();
        make_spans(tracer, count);
        int64_t taken = now_ns() - start;
        least = taken < least ? taken : least;
    }
    cleat_tracer_provider_free(provider);
    printf("%.1f\n", (double)least / (double)(count > 0 ? count : 1));
    return 0;
}
