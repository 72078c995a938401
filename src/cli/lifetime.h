/* How long something is good for, as people write it. */
#ifndef CLEAT_CLI_LIFETIME_H
#define CLEAT_CLI_LIFETIME_H

#include <cleat/status.h>

/* "90d", "12h", "1d12h30m", "30s": whole numbers with d, h, m or s, from one second to a hundred years.
 * False for anything else. */
bool cleat__lifetime_parse(const char *text, int64_t *out_ms);

#endif
