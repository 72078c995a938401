#include "curl_headers.h"

#include "base/buffer.h"
#include "base/error.h"
#include "fields.h"
#include "trace/header.h"

bool cleat__curl_headers_append(cleat__curl_headers *headers, const struct curl_slist *lines)
{
    for (; lines != NULL; lines = lines->next) {
        struct curl_slist *longer = curl_slist_append(headers->lines, lines->data);
        if (longer == NULL) {
            return false;
        }
        headers->lines = longer;
    }
    return true;
}

/* Besides "Name: value" libcurl knows "Name;" (sent without a value) and "Name:" (not sent). */
static bool is_named(const char *line, cleat_slice name)
{
    size_t size = strcspn(line, ":;");
    return line[size] != '\0' && cleat__http_name_equals(cleat__trim((cleat_slice){line, size}), name);
}

static struct curl_slist *find(struct curl_slist *lines, cleat_slice name)
{
    while (lines != NULL && !is_named(lines->data, name)) {
        lines = lines->next;
    }
    return lines;
}

static cleat_slice get(void *self, const char *key)
{
    const cleat__curl_headers *headers = self;
    const struct curl_slist *line = key != NULL ? find(headers->lines, cleat_slice_of(key)) : NULL;
    cleat_slice value = {NULL, 0};
    if (line != NULL) {
        size_t name_size = strcspn(line->data, ":;");
        value = cleat__trim(cleat_slice_of(line->data + name_size + 1));
    }
    return value;
}

static void remove_named(void *self, const char *key)
{
    cleat__curl_headers *headers = self;
    cleat_slice name = cleat_slice_of(key);
    struct curl_slist **at = &headers->lines;
    while (*at != NULL) {
        struct curl_slist *line = *at;
        if (headers->keeps_present || !is_named(line->data, name)) {
            at = &line->next;
            continue;
        }
        *at = line->next;
        line->next = NULL;
        curl_slist_free_all(line);
    }
}

/* A name or value that could end its line would let a propagator's text pass for other headers. */
static bool is_field(cleat_slice name, cleat_slice value)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':' || name.data[i] == ';') {
            return false;
        }
    }
    for (size_t i = 0; i < value.size; i++) {
        if ((uint8_t)value.data[i] < ' ' && value.data[i] != '\t') {
            return false;
        }
    }
    return name.size != 0;
}

static cleat_status set(void *self, const char *key, cleat_slice value)
{
    cleat__curl_headers *headers = self;
    cleat_slice name = cleat_slice_of(key);
    if (!is_field(name, value)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a header needs a name and one line of text");
    }
    if (headers->keeps_present && find(headers->lines, name) != NULL) {
        return CLEAT_OK;
    }
    cleat__buffer text = {NULL, 0, 0, false};
    cleat__buffer_append_slice(&text, name);
    cleat__buffer_append_string(&text, value.size != 0 ? ": " : ";");
    cleat__buffer_append_slice(&text, value);
    cleat__buffer_append_byte(&text, '\0');
    /* First the new line: a failure leaves what was there. */
    struct curl_slist *line = !text.failed ? curl_slist_append(NULL, (const char *)text.data) : NULL;
    cleat__buffer_deinit(&text);
    if (line == NULL) {
        return cleat__fail_memory();
    }
    remove_named(self, key);
    struct curl_slist **end = &headers->lines;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = line;
    return CLEAT_OK;
}

cleat_text_map cleat__curl_headers_text_map(cleat__curl_headers *headers)
{
    return (cleat_text_map){.self = headers, .get = get, .set = set, .remove = remove_named};
}
