/* The worker of the nightly test, a process of its own: it has everything of the mix, until it is killed. */
#ifndef CLEAT_TESTS_NIGHTLY_WORK_H
#define CLEAT_TESTS_NIGHTLY_WORK_H

#include <cleat/client.h>

/* Waits for its server however long. NULL: cleat_error_message() says why. */
cleat_client *work_connect(const char *token, const char *grpc, const char *http);
/* The program's exit code. */
int work(const char *token, const char *grpc, const char *http);

#endif
