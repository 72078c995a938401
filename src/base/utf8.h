/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef CLEAT_BASE_UTF8_H
#define CLEAT_BASE_UTF8_H

#include <cleat/status.h>

/*
 * The size of the longest prefix that is whole, valid characters: `size` itself when all is valid.
 * Given the first N bytes of valid text it cuts at the last character boundary.
 */
size_t cleat__utf8_valid_prefix(const char *text, size_t size);

/* The size of the first `*characters` characters of valid text, by which that is made smaller. */
size_t cleat__utf8_cut(const char *text, size_t size, uint32_t *characters);

/* U+FFFD, what an invalid byte is replaced by. */
#define CLEAT__UTF8_REPLACEMENT "\xEF\xBF\xBD"

#endif
