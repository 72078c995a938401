/* A target of the SDK's suites: a server in this process, over gRPC and HTTP. One client at a time. */
#ifndef CLEAT_TESTS_SDK_REMOTE_H
#define CLEAT_TESTS_SDK_REMOTE_H

#include <cleat/cleat.h>

cleat_status sdk_remote_open(const char *database, cleat_client **out);
void sdk_remote_close(cleat_client *client);

#endif
