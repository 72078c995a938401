/*
 * What a request costs on its way in and out: traceparent and tracestate read from headers into a
 * context, and written from a context into headers. One thread; medians of several runs. Nothing
 * may be allocated while measuring: it is counted and said.
 *
 * The headers are a fixed array that is searched from front to back. What the search costs by itself
 * has a line of its own; below it are maps that do more: seven headers, names of any case as HTTP/1
 * has them, headers of several lines.
 */
#include "support/bench.h"

#include <cleat/trace.h>

enum { RUNS = 15, REPEATS = 200000, WARM_UP = 20000, HEADERS_MAX = 7 };

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define ONE_MEMBER  "ot=th:8;rv:6e6d1a75832a2f"
#define TWO_MEMBERS ONE_MEMBER ",congo=t61rcWkgMzE"

/* ---- Counting what is allocated ---- */

static size_t allocations;

static void *count_realloc(void *user_data, void *block, size_t size)
{
    (void)user_data;
    allocations++;
    return realloc(block, size);
}

static void *count_malloc(void *user_data, size_t size)
{
    return count_realloc(user_data, NULL, size);
}

static void count_free(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

/* ---- A text map over a fixed array ---- */

typedef struct header {
    const char *name;
    size_t name_size;
    cleat_slice value;
} header;

typedef struct header_list {
    header headers[HEADERS_MAX];
    size_t count;
    char text[2][512]; /* what inject wrote */
} header_list;

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character | 0x20) : character;
}

static bool is_name(const header *each, const char *key, size_t size)
{
    if (each->name_size != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (lower(each->name[i]) != key[i]) {
            return false;
        }
    }
    return true;
}

static cleat_slice get_header(void *self, const char *key)
{
    const header_list *list = self;
    size_t size = strlen(key);
    for (size_t i = 0; i < list->count; i++) {
        const header *each = &list->headers[i];
        if (each->name_size == size && memcmp(each->name, key, size) == 0) {
            return each->value;
        }
    }
    return (cleat_slice){NULL, 0};
}

static cleat_slice get_header_of_any_case(void *self, const char *key)
{
    const header_list *list = self;
    size_t size = strlen(key);
    for (size_t i = 0; i < list->count; i++) {
        if (is_name(&list->headers[i], key, size)) {
            return list->headers[i].value;
        }
    }
    return (cleat_slice){NULL, 0};
}

/* As a server library would have it whose headers may have several lines. */
static void get_headers(void *self, const char *key, cleat_text_map_visitor visit, void *user_data)
{
    const header_list *list = self;
    size_t size = strlen(key);
    for (size_t i = 0; i < list->count; i++) {
        const header *each = &list->headers[i];
        if (each->name_size == size && memcmp(each->name, key, size) == 0 && !visit(user_data, each->value)) {
            return;
        }
    }
}

/* Writes into the place of one of the two headers, which is known by the key's length. */
static cleat_status set_header(void *self, const char *key, cleat_slice value)
{
    header_list *list = self;
    size_t index = key[5] == 'p' ? 0 : 1;
    if (value.size > sizeof(list->text[index])) {
        return CLEAT_TOO_LARGE;
    }
    memcpy(list->text[index], value.data, value.size);
    list->headers[index].value = (cleat_slice){list->text[index], value.size};
    return CLEAT_OK;
}

static void add_header(header_list *list, const char *name, const char *value)
{
    list->headers[list->count++] = (header){name, strlen(name), cleat_slice_of(value)};
}

/* ---- What is measured ---- */

static const cleat_propagator *propagator;
static header_list request, answer;
static cleat_text_map in = {.self = &request, .get = get_header};
static cleat_text_map out = {.self = &answer, .set = set_header};
static cleat_context *outgoing;

static void extract(void)
{
    cleat_context_release(propagator->extract(propagator, NULL, &in));
}

static void inject(void)
{
    propagator->inject(propagator, outgoing, &out);
}

