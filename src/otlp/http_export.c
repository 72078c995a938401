#include "http_export.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "http_response.h"
#include "retry.h"

#include <stdio.h>

/* ---- What libcurl calls ---- */

static size_t read_body(char *out, size_t size, size_t count, void *argument)
{
    return cleat__http_body_read(&((cleat__http_export *)argument)->body, out, size * count);
}

static int seek_body(void *argument, curl_off_t offset, int origin)
{
    bool is_fine = origin == SEEK_SET && offset >= 0 &&
                   cleat__http_body_seek(&((cleat__http_export *)argument)->body, (size_t)offset);
    return is_fine ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

/* Taking less than was offered ends the transfer. */
static bool has_room(cleat__http_export *export, size_t size)
{
    size_t max = export->exporter->settings.max_response_size;
    export->is_response_too_large = size > max || export->response_size > max - size;
    export->response_size += size;
    return !export->is_response_too_large;
}

/* A line of a head; libcurl keeps what will be asked for. An empty one ends the head: for libcurl, the
 * end of the connection would do as well. */
static size_t pass_header(char *data, size_t size, size_t count, void *argument)
{
    cleat__http_export *export = argument;
    cleat_slice line = {data, size * count};
    if (line.size > 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        export->has_head = false;
    } else if (line.size != 0 && (line.data[0] == '\r' || line.data[0] == '\n')) {
        export->has_head = true;
    }
    return has_room(export, line.size) ? line.size : 0;
}

static size_t write_response(char *data, size_t size, size_t count, void *argument)
{
    cleat__http_export *export = argument;
    if (!has_room(export, size * count)) {
        return 0;
    }
    cleat__buffer_append(&export->response, data, size * count);
    return export->response.failed ? 0 : size * count;
}

/* ---- Making one ---- */

/* Each answers false when libcurl refuses: it has no memory, or was built without what is asked for. */
static bool set_text(CURL *easy, CURLoption option, const char *text)
{
    return curl_easy_setopt(easy, option, text) == CURLE_OK;
}

static bool set_up_tls(CURL *easy, const cleat__otlp_settings *settings)
{
    bool is_fine = true;
    if (settings->certificate_file != NULL) {
        /* Instead of the system's, of which libcurl would still look into the directory. */
        is_fine = set_text(easy, CURLOPT_CAINFO, settings->certificate_file) &&
                  set_text(easy, CURLOPT_CAPATH, NULL);
    }
    if (settings->client_certificate_file != NULL) {
        /* A password, or OpenSSL would ask for that of an encrypted key at the terminal. */
        is_fine = is_fine && set_text(easy, CURLOPT_SSLCERT, settings->client_certificate_file) &&
                  set_text(easy, CURLOPT_SSLKEY, settings->client_key_file) &&
                  set_text(easy, CURLOPT_KEYPASSWD, "");
    }
    return is_fine;
}

static bool set_up(cleat__http_export *export, struct curl_slist *headers)
{
    /* Bodies are read from here into libcurl's buffer: with the usual 64 KiB of it, a system call
     * for each 64 KiB. */
    enum { UPLOAD_BUFFER = 256 * 1024 };
    const cleat__otlp_settings *settings = &export->exporter->settings;
    CURL *easy = export->easy;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, export);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, export);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, pass_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, export);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_response);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, export);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, export->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, export);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    return set_text(easy, CURLOPT_URL, settings->endpoint) &&
           set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
           set_text(easy, CURLOPT_USERAGENT, settings->user_agent) && set_up_tls(easy, settings);
}

cleat__http_export *cleat__http_export_new(cleat__otlp_exporter *exporter, bool is_json,
                                           struct curl_slist *headers)
{
    cleat__http_export *export = cleat__calloc(1, sizeof(*export));
    if (export == NULL) {
        return NULL;
    }
    export->exporter = exporter;
    export->is_json = is_json;
    export->easy = curl_easy_init();
    if (export->easy == NULL || !set_up(export, headers)) {
        curl_easy_cleanup(export->easy);
        cleat__free(export);
        return NULL;
    }
    return export;
}

void cleat__http_export_free(cleat__http_export *export)
{
    curl_easy_cleanup(export->easy);
    cleat__http_body_deinit(&export->body);
    cleat__buffer_deinit(&export->response);
    cleat__free(export);
}

/* ---- The way of a batch ---- */

static cleat__http_next send_body(cleat__http_export *export)
{
    int64_t remaining_ms = cleat__remaining_ms(export->deadline_ns);
    export->attempts++;
    export->retry_ns = 0;
    export->error[0] = '\0';
    export->is_response_too_large = false;
    export->has_head = false;
    export->response_size = 0;
    cleat__buffer_clear(&export->response);
    cleat__http_body_seek(&export->body, 0);
    curl_easy_setopt(export->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) export->body.size);
    /* 0 would be no limit, and long may have 32 bits. */
    long timeout = remaining_ms > INT32_MAX ? 0 : remaining_ms > 0 ? (long)remaining_ms : 1;
    curl_easy_setopt(export->easy, CURLOPT_TIMEOUT_MS, timeout);
    cleat__otlp_count(&export->exporter->stats.requests, 1);
    cleat__otlp_count(&export->exporter->stats.retries, export->attempts > 1);
    cleat__otlp_count(&export->exporter->stats.bytes_sent, export->body.size);
    return CLEAT__HTTP_SEND;
}

