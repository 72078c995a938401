/*
 * When a failed export is tried again: exponential back-off with jitter, and what the server asked
 * for where that is longer, as long as it ends before the export's deadline.
 *
 * Source: OTLP specification, "OTLP/gRPC Throttling", "OTLP/HTTP Retryable Response Codes".
 */
#ifndef CLEAT_OTLP_RETRY_H
#define CLEAT_OTLP_RETRY_H

#include "settings.h"

/*
 * Milliseconds to wait before the next attempt, after `attempts` (1 ...) failed ones; `asked_ms` is what
 * the server wants (0: nothing). -1: give up, because there is no attempt left or it would
 * begin after `remaining_ms`.
 */
int64_t cleat__otlp_retry_delay_ms(const cleat__otlp_settings *settings, unsigned attempts, int64_t asked_ms,
                                   int64_t remaining_ms);

#endif
