/* The same over gRPC to a server in this process. */
#include "support/dag_runs_suite.h"
#include "support/sdk_remote.h"

int main(void)
{
    static const sdk_target target = {"remote", sdk_remote_open, sdk_remote_close};
    return dag_runs_suite_run(&target);
}
