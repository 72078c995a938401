/* Where a server is, as people write it. */
#include "address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A member of a URL; the caller frees it with curl_free(). NULL: it has none. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = part_of(url, part);
    curl_free(text);
    return text != NULL;
}

/* Sets `*has_port`, and whether the URL is no more than scheme, host and port (and a path). */
static bool is_plain(const char *text, bool may_have_path, bool *has_port)
{
    CURLU *url = curl_url();
    bool is_good = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    char *path = is_good ? part_of(url, CURLUPART_PATH) : NULL;
    is_good = is_good && !has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_PASSWORD) &&
              !has_part(url, CURLUPART_QUERY) && !has_part(url, CURLUPART_FRAGMENT);
    is_good = is_good && (may_have_path || path == NULL || strcmp(path, "/") == 0);
    *has_port = is_good && has_part(url, CURLUPART_PORT);
    curl_free(path);
    curl_url_cleanup(url);
    return is_good;
}

bool cleat__address_read_url(const char *text, char out[CLEAT__ADDRESS_ROOM])
{
    bool has_port = false;
    bool is_http = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    size_t size = strlen(text);
    if (!is_http || size >= CLEAT__ADDRESS_ROOM || !is_plain(text, true, &has_port)) {
        return false;
    }
    while (text[size - 1] == '/') {
        size--;
    }
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

bool cleat__address_is_grpc(const char *text)
{
    char url[CLEAT__ADDRESS_ROOM];
    bool has_port = false;
    int size = snprintf(url, sizeof(url), "http://%s", text);
    return size < (int)sizeof(url) && strchr(text, '/') == NULL && is_plain(url, false, &has_port) &&
           has_port && strtol(strrchr(text, ':') + 1, NULL, 10) != 0;
}
