#include "model/needle.h"

#include "base/alloc.h"
#include "base/error.h"

static char small(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* How many characters match after `c`, when `matched` did before it. */
static size_t step(const cleat__needle *needle, size_t matched, char c)
{
    while (matched > 0 && c != needle->text[matched]) {
        matched = needle->falls[matched - 1];
    }
    return matched + (c == needle->text[matched]);
}

cleat_status cleat__needle_init(cleat__needle *needle, cleat_slice text)
{
    *needle = (cleat__needle){.size = 0};
    if (text.size == 0) {
        return CLEAT_OK;
    }
    needle->text = cleat__malloc(text.size);
    needle->falls = cleat__calloc(text.size, sizeof(*needle->falls));
    if (needle->text == NULL || needle->falls == NULL) {
        return cleat__fail_memory();
    }
    needle->size = text.size;
    for (size_t i = 0; i < text.size; i++) {
        needle->text[i] = small(text.data[i]);
    }
    for (size_t i = 1; i < text.size; i++) {
        needle->falls[i] = step(needle, needle->falls[i - 1], needle->text[i]);
    }
    return CLEAT_OK;
}

void cleat__needle_deinit(cleat__needle *needle)
{
    cleat__free(needle->text);
    cleat__free(needle->falls);
    *needle = (cleat__needle){.size = 0};
}

/* Where the first character is, from `at` on; the size when it is not there. */
static size_t skip(const cleat__needle *needle, cleat_slice haystack, size_t at)
{
    const char first = needle->text[0];
    const char capital = (char)(first >= 'a' && first <= 'z' ? first - 'a' + 'A' : first);
    while (at < haystack.size && haystack.data[at] != first && haystack.data[at] != capital) {
        at++;
    }
    return at;
}

bool cleat__needle_is_in(const cleat__needle *needle, cleat_slice haystack)
{
    size_t matched = 0, i = 0;
    while (matched < needle->size) {
        i = matched == 0 ? skip(needle, haystack, i) : i;
        if (i >= haystack.size) {
            return false;
        }
        matched = step(needle, matched, small(haystack.data[i++]));
    }
    return true;
}
