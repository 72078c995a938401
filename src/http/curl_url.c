#include "curl_url.h"

#include "base/url_part.h"
#include "fields.h"
#include "query.h"

#include <stdlib.h>

static bool redact_credentials(CURLU *handle)
{
    char *user = cleat__url_part(handle, CURLUPART_USER, 0);
    char *password = cleat__url_part(handle, CURLUPART_PASSWORD, 0);
    bool done = true;
    if (user != NULL || password != NULL) {
        done = curl_url_set(handle, CURLUPART_USER, CLEAT__HTTP_REDACTED, 0) == CURLUE_OK &&
               curl_url_set(handle, CURLUPART_PASSWORD, CLEAT__HTTP_REDACTED, 0) == CURLUE_OK;
    }
    curl_free(user);
    curl_free(password);
    return done;
}

static bool redact_query(CURLU *handle)
{
    char *query = cleat__url_part(handle, CURLUPART_QUERY, 0);
    if (query == NULL) {
        return true;
    }
    cleat__buffer redacted = {NULL, 0, 0, false};
    cleat__http_query_append(&redacted, cleat_slice_of(query));
    cleat__buffer_append_byte(&redacted, '\0');
    bool done = !redacted.failed &&
                curl_url_set(handle, CURLUPART_QUERY, (const char *)redacted.data, 0) == CURLUE_OK;
    cleat__buffer_deinit(&redacted);
    curl_free(query);
    return done;
}

static void read_parts(cleat__curl_url *url, CURLU *handle)
{
    char *port = cleat__url_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    url->port = port != NULL ? (int)strtol(port, NULL, 10) : 0;
    curl_free(port);
    url->scheme = cleat__url_part(handle, CURLUPART_SCHEME, 0);
    url->host = cleat__url_part(handle, CURLUPART_HOST, 0);
    url->name = cleat_slice_of(url->host);
    if (url->name.size > 2 && url->name.data[0] == '[') {
        url->name = (cleat_slice){url->host + 1, url->name.size - 2};
    }
}

bool cleat__curl_url_read(cleat__curl_url *url, const char *text)
{
    memset(url, 0, sizeof(*url));
    CURLU *handle = text != NULL && text[0] != '\0' ? curl_url() : NULL;
    if (handle == NULL) {
        return false;
    }
    if (curl_url_set(handle, CURLUPART_URL, text, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) ==
        CURLUE_OK) {
        read_parts(url, handle);
        /* Rather no URL than one with secrets. */
        if (redact_credentials(handle) && redact_query(handle)) {
            url->full = cleat__url_part(handle, CURLUPART_URL, 0);
        }
    }
    curl_url_cleanup(handle);
    return url->scheme != NULL;
}

void cleat__curl_url_deinit(cleat__curl_url *url)
{
    curl_free(url->full);
    curl_free(url->host);
    curl_free(url->scheme);
    memset(url, 0, sizeof(*url));
}

bool cleat__curl_url_is_http(const cleat__curl_url *url)
{
    static const char *const schemes[] = {"http", "https", "ws", "wss"};
    for (size_t i = 0; url->scheme != NULL && i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (cleat__http_name_equals(cleat_slice_of(url->scheme), cleat_slice_of(schemes[i]))) {
            return true;
        }
    }
    return false;
}
