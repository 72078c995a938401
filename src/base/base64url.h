/* Base64 with the URL alphabet and without padding (RFC 4648 section 5), as tokens have it. */
#ifndef CLEAT_BASE_BASE64URL_H
#define CLEAT_BASE_BASE64URL_H

#include <cleat/status.h>

/* Bytes that `size` characters stand for, at most. */
#define CLEAT__BASE64URL_DECODED(size) ((size) / 4 * 3 + 2)

/* Strict: one text for each content, so no other character, no padding, no bits that are set behind the
 * end. `out` has room for CLEAT__BASE64URL_DECODED(text.size) bytes. On failure it is undefined. */
bool cleat__base64url_decode(cleat_slice text, uint8_t *out, size_t *size);

#endif
