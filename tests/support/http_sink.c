#include "support/http_sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, REQUESTS_MAX = 4096, ANSWERS_MAX = 64, HEAD_MAX = 16 * 1024 };

struct http_sink {
    int listener;
    pthread_t acceptor;
    char url[128];

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool is_stopping, is_open;
    http_answer answers[ANSWERS_MAX];
    size_t answer_count;
    http_request requests[REQUESTS_MAX];
    size_t request_count;
    int connections[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    size_t connection_count;
};

typedef struct connection {
    http_sink *sink;
    int descriptor;
} connection;

static void fail(const char *what)
{
    perror(what);
    abort();
}

/* Reads until `size` bytes are there; false at the end of the connection. */
static bool read_all(int descriptor, char *out, size_t size)
{
    while (size != 0) {
        ssize_t got = read(descriptor, out, size);
        if (got <= 0) {
            return false;
        }
        out += got;
        size -= (size_t)got;
    }
    return true;
}

static bool write_all(int descriptor, const char *data, size_t size)
{
    while (size != 0) {
        ssize_t sent = send(descriptor, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* The head byte by byte: nothing of the next request is taken. NULL at the end. */
static char *read_head(int descriptor)
{
    char *head = calloc(1, HEAD_MAX);
    size_t size = 0;
    while (head != NULL && size < HEAD_MAX - 1 && (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0)) {
        if (!read_all(descriptor, head + size, 1)) {
            free(head);
            return NULL;
        }
        size++;
    }
    return head;
}

static bool is_blind(http_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    size_t last = sink->answer_count, index = sink->request_count;
    bool blind = last != 0 && sink->answers[index < last ? index : last - 1].blind;
    pthread_mutex_unlock(&sink->mutex);
    return blind;
}

static bool read_request(http_sink *sink, int descriptor, http_request *request)
{
    char length[32];
    memset(request, 0, sizeof(*request));
    request->head = read_head(descriptor);
    if (request->head == NULL) {
        return false;
    }
    if (is_blind(sink)) {
        return true;
    }
    request->body.size =
        strtoul(http_header(request->head, "Content-Length", length, sizeof(length)), NULL, 10);
    char *body = malloc(request->body.size + 1);
    request->body.data = body;
    if (body != NULL && read_all(descriptor, body, request->body.size)) {
        return true;
    }
    free(request->head);
    free(body);
    return false;
}

/* Keeps the request; the answer to it. */
static http_answer take(http_sink *sink, const http_request *request)
{
    static const http_answer success = {.status = 200};
    pthread_mutex_lock(&sink->mutex);
    size_t index = sink->request_count;
    if (index == REQUESTS_MAX) {
        fail("http_sink: too many requests");
    }
    sink->requests[sink->request_count++] = *request;
    size_t last = sink->answer_count;
    http_answer answer = last == 0 ? success : sink->answers[index < last ? index : last - 1];
    pthread_cond_broadcast(&sink->changed);
    while (!sink->is_stopping && (answer.hangs || (answer.waits && !sink->is_open))) {
        pthread_cond_wait(&sink->changed, &sink->mutex);
    }
    answer.closes = answer.closes || sink->is_stopping;
    pthread_mutex_unlock(&sink->mutex);
    return answer;
}

static void wait_for_end(http_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    while (!sink->is_stopping) {
        pthread_cond_wait(&sink->changed, &sink->mutex);
    }
    pthread_mutex_unlock(&sink->mutex);
}

static void answer_raw(http_sink *sink, int descriptor, const http_answer *answer)
{
    size_t step = answer->drips ? 1 : answer->raw.size;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){answer->drips}, sizeof(int));
    for (size_t at = 0; at < answer->raw.size && write_all(descriptor, answer->raw.data + at, step);) {
        at += step;
    }
    if (answer->stays) {
        wait_for_end(sink);
    }
}

static bool answer_request(http_sink *sink, int descriptor, const http_answer *answer)
{
    char head[1024];
    if (answer->raw.data != NULL) {
        answer_raw(sink, descriptor, answer);
        return false;
    }
    int size = snprintf(head, sizeof(head), "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n",
                        answer->status != 0 ? answer->status : 200, answer->body.size,
                        answer->headers != NULL ? answer->headers : "");
    return write_all(descriptor, head, (size_t)size) &&
           write_all(descriptor, answer->body.data, answer->body.size);
}

static void *serve(void *argument)
{
    connection *own = argument;
    http_request request;
    bool goes_on = true;
    while (goes_on && read_request(own->sink, own->descriptor, &request)) {
        http_answer answer = take(own->sink, &request);
        goes_on = !answer.closes && answer_request(own->sink, own->descriptor, &answer) && !answer.blind;
    }
    shutdown(own->descriptor, SHUT_RDWR);
    free(own);
    return NULL;
}

static void *accept_all(void *argument)
{
    http_sink *sink = argument;
    int descriptor;
    while ((descriptor = accept(sink->listener, NULL, NULL)) >= 0) {
        connection *made = malloc(sizeof(*made));
        pthread_mutex_lock(&sink->mutex);
        if (made == NULL || sink->connection_count == CONNECTIONS_MAX) {
            fail("http_sink: too many connections");
        }
        *made = (connection){sink, descriptor};
        sink->connections[sink->connection_count] = descriptor;
        if (pthread_create(&sink->threads[sink->connection_count], NULL, serve, made) != 0) {
            fail("http_sink: no thread");
        }
        sink->connection_count++;
        pthread_mutex_unlock(&sink->mutex);
    }
    return NULL;
}

http_sink *http_sink_start(void)
{
    http_sink *sink = calloc(1, sizeof(*sink));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sink->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (sink->listener < 0 || bind(sink->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(sink->listener, 64) != 0 ||
        getsockname(sink->listener, (struct sockaddr *)&address, &size) != 0) {
        fail("http_sink: no port");
    }
    snprintf(sink->url, sizeof(sink->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    pthread_mutex_init(&sink->mutex, NULL);
    pthread_cond_init(&sink->changed, NULL);
    if (pthread_create(&sink->acceptor, NULL, accept_all, sink) != 0) {
        fail("http_sink: no thread");
    }
    return sink;
}

void http_sink_stop(http_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    sink->is_stopping = true;
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->mutex);
    shutdown(sink->listener, SHUT_RDWR);
    pthread_join(sink->acceptor, NULL);
    close(sink->listener);
    for (size_t i = 0; i < sink->connection_count; i++) {
        shutdown(sink->connections[i], SHUT_RDWR);
        pthread_join(sink->threads[i], NULL);
        close(sink->connections[i]);
    }
    for (size_t i = 0; i < sink->request_count; i++) {
        free(sink->requests[i].head);
        free((char *)sink->requests[i].body.data);
    }
    pthread_mutex_destroy(&sink->mutex);
    pthread_cond_destroy(&sink->changed);
    free(sink);
}

const char *http_sink_url(http_sink *sink, const char *path)
{
    char *end = strchr(sink->url + strlen("http://"), '/');
    if (end == NULL) {
        end = sink->url + strlen(sink->url);
    }
    snprintf(end, sizeof(sink->url) - (size_t)(end - sink->url), "%s", path);
    return sink->url;
}

void http_sink_answer(http_sink *sink, const http_answer *answers, size_t count)
{
    pthread_mutex_lock(&sink->mutex);
    memcpy(sink->answers, answers, count * sizeof(*answers));
    sink->answer_count = count;
    pthread_mutex_unlock(&sink->mutex);
}

void http_sink_open(http_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    sink->is_open = true;
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->mutex);
}

void http_sink_wait(http_sink *sink, size_t count)
{
    pthread_mutex_lock(&sink->mutex);
    while (sink->request_count < count) {
        pthread_cond_wait(&sink->changed, &sink->mutex);
    }
    pthread_mutex_unlock(&sink->mutex);
}

http_request http_sink_request(http_sink *sink, size_t index)
{
    pthread_mutex_lock(&sink->mutex);
    if (index >= sink->request_count) {
        fail("http_sink: no such request");
    }
    http_request request = sink->requests[index];
    pthread_mutex_unlock(&sink->mutex);
    return request;
}

size_t http_sink_requests(http_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    size_t count = sink->request_count;
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

size_t http_sink_connections(http_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    size_t count = sink->connection_count;
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

const char *http_header(const char *head, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    value[0] = '\0';
    for (const char *line = head; line != NULL; line = strstr(line, "\r\n")) {
        line += line == head ? 0 : 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *from = line + length + 1 + strspn(line + length + 1, " ");
            snprintf(value, size, "%.*s", (int)strcspn(from, "\r"), from);
            break;
        }
    }
    return value;
}
