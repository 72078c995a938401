/* Bytes as URLs and headers escape them (RFC 3986, "Percent-Encoding"). */
#ifndef CLEAT_BASE_PERCENT_H
#define CLEAT_BASE_PERCENT_H

#include <stdint.h>

enum { CLEAT__PERCENT_SIZE = 3 };

/* Writes "%C3", without a NUL; what stands behind it. */
static inline char *cleat__percent_put(char *at, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    *at++ = '%';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

#endif
