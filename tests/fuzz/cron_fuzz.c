/*
 * Whatever stands where a cron should. What is one comes again and again: each time is behind the one before, is a
 * whole second that its own fields mean, and is the same from any moment between the two.
 */
#include "model/cron.h"

#include <stdlib.h>
#include <string.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void follow(const cleat__cron *cron, int64_t at_ms)
{
    for (int i = 0; i < 5; i++) {
        int64_t next = cleat__cron_next_ms(cron, at_ms);
        check(next > at_ms || next == INT64_MAX);
        if (next == INT64_MAX) {
            return;
        }
        int64_t second = next / 1000;
        check(next % 1000 == 0 && (cron->seconds >> second % 60 & 1) != 0);
        check((cron->minutes >> second / 60 % 60 & 1) != 0 && (cron->hours >> second / 3600 % 24 & 1) != 0);
        check(at_ms < 0 || cleat__cron_next_ms(cron, at_ms + (next - at_ms) / 2) == next);
        check(cleat__cron_next_ms(cron, next - 1) == next);
        at_ms = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat__cron cron;
    int64_t at_ms = 0;
    if (size >= sizeof(at_ms)) { /* the moment stands at the end */
        memcpy(&at_ms, data + size - sizeof(at_ms), sizeof(at_ms));
    }
    if (cleat__cron_parse((cleat_slice){(const char *)data, size}, &cron) == CLEAT_OK) {
        follow(&cron, at_ms);
        follow(&cron, INT64_C(1700000000000) + (int64_t)size);
    }
    return 0;
}
