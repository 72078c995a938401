/* Lists and figures, with the engine in the process. */
#include "support/lists_suite.h"

static cleat_status open_embedded(const char *database, cleat_client **out)
{
    return cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database), out);
}

int main(void)
{
    static const sdk_target target = {"embedded", open_embedded, cleat_client_free};
    return lists_suite_run(&target);
}
