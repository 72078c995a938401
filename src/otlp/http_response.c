#include "http_response.h"

#include "base/utf8.h"
#include "json_reader.h"
#include "trace/protobuf.h"

#include <stdio.h>
#include <strings.h>

enum { STATUS_MESSAGE = 2 /* of google.rpc.Status */, SHOWN = 200 };

/* What a peer says, on its way into a log: one line of valid UTF-8, cut to what is shown. */
static void append_shown(cleat__http_outcome *out, cleat_slice text)
{
    size_t size = strlen(out->message), room = sizeof(out->message) - 1 - size;
    size_t most = text.size < SHOWN ? text.size : SHOWN;
    size_t taken = cleat__utf8_valid_prefix(text.data, most < room ? most : room);
    for (size_t i = 0; i < taken; i++) {
        char character = text.data[i];
        bool is_control = (character >= 0 && character < ' ') || character == 0x7F;
        out->message[size + i] = is_control ? ' ' : character;
    }
    out->message[size + taken] = '\0';
}

/* ---- Bodies ---- */

static bool has_type(const cleat__http_export *export, const char *type)
{
    char *found = NULL;
    curl_easy_getinfo(export->easy, CURLINFO_CONTENT_TYPE, &found);
    return found != NULL && strncasecmp(found, type, strlen(type)) == 0;
}

static void read_success(const cleat__http_export *export, cleat__http_outcome *out)
{
    cleat_slice body = cleat__buffer_slice(&export->response);
    cleat__otlp_response response = {0};
    if (has_type(export, "application/json")) {
        cleat_slice partial = cleat__json_member(body, "partialSuccess");
        cleat__json_int(cleat__json_member(partial, "rejectedSpans"), &response.rejected_spans);
        response.error_message = cleat__json_text(cleat__json_member(partial, "errorMessage"));
    } else if (has_type(export, "application/x-protobuf")) {
        cleat__otlp_response_read(body, &response); /* what is malformed says nothing */
    }
    out->rejected_spans = response.rejected_spans > 0 ? response.rejected_spans : 0;
    append_shown(out, response.error_message);
}

/* The sentence in a google.rpc.Status, or a text as it is; absent where there is none. */
static cleat_slice failure_text(const cleat__http_export *export)
{
    cleat_slice body = cleat__buffer_slice(&export->response), text = {NULL, 0};
    if (has_type(export, "application/json")) {
        return cleat__json_text(cleat__json_member(body, "message"));
    }
    if (has_type(export, "text/plain")) {
        return body;
    }
    if (has_type(export, "application/x-protobuf")) {
        cleat__wire_reader reader = cleat__wire_reader_of(body);
        cleat__wire_field field;
        while (cleat__wire_next(&reader, &field)) {
            if (field.number == STATUS_MESSAGE && field.wire == CLEAT__WIRE_BYTES) {
                text = field.bytes;
            }
        }
    }
    return text;
}

/* ---- Outcomes ---- */

static const char *advice_of(long code)
{
    switch (code) {
    case 301:
    case 302:
    case 307:
    case 308: return " (redirected: set the endpoint to where it leads)";
    case 401:
    case 403: return " (set OTEL_EXPORTER_OTLP_HEADERS to what the server asks for)";
    case 404:
    case 405: return " (is this the traces endpoint? it usually ends in /v1/traces)";
    case 413: return " (set a smaller OTEL_BSP_MAX_EXPORT_BATCH_SIZE)";
    case 415: return " (set OTEL_EXPORTER_OTLP_PROTOCOL to what the server takes)";
    default: return "";
    }
}

/*
 * What a server does not want because of who sends it, where, or in what form, it will not want of the
 * next spans either. Other refusals (400, 413, 500, ...) may be due to these spans alone.
 */
static bool is_refusal_of_all(long code)
{
    return (code >= 300 && code <= 399) || code == 401 || code == 403 || code == 404 || code == 405 ||
           code == 415;
}

static void read_failure(const cleat__http_export *export, long code, cleat__http_outcome *out)
{
    cleat_slice text = failure_text(export);
    curl_off_t asked_s = 0;
    out->is_retryable = code == 429 || code == 502 || code == 503 || code == 504;
    out->is_of_spans = !out->is_retryable && !is_refusal_of_all(code);
    out->status = out->is_retryable ? CLEAT_UNAVAILABLE : CLEAT_NON_RETRYABLE;
    if (out->is_retryable && curl_easy_getinfo(export->easy, CURLINFO_RETRY_AFTER, &asked_s) == CURLE_OK &&
        asked_s > 0) {
        out->asked_ms = asked_s < INT32_MAX ? (int64_t)asked_s * 1000 : INT64_MAX;
    }
    snprintf(out->message, sizeof(out->message), "HTTP status %ld%s%s", code, advice_of(code),
             text.size != 0 ? ": " : "");
    append_shown(out, text);
}

/* Mistakes of set-up do not go away by trying again. */
static bool is_retryable(CURLcode code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_NOT_BUILT_IN:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_WRITE_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: return false;
    default: return true;
    }
}

/* OpenSSL's words for an answer that is none of TLS. */
static bool speaks_no_tls(const char *error)
{
    return strstr(error, "wrong version number") != NULL || strstr(error, "packet length too long") != NULL;
}

static const char *advice_of_error(CURLcode code, const char *error)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
        return speaks_no_tls(error) ? " (does the server speak http:// there, not https://?)" : "";
    case CURLE_PEER_FAILED_VERIFICATION:
        return " (set OTEL_EXPORTER_OTLP_CERTIFICATE to the authority's certificate, if it is to be trusted)";
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CLIENTCERT:
        return " (set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY to a pair the server accepts)";
    default: return "";
    }
}

static void read_error(const cleat__http_export *export, CURLcode code, cleat__http_outcome *out)
{
    out->is_retryable = is_retryable(code);
    out->status = code == CURLE_OPERATION_TIMEDOUT ? CLEAT_TIMEOUT
                  : code == CURLE_OUT_OF_MEMORY    ? CLEAT_NO_MEMORY
                  : out->is_retryable              ? CLEAT_UNAVAILABLE
                                                   : CLEAT_NON_RETRYABLE;
    if (export->is_response_too_large) {
        out->status = CLEAT_TOO_LARGE;
        snprintf(out->message, sizeof(out->message), "the response is larger than %zu bytes",
                 export->exporter->settings.max_response_size);
        return;
    }
    append_shown(out, cleat_slice_of(export->error[0] != '\0' ? export->error : curl_easy_strerror(code)));
    append_shown(out, cleat_slice_of(advice_of_error(code, export->error)));
}

void cleat__http_outcome_read(const cleat__http_export *export, CURLcode code, cleat__http_outcome *out)
{
    long http_code = 0;
    memset(out, 0, sizeof(*out));
    if (code != CURLE_OK) {
        read_error(export, code, out);
        return;
    }
    if (!export->has_head) {
        read_error(export, CURLE_PARTIAL_FILE, out);
        return;
    }
    out->is_answer = true;
    curl_easy_getinfo(export->easy, CURLINFO_RESPONSE_CODE, &http_code);
    if (http_code >= 200 && http_code <= 299) {
        read_success(export, out);
    } else {
        read_failure(export, http_code, out);
    }
}
