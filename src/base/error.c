#include "base/error.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdio.h>

enum { MESSAGE_SIZE = 1024 };

/*
 * On the heap, since thread-local memory is scarce: that of this library is initial-exec (see
 * trace/local.h), and where a program loads it with dlopen() the C library has some hundred bytes
 * of it for all such libraries together. tools/check-size watches it.
 */
static _Thread_local char *buffer;        /* MESSAGE_SIZE, from the first failure on */
static _Thread_local const char *message; /* in `buffer`, or static; NULL: none yet */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_exit;
static bool has_key;

static void release(void *argument)
{
    message = NULL;
    buffer = NULL;
    cleat__free(argument);
}

static void make_key(void)
{
    has_key = pthread_key_create(&at_thread_exit, release) == 0;
}

/* NULL on no memory. */
static char *buffer_of_thread(void)
{
    if (buffer == NULL) {
        pthread_once(&once, make_key);
        char *made = has_key ? cleat__malloc(MESSAGE_SIZE) : NULL;
        if (made != NULL && pthread_setspecific(at_thread_exit, made) != 0) {
            cleat__free(made);
            made = NULL;
        }
        buffer = made;
    }
    return buffer;
}

const char *cleat_error_message(void)
{
    return message != NULL ? message : "";
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
    /* Not straight into the buffer: an argument may be the message before. */
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
    char *kept = buffer_of_thread();
    message = kept != NULL ? memcpy(kept, text, strlen(text) + 1) : cleat_status_text(status);
    return status;
}

cleat_status cleat__fail_memory(void)
{
    return cleat__fail(CLEAT_NO_MEMORY, "%s", cleat_status_text(CLEAT_NO_MEMORY));
}
