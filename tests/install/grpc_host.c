/* A program that traces as the environment says, with OTEL_EXPORTER_OTLP_PROTOCOL=grpc. */
#include <cleat/trace.h>
#include <stdio.h>

static void on_message(void *user_data, cleat_log_level level, const char *message)
{
    (void)level;
    fprintf(stderr, "%s\n", message);
    *(int *)user_data = 1;
}

int main(void)
{
    int failed = 0;
    cleat_log_set_handler(on_message, &failed, CLEAT_LOG_WARN);
    if (cleat_tracing_start(NULL) != CLEAT_OK || cleat_tracing_stop(1000) != CLEAT_OK) {
        fprintf(stderr, "%s\n", cleat_error_message());
        failed = 1;
    }
    return failed;
}
