/*
 * By hand, as no library that libcleat links has it in its interface (OpenSSL's decoder knows neither
 * the alphabet nor texts without padding, and passes over what it does not know).
 */
#include "base/base64url.h"

/* 64 for what is no digit. */
static unsigned digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

bool cleat__base64url_decode(cleat_slice text, uint8_t *out, size_t *size)
{
    uint32_t bits = 0;
    int count = 0; /* bits that wait for the rest of their byte */
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = digit_of(text.data[i]);
        if (digit > 63) {
            return false;
        }
        bits = (bits << 6 | digit) & 0xFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[(*size)++] = (uint8_t)(bits >> count);
        }
    }
    /* Six bits are a digit too many; two or four are the padding of the last byte. */
    return count < 6 && (bits & ((1u << count) - 1)) == 0;
}
