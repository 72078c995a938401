#include "trace/header.h"

static bool is_token_character(char character)
{
    char lower = (char)(character | 0x20);
    return cleat__is_digit(character) || cleat__is_lower(lower) ||
           (character != '\0' && strchr("!#$%&'*+-.^_`|~", character) != NULL);
}

bool cleat__is_token(cleat_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_token_character(text.data[i])) {
            return false;
        }
    }
    return text.size != 0;
}

bool cleat__percent_decode(cleat_slice text, char *out, size_t room, size_t *size)
{
    size_t written = 0;
    for (size_t i = 0; i < text.size; i++) {
        char character = text.data[i];
        if (character == '%') {
            int high = text.size - i > 2 ? cleat__hex_value(text.data[i + 1]) : -1;
            int low = text.size - i > 2 ? cleat__hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            character = (char)(high << 4 | low);
            i += 2;
        }
        if (written == room) {
            return false;
        }
        out[written++] = character;
    }
    *size = written;
    return true;
}
