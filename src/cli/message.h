/* What the command says when something is wrong: one line on standard error, and an exit code. */
#ifndef CLEAT_CLI_MESSAGE_H
#define CLEAT_CLI_MESSAGE_H

#include <cleat/status.h>

/* Exit codes of the command. */
enum { CLEAT__EXIT_OK = 0, CLEAT__EXIT_FAILED = 1, CLEAT__EXIT_USAGE = 2 };

/* One line on standard error, "cleat: ...": answers CLEAT__EXIT_FAILED. */
int cleat__complain(const char *format, ...) CLEAT_PRINTF(1, 2);
/* The same with cleat_error_message(). */
int cleat__complain_status(cleat_status status);
/* The same with a hint at --help: answers CLEAT__EXIT_USAGE. */
int cleat__complain_usage(const char *verb, const char *format, ...) CLEAT_PRINTF(2, 3);

/* Flushes standard output: a disk that is full must not look like success. */
int cleat__finish_output(void);

#endif
