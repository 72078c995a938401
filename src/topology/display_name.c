#include "topology/display_name.h"

static cleat_slice from(cleat_slice text, size_t start)
{
    return (cleat_slice){text.data + start, text.size - start};
}

static bool begins_with(cleat_slice text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

/* Behind the last `separator` in `text`; the whole text without one. */
static cleat_slice behind_last(cleat_slice text, char separator)
{
    size_t start = text.size;
    while (start > 0 && text.data[start - 1] != separator) {
        start--;
    }
    return from(text, start);
}

/* Divides at the last pair of `separator`s that something follows; false: there is none. */
static bool divide(cleat_slice text, char separator, cleat_slice *before, cleat_slice *after)
{
    for (size_t i = text.size; i >= 2; i--) {
        if (text.data[i - 1] == separator && text.data[i - 2] == separator) {
            *before = (cleat_slice){text.data, i - 2};
            *after = from(text, i);
            return after->size > 0;
        }
    }
    return false;
}

static bool is_default(cleat_slice function)
{
    return cleat_slice_equals(function, cleat_slice_of("default")) ||
           cleat_slice_equals(function, cleat_slice_of("__default"));
}

/* `path` is what follows the first separators: module, separators, function. */
static cleat_slice resolve(cleat_slice name, cleat_slice path, char separator)
{
    cleat_slice module, function;
    if (!divide(path, separator, &module, &function)) {
        return name;
    }
    cleat_slice innermost = behind_last(is_default(function) ? module : function, separator);
    return innermost.size > 0 ? innermost : name;
}

cleat_slice cleat__display_name(cleat_slice name)
{
    static const struct {
        const char *prefix;
        char separator;
    } forms[] = {{"workflow//", '/'}, {"step//", '/'}, {"workflow--", '-'}, {"step--", '-'}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (begins_with(name, forms[i].prefix)) {
            return resolve(name, from(name, strlen(forms[i].prefix)), forms[i].separator);
        }
    }
    return name;
}
