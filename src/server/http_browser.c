#include "http_browser.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const cleat__http_browser_headers[][2] = {
    {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                                "data:; connect-src 'self'; base-uri "
                                "'self'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};
const size_t cleat__http_browser_header_count =
    sizeof(cleat__http_browser_headers) / sizeof(cleat__http_browser_headers[0]);

/* ---- Hosts ---- */

/* The host of HOST:PORT or HOST, without brackets; false: it is none, or longer than any. */
static bool read_host(const char *text, char host[256])
{
    bool has_brackets = text[0] == '[';
    size_t size = strcspn(text + has_brackets, has_brackets ? "]" : ":");
    const char *rest = text + has_brackets + size + has_brackets;
    if (size == 0 || size > 255 || (has_brackets && text[1 + size] != ']') ||
        (rest[0] != '\0' && (rest[0] != ':' || rest[1 + strspn(rest + 1, "0123456789")] != '\0'))) {
        return false;
    }
    snprintf(host, 256, "%.*s", (int)size, text + has_brackets);
    return true;
}

typedef enum kind { NAME, LOOPBACK, OTHER_ADDRESS } kind;

static kind kind_of(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127 ? LOOPBACK : OTHER_ADDRESS;
    }
    if (inet_pton(AF_INET6, host, &six) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&six) ? LOOPBACK : OTHER_ADDRESS;
    }
    return strcasecmp(host, "localhost") == 0 ? LOOPBACK : NAME;
}

bool cleat__http_host_is_own(const char *host, const char *configured, const char *address)
{
    char given[256], own[256];
    if (host == NULL || !read_host(host, given)) {
        return false;
    }
    kind is = kind_of(given);
    if (is == OTHER_ADDRESS) {
        return read_host(address, own) && kind_of(own) == OTHER_ADDRESS;
    }
    return is == LOOPBACK || (read_host(configured, own) && strcasecmp(given, own) == 0);
}

/* ---- Lists of headers ---- */

/* The next element of a list with commas, without the blanks around it; false at the end. */
static bool next_element(const char **at, cleat_slice *out)
{
    *at += strspn(*at, ", \t");
    size_t size = strcspn(*at, ",");
    *out = (cleat_slice){*at, size};
    *at += size;
    while (out->size != 0 && (out->data[out->size - 1] == ' ' || out->data[out->size - 1] == '\t')) {
        out->size--;
    }
    return size != 0;
}

/* "gzip;q=0" does not want it. */
static bool is_refused(const char *parameters, size_t size)
{
    char text[32];
    const char *weight;
    snprintf(text, sizeof(text), "%.*s", (int)(size < 31 ? size : 31), parameters);
    weight = strstr(text, "q=0");
    return weight != NULL && weight[3 + strspn(weight + 3, ".0")] == '\0';
}

bool cleat__http_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t size = sizeof(json) - 1;
    return content_type != NULL && strncasecmp(content_type, json, size) == 0 &&
           strchr("; ", content_type[size]) != NULL;
}

bool cleat__http_accepts_gzip(const char *accept_encoding)
{
    cleat_slice element;
    const char *at = accept_encoding != NULL ? accept_encoding : "";
    while (next_element(&at, &element)) {
        bool is_gzip = element.size >= 4 && strncasecmp(element.data, "gzip", 4) == 0;
        if (is_gzip && (element.size == 4 || strchr("; \t", element.data[4]) != NULL)) {
            return !is_refused(element.data + 4, element.size - 4);
        }
    }
    return false;
}

bool cleat__http_has_tag(const char *if_none_match, const char *tag)
{
    cleat_slice element, wanted = cleat_slice_of(tag);
    const char *at = if_none_match != NULL ? if_none_match : "";
    while (next_element(&at, &element)) {
        if (element.size > 2 && memcmp(element.data, "W/", 2) == 0) {
            element = (cleat_slice){element.data + 2, element.size - 2};
        }
        bool is_quoted = element.size == wanted.size + 2 && element.data[0] == '"' &&
                         element.data[element.size - 1] == '"';
        if ((is_quoted && memcmp(element.data + 1, tag, wanted.size) == 0) ||
            cleat_slice_equals(element, cleat_slice_of("*"))) {
            return true;
        }
    }
    return false;
}
