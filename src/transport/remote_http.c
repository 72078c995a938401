#include "transport/remote_http.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"

#include <cleat/curl.h>
#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>

enum { REPLY_MAX = 64 * 1024 * 1024 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode curl_is_ready; /* written under `once` */

static void init_curl(void)
{
    curl_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    cleat__exit_renew(); /* libcurl's TLS library cleans up at exit */
}

/* Taking less than was offered ends the transfer. */
static size_t write_reply(char *data, size_t size, size_t count, void *argument)
{
    cleat__buffer *reply = argument;
    if (reply->size + size * count > REPLY_MAX) {
        return 0;
    }
    cleat__buffer_append(reply, data, size * count);
    return reply->failed ? 0 : size * count;
}

/* ---- The request ---- */

static const char hooks_path[] = "/hooks/";

static bool is_of_hook(const char *path)
{
    return strncmp(path, hooks_path, sizeof(hooks_path) - 1) == 0;
}

/* What a span may say instead of the URL, to be freed; NULL: it may say that. Who knows a hook's token can resume the
 * run, and spans go to others. */
static char *shown_url(const cleat__remote_settings *settings, const char *path)
{
    cleat__buffer url = {0};
    if (is_of_hook(path)) {
        cleat__buffer_append_format(&url, "%s%sREDACTED", settings->api_url, hooks_path);
    }
    return url.size != 0 ? cleat__buffer_take_string(&url) : NULL;
}

/* Each answers false on no memory. */
static bool set_url(CURL *easy, const cleat__remote_settings *settings, const char *path)
{
    cleat__buffer url = {0};
    cleat__buffer_append_string(&url, settings->api_url);
    if (strncmp(path, "/api/", 5) != 0 && !is_of_hook(path)) {
        cleat__buffer_append_format(&url, "/api/v1/tenants/%s", settings->tenant_id);
    }
    cleat__buffer_append_string(&url, path);
    cleat__buffer_append_byte(&url, '\0');
    bool is_fine =
        !url.failed && curl_easy_setopt(easy, CURLOPT_URL, (const char *)url.data) == CURLE_OK; /* copied */
    cleat__buffer_deinit(&url);
    return is_fine;
}

static bool add_header(struct curl_slist **headers, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*headers, text);
    if (longer != NULL) {
        *headers = longer;
    }
    return longer != NULL;
}

/* What could be taken for another header, or for none, is not sent. */
static bool is_header(const char *name, const char *value)
{
    bool is_fine = *name != '\0' && *value != '\0';
    for (const char *at = name; *at != '\0'; at++) {
        is_fine = is_fine && *at > ' ' && *at <= '~' && *at != ':' && *at != ';';
    }
    for (const char *at = value; *at != '\0'; at++) {
        is_fine = is_fine && ((unsigned char)*at >= ' ' || *at == '\t');
    }
    return is_fine;
}

static bool add_carrier(struct curl_slist **headers, cleat_slice carrier)
{
    const char *name;
    json_t *value, *root = carrier.size != 0 ? json_loadb(carrier.data, carrier.size, 0, NULL) : NULL;
    bool is_fine = true;
    json_object_foreach(root, name, value)
    {
        const char *text = json_string_value(value);
        if (!is_fine || text == NULL || !is_header(name, text)) {
            continue;
        }
        cleat__buffer line = {0};
        cleat__buffer_append_format(&line, "%s: %s", name, text);
        cleat__buffer_append_byte(&line, '\0');
        is_fine = !line.failed && add_header(headers, (const char *)line.data);
        cleat__buffer_deinit(&line);
    }
    json_decref(root);
    return is_fine;
}

static bool make_headers(const cleat__remote_session *session, struct curl_slist **headers)
{
    cleat__buffer line = {0};
    cleat__buffer_append_format(&line, "Authorization: Bearer %s", session->settings->token);
    cleat__buffer_append_byte(&line, '\0');
    bool is_fine = !line.failed && add_header(headers, (const char *)line.data) &&
                   add_header(headers, "Content-Type: application/json") &&
                   add_carrier(headers, session->carrier);
    cleat__buffer_deinit(&line);
    return is_fine;
}

/* libcurl does not copy it. */
static bool set_body(CURL *easy, cleat_slice body)
{
    return body.data == NULL ||
           (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data) == CURLE_OK);
}

