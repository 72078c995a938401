/*
 * Begins a trace and calls a URL in it: `caller URL TRACESTATE [KEY VALUE METADATA]...`, the triples being
 * entries of baggage. Prints the body of the answer. OTEL_* say how contexts go and where spans do.
 */
#include <cleat/curl.h>
#include <cleat/trace.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static size_t print(char *data, size_t size, size_t count, void *user_data)
{
    (void)user_data;
    return fwrite(data, size, count, stdout);
}

static cleat_context *with_baggage(int count, char **triples)
{
    cleat_baggage *baggage = NULL;
    for (int i = 0; i + 2 < count; i += 3) {
        cleat_baggage *next = cleat_baggage_with(baggage, triples[i], cleat_slice_of(triples[i + 1]),
                                                 triples[i + 2][0] != '\0' ? triples[i + 2] : NULL);
        cleat_baggage_release(baggage);
        baggage = next;
    }
    cleat_context *context = cleat_context_with_baggage(NULL, baggage);
    cleat_baggage_release(baggage);
    return context;
}

static int call(const char *url)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, print);
    int code = cleat_curl_easy_perform(easy, NULL, CLEAT_CURL_OPTIONS(.method = "GET"));
    if (code != CURLE_OK) {
        fprintf(stderr, "caller: %s\n", curl_easy_strerror((CURLcode)code));
    }
    curl_easy_cleanup(easy);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 3 || cleat_tracing_start(NULL) != CLEAT_OK) {
        fprintf(stderr, "usage: caller URL TRACESTATE [KEY VALUE METADATA]... (%s)\n", cleat_error_message());
        return 2;
    }
    cleat_context *base = with_baggage(argc - 3, argv + 3);
    cleat_scope outer = cleat_context_attach(base);
    cleat_span span = cleat_span_start(cleat_tracer_get("caller", "1"), "call",
                                       CLEAT_SPAN_OPTIONS(.trace_state = cleat_slice_of(argv[2])));
    cleat_scope inner = cleat_span_attach(span);
    int code = call(argv[1]);
    cleat_scope_detach(inner);
    cleat_span_end(span);
    cleat_scope_detach(outer);
    cleat_context_release(base);
    return cleat_tracing_stop(10000) == CLEAT_OK && code == 0 ? 0 : 1;
}
