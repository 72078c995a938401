/* What the command says when something is wrong: one line on standard error, and an exit code. */
#ifndef CLEAT_CLI_MESSAGE_H
#define CLEAT_CLI_MESSAGE_H

#include "base/buffer.h"

/* Exit codes of the command. */
enum { CLEAT__EXIT_OK = 0, CLEAT__EXIT_FAILED = 1, CLEAT__EXIT_USAGE = 2 };

/* One line on standard error, "cleat: ...": answers CLEAT__EXIT_FAILED. */
int cleat__complain(const char *format, ...) CLEAT_PRINTF(1, 2);
/* The same with cleat_error_message(). */
int cleat__complain_status(cleat_status status);
/* The same with a hint at --help: answers CLEAT__EXIT_USAGE. */
int cleat__complain_usage(const char *verb, const char *format, ...) CLEAT_PRINTF(2, 3);

/* From now on what the library has to say outside of a call goes there too, from warnings on. */
void cleat__begin_log(void);

/*
 * At the start of the process. Standard descriptors that are closed get a place holder that cannot
 * be used: else the next file opened, a database, would be taken for standard output. A reader that
 * goes away, as `head` does, must not end the process in the middle of its work (no SIGPIPE).
 */
void cleat__begin_output(void);
/* Flushes standard output: a disk that is full must not look like success. A reader that has seen
 * enough is no failure. */
int cleat__finish_output(void);
/* Prints what was collected, unless memory ran out on the way, frees it, and finishes. */
int cleat__print(cleat__buffer *out);

#endif
