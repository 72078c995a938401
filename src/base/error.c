#include "base/error.h"

#include <stdio.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

const char *cleat_error_message(void)
{
    return message;
}

/* Takes half a UTF-8 character off the end of a text that was cut. */
static void trim_cut_character(char *text)
{
    size_t end = strlen(text);
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0u) == 0x80) {
        end--;
    }
    if (end > 0 && (unsigned char)text[end - 1] >= 0xC0) {
        end--;
    }
    text[end] = '\0';
}

cleat_status cleat__fail(cleat_status status, const char *format, ...)
{
    /* Not straight into `message`: an argument may be the message before. */
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0) {
        text[0] = '\0';
    } else if (size >= MESSAGE_SIZE) {
        trim_cut_character(text);
    }
    memcpy(message, text, strlen(text) + 1);
    return status;
}

cleat_status cleat__fail_memory(void)
{
    return cleat__fail(CLEAT_NO_MEMORY, "%s", cleat_status_text(CLEAT_NO_MEMORY));
}