/* One option; what an earlier one met stays. */
#define SET(outcome, easy, option, value) \
    (*(outcome) = *(outcome) == CURLE_OK ? curl_easy_setopt(easy, option, value) : *(outcome))

static CURLcode set_tls(CURL *easy, const cleat__remote_settings *settings)
{
    CURLcode outcome = CURLE_OK;
    if (settings->authorities_file != NULL) {
        SET(&outcome, easy, CURLOPT_CAINFO, settings->authorities_file);
        SET(&outcome, easy, CURLOPT_CAPATH, NULL);
    }
    if (settings->tls == CLEAT__TLS_MUTUAL) {
        /* A password, or OpenSSL would ask for that of an encrypted key at the terminal. */
        SET(&outcome, easy, CURLOPT_SSLCERT, settings->certificate_file);
        SET(&outcome, easy, CURLOPT_SSLKEY, settings->key_file);
        SET(&outcome, easy, CURLOPT_KEYPASSWD, "");
    }
    return outcome;
}

/* CLEAT_TIMEOUT: there is none left. */
static cleat_status set_up(const cleat__remote_session *session, cleat__buffer *reply)
{
    const cleat__remote_settings *settings = session->settings;
    CURL *easy = session->easy;
    int64_t left_ms = (session->deadline_ns - cleat__clock_monotonic_ns(NULL)) / CLEAT__NS_PER_MS;
    int64_t limit_ms = left_ms < settings->call_timeout_ms ? left_ms : settings->call_timeout_ms;
    if (limit_ms <= 0) { /* which libcurl takes for no limit */
        return cleat__fail(CLEAT_TIMEOUT, "the server at %s does not answer in time", settings->api_url);
    }
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)limit_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
    CURLcode outcome = set_tls(easy, settings);
    SET(&outcome, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (outcome == CURLE_OUT_OF_MEMORY) {
        return cleat__fail_memory();
    }
    return outcome == CURLE_OK
               ? CLEAT_OK
               : cleat__fail(CLEAT_UNSUPPORTED, "libcurl cannot ask the server at %s as the settings say: %s",
                             settings->api_url, curl_easy_strerror(outcome));
}

/* ---- The answer ---- */

static cleat_status status_of(long code)
{
    switch (code) {
    case 400: return CLEAT_INVALID_ARGUMENT;
    case 401:
    case 403: return CLEAT_UNAUTHENTICATED;
    case 404: return CLEAT_NOT_FOUND;
    case 413:
    case 414: return CLEAT_TOO_LARGE;
    case 429: return CLEAT_RESOURCE_EXHAUSTED;
    case 501: return CLEAT_UNSUPPORTED;
    default: return code >= 500 ? CLEAT_UNAVAILABLE : CLEAT_FAILED;
    }
}

/*
 * {"errors":[{"description":".."}]}, or {"message":".."}. A description without the list is about what was asked for,
 * not who asks: that has been let in.
 */
static cleat_status fail_answer(cleat__remote_session *session, long code, cleat_slice body)
{
    const cleat__remote_settings *settings = session->settings;
    json_t *root = body.size != 0 ? json_loadb(body.data, body.size, 0, NULL) : NULL;
    const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    const char *text = json_string_value(json_object_get(first != NULL ? first : root, "description"));
    bool is_let_in = code == 403 && first == NULL && text != NULL;
    text = text != NULL ? text : json_string_value(json_object_get(root, "message"));
    session->was_explained = text != NULL;
    cleat_status status = is_let_in ? CLEAT_FAILED_PRECONDITION : status_of(code);
    status = cleat__fail(status, "the server at %s answers %ld: %.400s", settings->api_url, code,
                         text != NULL ? text : cleat_status_text(status));
    json_decref(root);
    return status;
}

/* Whether somebody took the connection, whatever came then. */
static bool is_connected(CURL *easy, CURLcode outcome)
{
    curl_off_t connected_us = 0;
    switch (outcome) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return false;
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_us);
        return connected_us != 0;
    default: return true;
    }
}

