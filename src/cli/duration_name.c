#include "duration_name.h"

static const char *const names[] = {
    [CLEAT_PER_SECOND] = "second", [CLEAT_PER_MINUTE] = "minute", [CLEAT_PER_HOUR] = "hour",
    [CLEAT_PER_DAY] = "day",       [CLEAT_PER_WEEK] = "week",     [CLEAT_PER_MONTH] = "month",
    [CLEAT_PER_YEAR] = "year",
};

const char *cleat__duration_name(cleat_rate_limit_duration duration)
{
    return duration >= CLEAT_PER_SECOND && duration <= CLEAT_PER_YEAR ? names[duration] : NULL;
}

bool cleat__duration_find(const char *name, cleat_rate_limit_duration *out)
{
    for (int i = CLEAT_PER_SECOND; i <= CLEAT_PER_YEAR; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (cleat_rate_limit_duration)i;
            return true;
        }
    }
    return false;
}
