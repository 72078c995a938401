/*
 * The pages are one file, index.html, which knows by its address what to show. All that it asks for is relative to
 * <base>, which is made for the depth of that address: so it works wherever a proxy puts it.
 */
#include "http_browser.h"
#include "ui_parts.h"
#include "web.h"

#include <stdio.h>

static const char base[] = "<base href=\"./\">", deeper_base[] = "<base href=\"../\">";

static const cleat__web_file *find_file(cleat_slice name)
{
    for (size_t i = 0; i < cleat__web_file_count; i++) {
        if (cleat_slice_equals(name, cleat_slice_of(cleat__web_files[i].name))) {
            return &cleat__web_files[i];
        }
    }
    return NULL;
}

/* Who has what the tag says is told so. Takes the body. */
static void answer_tagged(cleat__http_call *call, const char *content_type, cleat__buffer *body)
{
    if (!body->failed && cleat__http_has_tag(call->if_none_match, call->answer.tag)) {
        cleat__buffer_deinit(body);
        cleat__http_call_answer_nothing(call, 304);
    } else {
        cleat__http_call_answer(call, 200, content_type, body);
    }
}

/* "/runs/ID" has two segments, "/runs" and "/" have one. */
static void append_page(cleat_slice page, bool is_deeper, cleat__buffer *out)
{
    size_t size = sizeof(base) - 1, at = 0;
    while (at + size < page.size && memcmp(page.data + at, base, size) != 0) {
        at++;
    }
    if (!is_deeper || at + size >= page.size) {
        cleat__buffer_append_slice(out, page);
        return;
    }
    cleat__buffer_append(out, page.data, at);
    cleat__buffer_append_string(out, deeper_base);
    cleat__buffer_append(out, page.data + at + size, page.size - at - size);
}

void cleat__ui_page_get(cleat__http_call *call)
{
    const cleat__web_file *file = find_file(cleat_slice_of("index.html"));
    bool is_deeper = call->target.segment_count > 1;
    cleat__buffer body = {0};
    append_page((cleat_slice){file->data, file->size}, is_deeper, &body);
    snprintf(call->answer.tag, sizeof(call->answer.tag), "%s-%d", file->hash, is_deeper);
    answer_tagged(call, file->content_type, &body);
}

void cleat__ui_asset_get(cleat__http_call *call)
{
    const cleat__web_file *file = find_file(cleat__http_call_part(call, "name"));
    cleat__buffer body = {0};
    if (file == NULL) {
        cleat__http_call_refuse(call, 404, "not found");
        return;
    }
    cleat__buffer_append(&body, file->data, file->size);
    snprintf(call->answer.tag, sizeof(call->answer.tag), "%s", file->hash);
    answer_tagged(call, file->content_type, &body);
}
