/*
 * What the viewer's pages ask for, over HTTP on the loopback interface, on a file with 100,000 runs and 1,000,000 spans
 * (support/viewer_seed.h): how long an answer takes, from sending the question to its last byte.
 *
 *     bench/viewer [FILE [COUNT]]
 *
 * FILE is made when it is not there, which takes a minute, and kept; by default one is made and removed. COUNT
 * questions of each kind, 200 by default. Processor time is of server and client together, and depends less on what
 * else the machine does. The first line is what an answer costs that reads nothing. An answer that the
 * bound of work has cut counts as it is; the last lines tell how many of these it takes to search all there is.
 */
#include "base/clock.h"
#include "base/hex.h"
#include "server/viewer.h"
#include "store/store.h"
#include "support/bench.h"
#include "support/viewer_seed.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>

#define FILE_NAME "bench-viewer.db"
enum { SAMPLES = 1000, COUNT_MAX = 10000 };

/* Ids of traces, runs and spans by chance. */
static struct {
    char traces[SAMPLES][33], runs[SAMPLES][37], span_traces[SAMPLES][33], spans[SAMPLES][17];
    char large[33], huge[33], target_trace[33], target_span[17], parent[37];
    int64_t first_ms; /* when the first run was made */
} known;

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench/viewer: %s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

/* ---- Samples ---- */

static void hex_column(sqlite3_stmt *select, int column, int size, char *out)
{
    if (sqlite3_column_bytes(select, column) == size) {
        cleat__hex_encode(sqlite3_column_blob(select, column), (size_t)size, out);
    }
}

/* One row for each sample, by a number below that of the rows. */
static void sample(cleat__store *store, const char *sql, void (*take)(sqlite3_stmt *select, size_t index))
{
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(cleat__store_db(store), sql, -1, &select, NULL) != SQLITE_OK) {
        check(cleat__store_error(store, "taking samples"), "samples");
    }
    for (size_t i = 0; i < SAMPLES && sqlite3_step(select) == SQLITE_ROW; i++) {
        take(select, i);
    }
    sqlite3_finalize(select);
}

static void take_span(sqlite3_stmt *select, size_t index)
{
    hex_column(select, 0, 16, known.span_traces[index]);
    hex_column(select, 1, 8, known.spans[index]);
}

static void take_trace(sqlite3_stmt *select, size_t index)
{
    hex_column(select, 0, 16, known.traces[index]);
}

static void take_run(sqlite3_stmt *select, size_t index)
{
    cleat__uuid id;
    memcpy(id.bytes, sqlite3_column_blob(select, 0), sizeof(id.bytes));
    cleat__uuid_format(&id, known.runs[index]);
}

static void take_first(sqlite3_stmt *select, size_t index)
{
    known.first_ms = index == 0 ? sqlite3_column_int64(select, 0) : known.first_ms;
}

static void take_samples(const char *path)
{
    cleat__store *store = NULL;
    seed_marks marks;
    bench_seed_find(path, &marks);
    cleat__hex_encode(marks.large.bytes, 16, known.large);
    cleat__hex_encode(marks.huge.bytes, 16, known.huge);
    cleat__hex_encode(marks.target_trace.bytes, 16, known.target_trace);
    cleat__hex_encode(marks.target_span.bytes, 8, known.target_span);
    cleat__uuid_format(&marks.parent, known.parent);
    check(cleat__store_open(path, CLEAT__STORE_READ, &store), path);
    sample(store, "SELECT trace_id FROM trace WHERE span_count < 1000 ORDER BY (id * 7919) % 65521",
           take_trace);
    sample(store,
           "SELECT run_id FROM span WHERE kind = 5 AND run_id IS NOT NULL AND trace NOT IN (SELECT id FROM "
           "trace "
           "WHERE span_count > 1000) ORDER BY (id * 7919) % 65521",
           take_run);
    sample(store,
           "SELECT t.trace_id, s.span_id FROM span s JOIN trace t ON t.id = s.trace WHERE s.id % 997 = 1 "
           "ORDER BY (s.id * 7919) % 65521",
           take_span);
    sample(store, "SELECT min(created_at_ms) FROM task", take_first);
    cleat__store_close(store);
}

/* ---- Asking ---- */

static struct {
    CURL *curl;
    char base[64];
    char *body;
    size_t size, capacity;
} peer;

static size_t receive(char *data, size_t size, size_t count, void *argument)
{
    (void)argument;
    if (peer.size + size * count + 1 > peer.capacity) {
        peer.capacity = 2 * (peer.size + size * count + 1);
        peer.body = realloc(peer.body, peer.capacity);
    }
    memcpy(peer.body + peer.size, data, size * count);
    peer.size += size * count;
    peer.body[peer.size] = '\0';
    return size * count;
}

