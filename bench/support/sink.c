#define _GNU_SOURCE /* memmem, strcasestr */
#include "support/sink.h"

#include "support/bench.h"
#include "trace/protobuf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { HEAD_MAX = 16 * 1024 };

static atomic_uint_fast64_t spans, bytes, requests;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- The sink's process ---- */

/* Spans are fields 2 of fields 2 of fields 1; `depth` says how far down this message is. */
static uint64_t count_spans(cleat_slice message, int depth)
{
    static const uint32_t path[] = {1, 2, 2};
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    uint64_t count = 0;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == path[depth] && field.wire == CLEAT__WIRE_BYTES) {
            count += depth == 2 ? 1 : count_spans(field.bytes, depth + 1);
        }
    }
    return count;
}

/* JSON and gzip are not looked into. */
static void count(const char *head, cleat_slice body)
{
    bool is_plain = strcasestr(head, "application/x-protobuf") != NULL &&
                    strcasestr(head, "\r\ncontent-encoding:") == NULL;
    atomic_fetch_add(&spans, is_plain ? count_spans(body, 0) : 0);
    atomic_fetch_add(&bytes, body.size);
    atomic_fetch_add(&requests, 1);
}

typedef struct connection {
    int descriptor;
    char *data; /* read and not yet taken */
    size_t size, capacity;
} connection;

static bool read_more(connection *from, size_t wanted)
{
    if (from->capacity < wanted) {
        from->capacity = wanted;
        from->data = realloc(from->data, wanted);
        if (from->data == NULL) {
            die("sink: memory");
        }
    }
    while (from->size < wanted) {
        ssize_t got = read(from->descriptor, from->data + from->size, from->capacity - from->size);
        if (got <= 0) {
            return false;
        }
        from->size += (size_t)got;
        if (wanted == HEAD_MAX) {
            return true; /* as much of a head as there is */
        }
    }
    return true;
}

static bool take_request(connection *from)
{
    char *end;
    char head[HEAD_MAX + 1];
    while ((end = from->size != 0 ? memmem(from->data, from->size, "\r\n\r\n", 4) : NULL) == NULL) {
        if (from->size >= HEAD_MAX || !read_more(from, HEAD_MAX)) {
            return false;
        }
    }
    size_t head_size = (size_t)(end - from->data) + 4;
    memcpy(head, from->data, head_size);
    head[head_size] = '\0';
    const char *length = strcasestr(head, "\r\ncontent-length:");
    size_t body = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
    if (!read_more(from, head_size + body)) {
        return false;
    }
    count(head, (cleat_slice){from->data + head_size, body});
    from->size -= head_size + body;
    memmove(from->data, from->data + head_size + body, from->size);
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    return write(from->descriptor, answer, sizeof(answer) - 1) == sizeof(answer) - 1;
}

static void *serve(void *argument)
{
    connection from = {.descriptor = (int)(intptr_t)argument};
    while (take_request(&from)) {
    }
    close(from.descriptor);
    free(from.data);
    return NULL;
}

static void *accept_all(void *argument)
{
    int listener = (int)(intptr_t)argument, descriptor, on = 1;
    pthread_t thread;
    while ((descriptor = accept(listener, NULL, NULL)) >= 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        pthread_create(&thread, NULL, serve, (void *)(intptr_t)descriptor);
        pthread_detach(thread);
    }
    return NULL;
}

/* One that never answers has its connections in the kernel's queue only: they are accepted there. */
static void run(int listener, bool answers, int stop, int report)
{
    pthread_t acceptor;
    char byte;
    signal(SIGINT, SIG_DFL);
    if (answers) {
        pthread_create(&acceptor, NULL, accept_all, (void *)(intptr_t)listener);
    }
    (void)!read(stop, &byte, 1); /* until the other end is closed */
    bench_sink_report said = {
        .spans = atomic_load(&spans),
        .bytes = atomic_load(&bytes),
        .requests = atomic_load(&requests),
        .cpu_ns = bench_cpu_ns(),
    };
    (void)!write(report, &said, sizeof(said));
    _exit(0);
}

/* ---- The benchmark's ---- */

bench_sink bench_sink_start(bool answers)
{
    bench_sink sink;
    int stop[2], report[2];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 || pipe(stop) != 0 ||
        pipe(report) != 0) {
        die("sink");
    }
    sink.port = ntohs(address.sin_port);
    snprintf(sink.url, sizeof(sink.url), "http://127.0.0.1:%d/v1/traces", sink.port);
    sink.process = fork();
    if (sink.process < 0) {
        die("sink: fork");
    }
    if (sink.process == 0) {
        close(stop[1]);
        close(report[0]);
        run(listener, answers, stop[0], report[1]);
    }
    close(listener);
    close(stop[0]);
    close(report[1]);
    sink.stop = stop[1];
    sink.report = report[0];
    return sink;
}

bench_sink_report bench_sink_stop(bench_sink *sink)
{
    bench_sink_report report = {0};
    close(sink->stop);
    (void)!read(sink->report, &report, sizeof(report));
    waitpid(sink->process, NULL, 0);
    close(sink->report);
    return report;
}
