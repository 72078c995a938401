#include "base/hex.h"

void cleat__hex_encode(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

bool cleat__hex_decode(cleat_slice text, uint8_t *bytes, size_t size)
{
    if (text.size % 2 != 0 || text.size / 2 != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned high = cleat__hex_digit(text.data[2 * i]);
        unsigned low = cleat__hex_digit(text.data[2 * i + 1]);
        if ((high | low) > 15) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