/* In milliseconds. */
static double ask(const char *path)
{
    char url[1024];
    long code = 0;
    snprintf(url, sizeof(url), "%s%s", peer.base, path);
    curl_easy_setopt(peer.curl, CURLOPT_URL, url);
    peer.size = 0;
    int64_t start = bench_now_ns();
    CURLcode result = curl_easy_perform(peer.curl);
    int64_t end = bench_now_ns();
    curl_easy_getinfo(peer.curl, CURLINFO_RESPONSE_CODE, &code);
    if (result != CURLE_OK || code != 200) {
        fprintf(stderr, "bench/viewer: %s: %s, %ld %.*s\n", url, curl_easy_strerror(result), code,
                (int)peer.size, peer.size != 0 ? peer.body : "");
        exit(1);
    }
    return (double)(end - start) / 1e6;
}

typedef struct kind {
    const char *name;
    double aim_ms;  /* for p99; 0: none */
    size_t divisor; /* of the count: some take long */
    void (*write)(char *path, size_t size, size_t index);
    const char *path; /* where `write` is NULL: always the same */
} kind;

static void measure(const kind *what, size_t count)
{
    static double times[COUNT_MAX];
    char path[512], aim[32] = "";
    size_t bytes = 0, asked = count / what->divisor > 0 ? count / what->divisor : 1;
    int64_t cpu = bench_cpu_ns();
    for (size_t i = 0; i < asked; i++) {
        if (what->write != NULL) {
            what->write(path, sizeof(path), i);
        }
        times[i] = ask(what->write != NULL ? path : what->path);
        bytes += peer.size;
    }
    cpu = (bench_cpu_ns() - cpu) / (int64_t)asked;
    if (what->aim_ms > 0) {
        snprintf(aim, sizeof(aim), "  (aim %.0f)", what->aim_ms);
    }
    double p99 = bench_percentile(times, asked, 99);
    printf("%-42s p50 %8.2f ms  p99 %8.2f ms%-11s CPU %7.2f ms %9zu bytes\n", what->name,
           bench_percentile(times, asked, 50), p99, aim, (double)cpu / 1e6, bytes / asked);
}

/* ---- Questions that differ ---- */

#define WRITER(name, ...)                                   \
    static void name(char *path, size_t size, size_t index) \
    {                                                       \
        (void)index;                                        \
        snprintf(path, size, __VA_ARGS__);                  \
    }
WRITER(write_run, "runs/%s", known.runs[index % SAMPLES])
WRITER(write_run_view, "runs/%s/view", known.runs[index % SAMPLES])
WRITER(write_trace_view, "traces/%s/view", known.traces[index % SAMPLES])
WRITER(write_followed, "traces/%s/view?follow=1", known.traces[index % SAMPLES])
WRITER(write_large, "traces/%s/view", known.large)
WRITER(write_huge, "traces/%s/view", known.huge)
WRITER(write_span, "traces/%s/spans/%s", known.span_traces[index % SAMPLES], known.spans[index % SAMPLES])
WRITER(write_target, "traces/%s/spans/%s", known.target_trace, known.target_span)
WRITER(write_metadata, "runs?metadata=customer:c%zu", index % 5000)
WRITER(write_text, "runs?text=order%%22:%zu", 1000000 + (index * 997) % SEED_RUNS)
WRITER(write_children, "runs?parent=%s", known.parent)
WRITER(write_time, "runs?until_ms=%" PRId64, known.first_ms + (int64_t)(index * 7919 % 86400) * 1000)
WRITER(write_attribute, "traces?attribute=customer.number=%zu", index % 5000)
WRITER(write_request, "traces?attribute=request.id=req-%zu", (index * 997) % SEED_RUNS)
WRITER(write_traces_until, "traces?name=upload&until_ms=%" PRId64,
       known.first_ms + (int64_t)(index * 7919 % 86400) * 1000)
#undef WRITER

