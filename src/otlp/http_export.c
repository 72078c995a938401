#include "http_export.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "http_response.h"
#include "retry.h"

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
static size_t write_response(char *data, size_t size, size_t count, void *argument)
{
    cleat__http_export *export = argument;
    if (size * count > export->exporter->settings.max_response_size - export->response.size) {
        export->is_response_too_large = true;
        return 0;
    }
    cleat__buffer_append(&export->response, data, size * count);
    return export->response.failed ? 0 : size * count;
}

/* ---- Making one ---- */

static void set_up_tls(CURL *easy, const cleat__otlp_settings *settings)
{
    if (settings->certificate_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->certificate_file);
    }
    if (settings->client_certificate_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->client_certificate_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->client_key_file);
    }
}

static void set_up(cleat__http_export *export, struct curl_slist *headers)
{
    /* Bodies are read from here into libcurl's buffer: with the usual 64 KiB of it, a system call
     * for each 64 KiB. */
    enum { UPLOAD_BUFFER = 256 * 1024 };
    const cleat__otlp_settings *settings = &export->exporter->settings;
    CURL *easy = export->easy;
    curl_easy_setopt(easy, CURLOPT_URL, settings->endpoint);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, export);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, export);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_response);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, export);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, export->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, export);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    set_up_tls(easy, settings);
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
    if (export->easy == NULL) {
        cleat__free(export);
        return NULL;
    }
    set_up(export, headers);
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

static uint64_t spans_left(const cleat__http_export *export)
{
    return cleat_span_batch_count(export->batch) - export->cursor;
}

static cleat__http_next send_next_body(cleat__http_export *export, cleat_status *status)
{
    export->attempts = 0;
    do {
        *status = cleat__http_body_build(&export->body, &export->exporter->settings, export->is_json,
                                         export->batch, &export->cursor);
        if (*status == CLEAT_TOO_LARGE) {
            export->failure = *status;
            cleat__otlp_count(&export->exporter->stats.spans_failed, export->body.span_count);
        }
    } while (*status == CLEAT_TOO_LARGE);
    if (*status == CLEAT_OK) {
        return send_body(export);
    }
    if (*status == CLEAT_EMPTY) {
        *status = export->failure;
    }
    cleat__otlp_count(&export->exporter->stats.spans_failed, spans_left(export));
    return CLEAT__HTTP_FINISHED;
}

void cleat__http_export_assign(cleat__http_export *export, cleat_span_batch *batch, int64_t timeout_ms)
{
    int64_t own_ms = export->exporter->settings.timeout_ms;
    int64_t least_ms = timeout_ms < own_ms ? timeout_ms : own_ms;
    export->batch = batch;
    export->cursor = 0;
    export->failure = CLEAT_OK;
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
                           export->exporter->settings.endpoint, (unsigned long long)rejected,
                           (unsigned long long)spans, outcome->message[0] != '\0' ? ": " : "",
                           outcome->message);
    }
}

cleat__http_next cleat__http_export_done(cleat__http_export *export, CURLcode code, cleat_status *status)
{
    const cleat__otlp_settings *settings = &export->exporter->settings;
    cleat__http_outcome outcome;
    cleat__http_outcome_read(export, code, &outcome);
    if (outcome.status == CLEAT_OK) {
        count_accepted(export, &outcome);
        return send_next_body(export, status);
    }
    int64_t delay_ms = outcome.is_retryable
                           ? cleat__otlp_retry_delay_ms(settings, export->attempts, outcome.asked_ms,
                                                        cleat__remaining_ms(export->deadline_ns))
                           : -1;
    if (delay_ms >= 0) {
        export->retry_ns = cleat__clock_monotonic_ns(NULL) + delay_ms * CLEAT__NS_PER_MS;
        return CLEAT__HTTP_WAIT;
    }
    cleat__otlp_count(&export->exporter->stats.spans_failed, export->body.span_count + spans_left(export));
    *status = cleat__fail(outcome.status, "%s: %s, after %u attempt%s", settings->endpoint, outcome.message,
                          export->attempts, export->attempts == 1 ? "" : "s");
    return CLEAT__HTTP_FINISHED;
}

cleat_status cleat__http_export_cancel(cleat__http_export *export)
{
    cleat__otlp_count(&export->exporter->stats.spans_failed, export->body.span_count + spans_left(export));
    return cleat__fail(CLEAT_UNAVAILABLE, "%s: the exporter was shut down before the export was over",
                       export->exporter->settings.endpoint);
}