static void search(void)
{
    static volatile size_t sink;
    sink = in.get(in.self, "traceparent").size + in.get(in.self, "tracestate").size;
    (void)sink;
}

static void read_clock(void)
{
    static volatile int64_t sink;
    (void)sink;
    sink = bench_now_ns();
}

/* ---- Measuring ---- */

static double clock_ns;

static double measure(void (*work)(void))
{
    double runs[RUNS];
    for (size_t i = 0; i < WARM_UP; i++) {
        work();
    }
    for (int run = 0; run < RUNS; run++) {
        int64_t start = bench_thread_cpu_ns();
        for (size_t i = 0; i < REPEATS; i++) {
            work();
        }
        runs[run] = (double)(bench_thread_cpu_ns() - start) / REPEATS;
    }
    return bench_median(runs, RUNS);
}

static void report(const char *name, void (*work)(void), double aim)
{
    work(); /* the first one makes what later ones use again */
    size_t allocated = allocations;
    double ns = measure(work);
    char text[16] = "";
    if (aim > 0) {
        snprintf(text, sizeof(text), "%.0f", aim);
    }
    printf("%-43s %6.1f  %4s  %6.1f  %6zu\n", name, ns, text, ns / clock_ns, allocations - allocated);
}

static void set_request(const char *trace_state)
{
    request.count = 0;
    add_header(&request, "traceparent", TRACEPARENT);
    if (trace_state != NULL) {
        add_header(&request, "tracestate", trace_state);
    }
}

static void set_large_request(void)
{
    request.count = 0;
    add_header(&request, "Host", "example.com");
    add_header(&request, "User-Agent", "curl/7.88.1");
    add_header(&request, "Accept", "*/*");
    add_header(&request, "Content-Type", "application/json");
    add_header(&request, "Content-Length", "2");
    add_header(&request, "Traceparent", TRACEPARENT);
    add_header(&request, "Tracestate", TWO_MEMBERS);
}

/* The context of a request, as it is handed on. */
static void set_outgoing(void)
{
    cleat_context_release(outgoing);
    outgoing = propagator->extract(propagator, NULL, &in);
    answer.count = 0;
    add_header(&answer, "traceparent", "");
    add_header(&answer, "tracestate", "");
    if (outgoing == NULL) {
        fprintf(stderr, "bench/propagation: nothing was extracted\n");
        exit(1);
    }
}

int main(void)
{
    static const struct {
        const char *trace_state;
        const char *names[2];
    } cases[] = {
        {NULL, {"extract traceparent", "inject traceparent"}},
        {ONE_MEMBER, {"extract, tracestate of one member", "inject, tracestate of one member"}},
        {TWO_MEMBERS, {"extract, tracestate of two members", "inject, tracestate of two members"}},
    };
    cleat_set_allocator(&(cleat_allocator){NULL, count_malloc, count_realloc, count_free});
    setlinebuf(stdout);
    bench_print_machine();
    printf("# medians of %d runs of %d, CPU time of the thread\n", RUNS, REPEATS);
    printf("%-43s %6s  %4s  %6s  %6s\n", "# nanoseconds", "cpu", "aim", "clocks", "allocs");
    clock_ns = measure(read_clock);
    printf("%-43s %6.1f\n", "one clock read", clock_ns);
    propagator = cleat_propagator_trace_context();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_request(cases[i].trace_state);
        set_outgoing();
        report(cases[i].names[0], extract, 60);
        report(cases[i].names[1], inject, 25);
    }
    report("of it: two searches", search, 0);
    in.get_all = get_headers;
    report("extract, two members, several lines allowed", extract, 0);
    set_large_request();
    in = (cleat_text_map){.self = &request, .get = get_header_of_any_case};
    report("extract among seven headers of any case", extract, 0);
    report("of it: two searches", search, 0);
    cleat_context_release(outgoing);
    return 0;
}
