/* The windows of rate limits by their names. */
#ifndef CLEAT_CLI_DURATION_NAME_H
#define CLEAT_CLI_DURATION_NAME_H

#include <cleat/limit.h>

/* "second" .. "year"; NULL: there is no such window. */
const char *cleat__duration_name(cleat_rate_limit_duration duration);
bool cleat__duration_find(const char *name, cleat_rate_limit_duration *out);

#endif
