#include "transport/remote_http.h"

#include "base/error.h"
#include "base/process.h"

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

/* Each answers false on no memory. */
static bool set_url(CURL *easy, const cleat__remote_settings *settings, const char *path)
{
    cleat__buffer url = {0};
    cleat__buffer_append_string(&url, settings->api_url);
    if (strncmp(path, "/api/", 5) != 0) {
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

static bool set_headers(CURL *easy, const cleat__remote_settings *settings, struct curl_slist **headers)
{
    cleat__buffer line = {0};
    cleat__buffer_append_format(&line, "Authorization: Bearer %s", settings->token);
    cleat__buffer_append_byte(&line, '\0');
    bool is_fine = !line.failed && add_header(headers, (const char *)line.data) &&
                   add_header(headers, "Content-Type: application/json") &&
                   curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers) == CURLE_OK;
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

static bool set_tls(CURL *easy, const cleat__remote_settings *settings)
{
    bool is_fine = true;
    if (settings->authorities_file != NULL) {
        is_fine = curl_easy_setopt(easy, CURLOPT_CAINFO, settings->authorities_file) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    }
    if (settings->tls == CLEAT__TLS_MUTUAL) {
        /* A password, or OpenSSL would ask for that of an encrypted key at the terminal. */
        is_fine = is_fine &&
                  curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->certificate_file) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->key_file) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "") == CURLE_OK;
    }
    return is_fine;
}

static bool set_up(CURL *easy, const cleat__remote_settings *settings, cleat__buffer *reply)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)settings->call_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK && set_tls(easy, settings);
}

/* ---- The answer ---- */

static cleat_status status_of(long code)
{
    switch (code) {
    case 400: return CLEAT_INVALID_ARGUMENT;
    case 401:
    case 403: return CLEAT_UNAUTHENTICATED;
    case 404: return CLEAT_NOT_FOUND;
    case 429: return CLEAT_RESOURCE_EXHAUSTED;
    case 501: return CLEAT_UNSUPPORTED;
    default: return code >= 500 ? CLEAT_UNAVAILABLE : CLEAT_FAILED;
    }
}

/* {"errors":[{"description":".."}]}, or without the list. */
static cleat_status fail_answer(const cleat__remote_settings *settings, long code, cleat_slice body)
{
    json_t *root = body.size != 0 ? json_loadb(body.data, body.size, 0, NULL) : NULL;
    const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    const char *text = json_string_value(json_object_get(first != NULL ? first : root, "description"));
    cleat_status status = status_of(code);
    status = cleat__fail(status, "the server at %s answers %ld: %.400s", settings->api_url, code,
                         text != NULL ? text : cleat_status_text(status));
    json_decref(root);
    return status;
}

static cleat_status perform(CURL *easy, const cleat__remote_settings *settings, cleat__buffer *body)
{
    char error[CURL_ERROR_SIZE] = "";
    long code = 0;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    CURLcode outcome = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    if (body->failed || outcome == CURLE_OUT_OF_MEMORY) {
        return cleat__fail_memory();
    }
    if (outcome == CURLE_WRITE_ERROR) {
        return cleat__fail(CLEAT_TOO_LARGE, "the server at %s answers more than %d bytes", settings->api_url,
                           REPLY_MAX);
    }
    if (outcome != CURLE_OK) {
        return cleat__fail(outcome == CURLE_OPERATION_TIMEDOUT ? CLEAT_TIMEOUT : CLEAT_UNAVAILABLE,
                           "the server at %s cannot be reached: %s", settings->api_url,
                           error[0] != '\0' ? error : curl_easy_strerror(outcome));
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return code >= 200 && code < 300 ? CLEAT_OK : fail_answer(settings, code, cleat__buffer_slice(body));
}

bool cleat__remote_http_is_known(const cleat__remote_settings *settings)
{
    return settings->api_url != NULL && settings->tenant_id != NULL;
}

cleat_status cleat__remote_http(const cleat__remote_settings *settings, const char *method, const char *path,
                                cleat_slice body, cleat__buffer *reply)
{
    cleat__buffer answer = {0};
    struct curl_slist *headers = NULL;
    if (!cleat__remote_http_is_known(settings)) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "the token does not say where the server's HTTP side is: set HATCHET_CLIENT_%s",
                           settings->api_url == NULL ? "API_URL" : "TENANT_ID");
    }
    (void)pthread_once(&once, init_curl);
    CURL *easy = curl_is_ready == CURLE_OK ? curl_easy_init() : NULL;
    bool is_fine = easy != NULL && set_up(easy, settings, &answer) && set_url(easy, settings, path) &&
                   set_headers(easy, settings, &headers) && set_body(easy, body) &&
                   curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    cleat_status status = is_fine ? perform(easy, settings, &answer) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        cleat__buffer_append_slice(reply, cleat__buffer_slice(&answer));
        status = reply->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    cleat__buffer_deinit(&answer);
    return status;
}
