/* The same over gRPC and HTTP to a server in this process. */
#include "support/lists_suite.h"
#include "support/sdk_remote.h"

int main(void)
{
    static const sdk_target target = {"remote", sdk_remote_open, sdk_remote_close};
    return lists_suite_run(&target);
}
