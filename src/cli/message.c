#define _GNU_SOURCE /* O_CLOEXEC */
#include "message.h"

#include <cleat/trace.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Line breaks inside a message become blanks: one mistake is one line. */
static void say(const char *prefix, const char *text, const char *suffix)
{
    char line[2048];
    snprintf(line, sizeof(line), "cleat: %s%s%s", prefix, text, suffix);
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
    fflush(stdout);
    fprintf(stderr, "%s\n", line);
}

int cleat__complain(const char *format, ...)
{
    char text[1500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    say("", text, "");
    return CLEAT__EXIT_FAILED;
}

int cleat__complain_status(cleat_status status)
{
    const char *text = cleat_error_message();
    say("", text[0] != '\0' ? text : cleat_status_text(status), "");
    return CLEAT__EXIT_FAILED;
}

int cleat__complain_usage(const char *verb, const char *format, ...)
{
    char text[1500];
    char hint[100];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(hint, sizeof(hint), "; see cleat %s%s--help", verb, verb[0] != '\0' ? " " : "");
    say("", text, hint);
    return CLEAT__EXIT_USAGE;
}

static void on_log(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    fprintf(stderr, "cleat: %s%s\n", level == CLEAT_LOG_ERROR ? "error: " : "", message);
}

void cleat__begin_log(void)
{
    cleat_log_set_handler(on_log, NULL, CLEAT_LOG_WARN);
}

void cleat__begin_output(void)
{
    /* open() answers the lowest free descriptor, which is `fd`: those below are taken. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) {
            return;
        }
    }
    signal(SIGPIPE, SIG_IGN);
}

/* Asked of the descriptor: the errno of the write that failed first may be gone. */
static bool reader_is_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

int cleat__finish_output(void)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && !reader_is_gone()) {
        return cleat__complain("cannot write to standard output");
    }
    return CLEAT__EXIT_OK;
}

int cleat__print(cleat__buffer *out)
{
    int code = CLEAT__EXIT_OK;
    if (out->failed) {
        code = cleat__complain("out of memory");
    } else {
        fwrite(out->data, 1, out->size, stdout);
        code = cleat__finish_output();
    }
    cleat__buffer_deinit(out);
    return code;
}