/* Gives `count` spans up, for what has just failed on this thread; of several failures the first is kept. */
static void give_up(cleat__http_export *export, cleat_status status, size_t count)
{
    cleat__otlp_count(&export->exporter->stats.spans_failed, count);
    export->failed += count;
    if (export->failure == CLEAT_OK) {
        export->failure = status;
        snprintf(export->failure_text, sizeof(export->failure_text), "%s", cleat_error_message());
    }
}

/* All that is neither in a body nor was. */
static size_t spans_left(const cleat__http_export *export)
{
    return cleat_span_batch_count(export->batch) - export->cursor;
}

static cleat__http_next finish(const cleat__http_export *export, cleat_status *status)
{
    *status =
        export->failure != CLEAT_OK ? cleat__fail(export->failure, "%s", export->failure_text) : CLEAT_OK;
    return CLEAT__HTTP_FINISHED;
}

static cleat__http_next send_next_body(cleat__http_export *export, cleat_status *status)
{
    export->attempts = 0;
    do {
        *status = cleat__http_body_build(&export->body, &export->exporter->settings, export->is_json,
                                         export->batch, &export->cursor);
        if (*status == CLEAT_TOO_LARGE) {
            give_up(export, *status, export->body.span_count);
        }
    } while (*status == CLEAT_TOO_LARGE);
    if (*status == CLEAT_OK) {
        return send_body(export);
    }
    if (*status != CLEAT_EMPTY) {
        (void)cleat__fail(*status, "cannot make an export request: %s", cleat_status_text(*status));
        give_up(export, *status, spans_left(export));
    }
    return finish(export, status);
}

void cleat__http_export_assign(cleat__http_export *export, cleat_span_batch *batch, int64_t timeout_ms)
{
    int64_t own_ms = export->exporter->settings.timeout_ms;
    int64_t least_ms = timeout_ms >= 0 && timeout_ms < own_ms ? timeout_ms : own_ms;
    export->batch = batch;
    export->cursor = 0;
    export->failure = CLEAT_OK;
    export->failed = 0;
    export->body.span_count = 0;
    export->deadline_ns = least_ms == INT64_MAX ? INT64_MAX : cleat__deadline_ns(least_ms);
}

cleat__http_next cleat__http_export_begin(cleat__http_export *export, cleat_status *status)
{
    return send_next_body(export, status);
}

cleat__http_next cleat__http_export_again(cleat__http_export *export)
{
    return send_body(export);
}

static void count_accepted(cleat__http_export *export, const cleat__http_outcome *outcome)
{
    uint64_t spans = export->body.span_count;
    uint64_t rejected = (uint64_t)outcome->rejected_spans < spans ? (uint64_t)outcome->rejected_spans : spans;
    cleat__otlp_count(&export->exporter->stats.spans_rejected, rejected);
    cleat__otlp_count(&export->exporter->stats.spans_exported, spans - rejected);
    if (rejected != 0 || outcome->message[0] != '\0') {
        static cleat__log_site site;
        cleat__log_limited(&site, CLEAT_LOG_WARN, "%s rejected %llu of %llu spans%s%s",
                           export->exporter->settings.shown_endpoint, (unsigned long long)rejected,
                           (unsigned long long)spans, outcome->message[0] != '\0' ? ": " : "",
                           outcome->message);
    }
}

/* When the body is sent again; -1: not at all. Of a server that does not even answer, no more is expected
 * while shutting down. */
static int64_t retry_delay_ms(cleat__http_export *export, const cleat__http_outcome *outcome)
{
    export->retries_later = outcome->is_answer;
    if (!outcome->is_retryable || (!outcome->is_answer && cleat__otlp_is_ending(export->exporter))) {
        return -1;
    }
    return cleat__otlp_retry_delay_ms(&export->exporter->settings, export->attempts, outcome->asked_ms,
                                      cleat__remaining_ms(export->deadline_ns));
}

cleat__http_next cleat__http_export_done(cleat__http_export *export, CURLcode code, cleat_status *status)
{
    const char *endpoint = export->exporter->settings.shown_endpoint;
    cleat__http_outcome outcome;
    cleat__http_outcome_read(export, code, &outcome);
    if (outcome.status == CLEAT_OK) {
        count_accepted(export, &outcome);
        return send_next_body(export, status);
    }
    int64_t delay_ms = retry_delay_ms(export, &outcome);
    if (delay_ms >= 0) {
        cleat__log(CLEAT_LOG_DEBUG, "%s: %s; trying again in %lld ms", endpoint, outcome.message,
                   (long long)delay_ms);
        export->retry_ns = cleat__clock_monotonic_ns(NULL) + delay_ms * CLEAT__NS_PER_MS;
        return CLEAT__HTTP_WAIT;
    }
    (void)cleat__fail(outcome.status, "%s: %s, after %u attempt%s", endpoint, outcome.message,
                      export->attempts, export->attempts == 1 ? "" : "s");
    if (outcome.is_of_spans) {
        give_up(export, outcome.status, export->body.span_count);
        return send_next_body(export, status);
    }
    give_up(export, outcome.status, export->body.span_count + spans_left(export));
    return finish(export, status);
}

cleat_status cleat__http_export_cancel(cleat__http_export *export)
{
    cleat_status status =
        cleat__fail(CLEAT_UNAVAILABLE, "%s: the exporter was shut down before the export was over",
                    export->exporter->settings.shown_endpoint);
    give_up(export, status, export->body.span_count + spans_left(export));
    finish(export, &status);
    return status;
}
