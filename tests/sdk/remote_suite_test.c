/* What a program does with the public headers, over gRPC and HTTP to a server in this process. */
#include "support/sdk_remote.h"
#include "support/sdk_suite.h"

int main(void)
{
    static const sdk_target target = {"remote", sdk_remote_open, sdk_remote_close};
    return sdk_suite_run(&target);
}
