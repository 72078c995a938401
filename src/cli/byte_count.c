#include "byte_count.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool cleat__byte_count_parse(const char *text, int64_t *out)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) { /* blanks and signs */
        return false;
    }
    errno = 0;
    long long count = strtoll(text, &end, 10);
    if (errno != 0 || count <= 0) {
        return false;
    }
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    for (const char *at = units; unit != NULL && at <= unit; at++) {
        if (count > INT64_MAX / 1024) {
            return false;
        }
        count *= 1024;
    }
    if (*(unit != NULL ? end + 1 : end) != '\0') {
        return false;
    }
    *out = count;
    return true;
}