static cleat_status fail_transfer(const cleat__remote_session *session, CURLcode outcome, const char *error)
{
    const char *url = session->settings->api_url;
    cleat_status status = outcome == CURLE_OPERATION_TIMEDOUT ? CLEAT_TIMEOUT : CLEAT_UNAVAILABLE;
    const char *text = error[0] != '\0' ? error : curl_easy_strerror(outcome);
    if (outcome == CURLE_OUT_OF_MEMORY) {
        return cleat__fail_memory();
    }
    if (outcome == CURLE_WRITE_ERROR) {
        return cleat__fail(CLEAT_TOO_LARGE, "the server at %s answers more than %d bytes", url, REPLY_MAX);
    }
    return session->was_connected
               ? cleat__fail(status, "the server at %s cannot be reached: %s", url, text)
               : cleat__fail(status,
                             "the server's HTTP side cannot be reached at %s: %s; if it is elsewhere, set "
                             "HATCHET_CLIENT_API_URL",
                             url, text);
}

static cleat_status perform(cleat__remote_session *session, const char *method, const char *path,
                            const struct curl_slist *headers, cleat__buffer *body)
{
    CURL *easy = session->easy;
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    char *url = shown_url(session->settings, path);
    if (is_of_hook(path) && url == NULL) {
        return cleat__fail_memory();
    }
    CURLcode outcome = (CURLcode)cleat_curl_easy_perform(
        easy, headers,
        CLEAT_CURL_OPTIONS(.method = method, .url = url, .error_text = error,
                           .tracer = session->settings->tracer));
    cleat__free(url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    session->was_connected = session->was_connected || is_connected(easy, outcome);
    session->was_answered = outcome == CURLE_OK;
    if (body->failed) {
        return cleat__fail_memory();
    }
    if (outcome != CURLE_OK) {
        return fail_transfer(session, outcome, error);
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &session->code);
    return session->code >= 200 && session->code < 300
               ? CLEAT_OK
               : fail_answer(session, session->code, cleat__buffer_slice(body));
}

/* ---- Sessions ---- */

bool cleat__remote_http_is_known(const cleat__remote_settings *settings)
{
    return settings->api_url != NULL && settings->tenant_id != NULL;
}

cleat_status cleat__remote_session_start(cleat__remote_session *session,
                                         const cleat__remote_settings *settings, int64_t timeout_ms)
{
    *session = (cleat__remote_session){.settings = settings, .deadline_ns = cleat__deadline_ns(timeout_ms)};
    if (!cleat__remote_http_is_known(settings)) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "the token does not say where the server's HTTP side is: set HATCHET_CLIENT_%s",
                           settings->api_url == NULL ? "API_URL" : "TENANT_ID");
    }
    (void)pthread_once(&once, init_curl);
    session->easy = curl_is_ready == CURLE_OK ? curl_easy_init() : NULL;
    return session->easy != NULL ? CLEAT_OK : cleat__fail_memory();
}

void cleat__remote_session_end(cleat__remote_session *session)
{
    curl_easy_cleanup(session->easy);
    session->easy = NULL;
}

cleat_status cleat__remote_session_send(cleat__remote_session *session, const char *method, const char *path,
                                        cleat_slice body, cleat__buffer *reply)
{
    const cleat__remote_settings *settings = session->settings;
    CURL *easy = session->easy;
    cleat__buffer answer = {0};
    struct curl_slist *headers = NULL;
    session->was_answered = session->was_explained = false;
    session->code = 0;
    curl_easy_reset(easy); /* which keeps the connection */
    cleat_status status = set_up(session, &answer);
    if (status == CLEAT_OK) {
        bool is_fine = set_url(easy, settings, path) && make_headers(session, &headers) &&
                       set_body(easy, body) &&
                       curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
        status = is_fine ? perform(session, method, path, headers, &answer) : cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        cleat__buffer_append_slice(reply, cleat__buffer_slice(&answer));
        status = reply->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    curl_easy_reset(easy); /* the headers go */
    curl_slist_free_all(headers);
    cleat__buffer_deinit(&answer);
    return status;
}

cleat_status cleat__remote_http(const cleat__remote_settings *settings, const char *method, const char *path,
                                cleat_slice body, cleat__buffer *reply)
{
    cleat__remote_session session;
    cleat_status status = cleat__remote_session_start(&session, settings, settings->call_timeout_ms);
    if (status == CLEAT_OK) {
        status = cleat__remote_session_send(&session, method, path, body, reply);
    }
    cleat__remote_session_end(&session);
    return status;
}
