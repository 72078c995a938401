/* What workflows do, with their engine in the process. */
#include "support/workflow_suite.h"

static cleat_status open_embedded(const char *database, cleat_client **out)
{
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database), out);
}

int main(void)
{
    static const sdk_target target = {"embedded", open_embedded, cleat_client_free};
    return workflow_suite_run(&target);
}
