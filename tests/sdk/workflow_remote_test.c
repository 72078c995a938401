/* What workflows do, over gRPC and HTTP to a server in this process. */
#include "support/sdk_remote.h"
#include "support/workflow_suite.h"

int main(void)
{
    static const sdk_target target = {"remote", sdk_remote_open, sdk_remote_close};
    int failed = workflow_suite_run(&target);
    failed += workflow_waits_run(&target);
    return failed + workflow_streams_run(&target);
}
