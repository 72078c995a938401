/* Workflows that go on as new runs, with their engine in the process and at a server. */
#include "support/sdk_remote.h"
#include "support/workflow_suite.h"

static cleat_status open_embedded(const char *database, cleat_client **out)
{
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database), out);
}

int main(void)
{
    static const sdk_target embedded = {"embedded", open_embedded, cleat_client_free},
                            remote = {"remote", sdk_remote_open, sdk_remote_close};
    int failed = workflow_chains_run(&embedded);
    return failed + workflow_chains_run(&remote);
}
