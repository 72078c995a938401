/* A number of bytes, as people write it. */
#ifndef CLEAT_CLI_BYTE_COUNT_H
#define CLEAT_CLI_BYTE_COUNT_H

#include <cleat/status.h>

/* "4096", "500M", "10G": a whole number above 0, with K, M, G or T for powers of 1024. False for anything else. */
bool cleat__byte_count_parse(const char *text, int64_t *out);

#endif
