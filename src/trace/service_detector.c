/* Source: OpenTelemetry semantic conventions, "Service" resource. */
#include "base/uuid.h"
#include "resource_parts.h"

#include <stdatomic.h>
#include <unistd.h>

/* The finaliser of SplitMix64: every bit of the input changes half of the output. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* Random, and then the same for ever; zero is what is not chosen yet. */
static uint64_t choose_once(_Atomic uint64_t *half)
{
    uint64_t chosen = atomic_load_explicit(half, memory_order_relaxed);
    uint64_t candidate = cleat__random_next(cleat__random_thread()) | 1;
    if (chosen == 0 && atomic_compare_exchange_strong_explicit(half, &chosen, candidate, memory_order_relaxed,
                                                               memory_order_relaxed)) {
        return candidate;
    }
    return chosen;
}

/*
 * A random UUID (RFC 9562, version 4), as the conventions recommend, of this process: a forked child
 * is an instance of its own, so the process id goes in. No lock, which the fork might catch held.
 */
static cleat__uuid instance_of_process(void)
{
    static _Atomic uint64_t chosen[2];
    uint64_t process = (uint64_t)getpid();
    uint64_t halves[2] = {mix(choose_once(&chosen[0]) + process), mix(choose_once(&chosen[1]) - process)};
    cleat__uuid uuid;
    memcpy(uuid.bytes, halves, sizeof(uuid.bytes));
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
    return uuid;
}

static cleat_status detect_service(void *user_data, cleat_resource **out)
{
    char text[37];
    (void)user_data;
    cleat__uuid instance = instance_of_process();
    cleat__uuid_format(&instance, text);
    const cleat_attribute attribute = cleat_attribute_string("service.instance.id", text);
    return cleat__detected(&attribute, 1, out);
}

const cleat_resource_detector *cleat_resource_detector_service(void)
{
    static const cleat_resource_detector detector = {"service", detect_service, NULL};
    return &detector;
}
