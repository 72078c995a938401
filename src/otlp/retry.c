#include "retry.h"

#include "base/random.h"

/* A server that asks for more than a day is not waited for. */
enum { LONGEST_MS = 24 * 60 * 60 * 1000 };

int64_t cleat__otlp_retry_delay_ms(const cleat__otlp_settings *settings, unsigned attempts, int64_t asked_ms,
                                   int64_t remaining_ms)
{
    if (attempts >= settings->max_attempts || asked_ms > LONGEST_MS) {
        return -1;
    }
    int64_t most_ms = settings->max_backoff_ms < LONGEST_MS ? settings->max_backoff_ms : LONGEST_MS;
    double most = (double)most_ms, backoff = (double)settings->initial_backoff_ms;
    for (unsigned i = 1; i < attempts && backoff < most; i++) {
        backoff *= 1.5;
    }
    backoff = backoff < most ? backoff : most;
    /* From 0.8 to 1.2 times that, so that clients that failed together do not come back together. */
    double jitter = 0.8 + 0.4 * (double)(cleat__random_next(cleat__random_thread()) >> 11) * 0x1p-53;
    int64_t delay = (int64_t)(backoff * jitter);
    delay = delay > asked_ms ? delay : asked_ms;
    return delay < remaining_ms ? delay : -1;
}
