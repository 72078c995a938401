#include "base/utf8.h"

/* Bytes of the character that starts at `text`, which is not ASCII; 0 when it is not valid. */
static size_t character_size(const unsigned char *text, size_t size)
{
    unsigned char first = text[0];
    size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length == 0 || length > size) {
        return 0;
    }
    /* The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF. */
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

size_t cleat__utf8_valid_prefix(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < size) {
        uint64_t eight;
        while (size - at >= sizeof(eight)) {
            memcpy(&eight, bytes + at, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            at += sizeof(eight);
        }
        if (at == size) {
            break;
        }
        size_t length = bytes[at] < 0x80 ? 1 : character_size(bytes + at, size - at);
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

size_t cleat__utf8_cut(const char *text, size_t size, uint32_t *characters)
{
    size_t at = 0;
    for (; at < size; at++) {
        bool is_first = ((unsigned char)text[at] & 0xC0) != 0x80;
        if (is_first && *characters == 0) {
            break;
        }
        *characters -= is_first;
    }
    return at;
}