static const kind kinds[] = {
    {"meta: reads nothing", 0, 1, NULL, "meta"},
    {"runs", 100, 1, NULL, "runs"},
    {"runs, 200", 100, 1, NULL, "runs?limit=200"},
    {"runs that have failed", 100, 1, NULL, "runs?status=FAILED"},
    {"runs that have not ended", 100, 1, NULL, "runs?status=QUEUED&status=RUNNING"},
    {"runs that were cancelled: none", 100, 1, NULL, "runs?status=CANCELLED"},
    {"runs of mixed status", 100, 1, NULL, "runs?status=FAILED&status=EVICTED"},
    {"runs of a workflow", 100, 1, NULL, "runs?workflow=reports"},
    {"runs of a workflow: none", 100, 1, NULL, "runs?workflow=nothing"},
    {"runs by metadata", 100, 1, write_metadata, NULL},
    {"runs by a text that one has", 100, 1, write_text, NULL},
    {"runs by a text that none has", 100, 1, NULL, "runs?text=nothing+like+that"},
    {"runs of a parent", 100, 1, write_children, NULL},
    {"runs until a time", 100, 1, write_time, NULL},
    {"histogram of all runs", 0, 10, NULL, "runs/histogram"},
    {"histogram by text", 0, 10, NULL, "runs/histogram?text=503"},
    {"queue, the last hour", 0, 4, NULL, "queues/history"},
    {"a run", 50, 1, write_run, NULL},
    {"run view", 50, 1, write_run_view, NULL},
    {"trace by id", 50, 1, write_trace_view, NULL},
    {"trace by id, links followed", 0, 1, write_followed, NULL},
    {"trace of 10,000 spans", 0, 20, write_large, NULL},
    {"trace of 100,000 spans, the first 10,000", 0, 20, write_huge, NULL},
    {"a span with its links and back-links", 50, 1, write_span, NULL},
    {"a span with 10,000 back-links", 50, 1, write_target, NULL},
    {"traces", 50, 1, NULL, "traces"},
    {"traces of a service", 50, 1, NULL, "traces?service=billing"},
    {"traces by name", 50, 1, NULL, "traces?name=upload"},
    {"traces by name until a time", 50, 1, write_traces_until, NULL},
    {"traces by a name that one has", 50, 1, NULL, "traces?name=a+name+that+is+rare"},
    {"traces by an attribute", 50, 1, write_attribute, NULL},
    {"traces by an attribute that one has", 50, 1, write_request, NULL},
    {"traces by a key that none has", 50, 1, NULL, "traces?attribute=nothing=1"},
    {"traces by all of these", 50, 1, NULL,
     "traces?service=shop&name=upload&attribute=http.response.status_code=200"},
    {"traces with errors", 50, 1, NULL, "traces?status=error"},
    {"traces by duration", 50, 1, NULL, "traces?min_duration_ns=900000000"},
    {"traces by duration: none", 50, 1, NULL, "traces?min_duration_ns=90000000000"},
    {"longest traces", 50, 1, NULL, "traces?sort=longest"},
    {"longest traces by name", 50, 1, NULL, "traces?sort=longest&name=upload"},
};

/* ---- All there is ---- */

static void search_all(const char *name, const char *path)
{
    char question[512];
    size_t answers = 0, rows = 0;
    double ms = 0;
    snprintf(question, sizeof(question), "%s", path);
    for (bool is_over = false; !is_over;) {
        ms += ask(question);
        answers++;
        json_t *answer = json_loads(peer.body, 0, NULL);
        rows += json_array_size(json_object_get(answer, "rows"));
        const char *next = json_string_value(json_object_get(answer, "next"));
        is_over = next == NULL;
        if (!is_over) {
            snprintf(question, sizeof(question), "%s&before=%s", path, next);
        }
        json_decref(answer);
    }
    printf("%-42s %8.0f ms, %zu rows in %zu answers\n", name, ms, rows, answers);
}

static void remove_file(void)
{
    unlink(FILE_NAME);
    unlink(FILE_NAME "-wal");
    unlink(FILE_NAME "-shm");
    unlink(FILE_NAME "-lock");
}

static void make_file(const char *path)
{
    int64_t start = bench_now_ns();
    bench_seed_make(path);
    printf("# %s made in %.0f s\n", path, (double)(bench_now_ns() - start) / 1e9);
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : FILE_NAME;
    size_t asked = count > 2 ? (size_t)atoi(arguments[2]) : 200;
    cleat__viewer *viewer = NULL;
    setlinebuf(stdout);
    bench_print_machine();
    if (count <= 1) {
        remove_file();
    }
    if (access(path, F_OK) != 0) {
        make_file(path);
    }
    take_samples(path);
    check(cleat__viewer_start(&(cleat__viewer_options){.database = path, .tenant = CLEAT__TENANT_DEFAULT},
                              &viewer),
          "the viewer");
    snprintf(peer.base, sizeof(peer.base), "http://%s/api/cleat/v1/", cleat__viewer_address(viewer));
    peer.curl = curl_easy_init();
    curl_easy_setopt(peer.curl, CURLOPT_WRITEFUNCTION, receive);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        measure(&kinds[i], asked < COUNT_MAX ? asked : COUNT_MAX);
    }
    search_all("all runs for a text that none has", "runs?text=nothing+like+that");
    search_all("all traces for a key that none has", "traces?attribute=nothing=1");
    search_all("all traces for an attribute that one has", "traces?attribute=request.id=req-0");
    curl_easy_cleanup(peer.curl);
    cleat__viewer_stop(viewer, 1000);
    free(peer.body);
    if (count <= 1) {
        remove_file();
    }
    return 0;
}
