/* The same over gRPC and HTTP to a server in this process. */
#include "support/sdk_remote.h"
#include "support/trigger_suite.h"

int main(void)
{
    static const sdk_target target = {"remote", sdk_remote_open, sdk_remote_close};
    return trigger_suite_run(&target);
}
