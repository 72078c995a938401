#include "link_note.h"

#include "format.h"
#include "text.h"

#include <stdio.h>

enum { LOOKED_AT = 64 }; /* links, of which other traces than the first are told apart */

/* How many other traces than the first one the links lead to. */
static int32_t count_others(const cleat__stitched_link *links, int32_t count)
{
    int32_t others = 0;
    int32_t end = count < LOOKED_AT ? count : LOOKED_AT;
    for (int32_t i = 1; i < end; i++) {
        bool is_new = true;
        for (int32_t before = 0; before < i && is_new; before++) {
            is_new =
                memcmp(&links[i].to_trace_id, &links[before].to_trace_id, sizeof(links[i].to_trace_id)) != 0;
        }
        others += is_new;
    }
    return others + count - end;
}

static int append_out(char out[CLEAT__NOTE_SIZE], const char *arrow, const cleat__stitched *forest,
                      const cleat__stitched_span *span, bool is_short)
{
    const cleat__stitched_link *links = &forest->links[span->first_link];
    char hex[33];
    char others[CLEAT__FORMAT_SIZE + 2] = "";
    int32_t other_count = count_others(links, span->link_count);
    cleat_trace_id_to_hex(&links[0].to_trace_id, hex);
    if (other_count > 0) {
        (void)snprintf(others, sizeof(others), " +%s", cleat__format_count(other_count).text);
    }
    return snprintf(out, CLEAT__NOTE_SIZE, "%s%s%.*s%s", arrow, is_short ? "" : " trace ",
                    CLEAT__NOTE_ID_DIGITS, hex, others);
}

int cleat__link_note(char out[CLEAT__NOTE_SIZE], const cleat__terminal *terminal,
                     const cleat__stitched *forest, const cleat__stitched_span *span, bool is_short)
{
    int size = 0;
    out[0] = '\0';
    if (span->link_count > 0) {
        size = append_out(out, terminal->utf8 ? "→" : "->", forest, span, is_short);
    }
    if (span->back_links > 0) {
        const char *words = is_short ? "" : span->back_links == 1 ? " links here" : " link here";
        (void)snprintf(out + size, CLEAT__NOTE_SIZE - (size_t)size, "%s%s%s%s%s", size > 0 ? " " : "",
                       terminal->utf8 ? "←" : "<-", is_short ? "" : " ",
                       cleat__format_count(span->back_links).text, words);
    }
    return cleat__text_columns(terminal, cleat_slice_of(out));
}
