/* Span limits: options, else environment, else the specification's defaults ("Span limits"). */
#include "base/env.h"
#include "provider.h"
#include "text.h"

static uint32_t from_environment(const char *name, uint32_t fallback)
{
    return (uint32_t)cleat__env_int(name, fallback, 0, UINT32_MAX);
}

static uint32_t choose(uint32_t option, uint32_t otherwise)
{
    return option == 0 ? otherwise : option == CLEAT_LIMIT_NONE ? 0 : option;
}

void cleat__limits_resolve(const cleat_span_limits *options, cleat__limits *out)
{
    uint32_t attributes = from_environment("OTEL_ATTRIBUTE_COUNT_LIMIT", 128);
    attributes = from_environment("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", attributes);
    uint32_t length = from_environment("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", CLEAT__NO_LIMIT);
    length = from_environment("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", length);
    length = choose(options->attribute_value_length, length);
    *out = (cleat__limits){
        .span = {choose(options->attributes, attributes), length},
        .event = {choose(options->attributes_per_event,
                         from_environment("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", 128)),
                  length},
        .link = {choose(options->attributes_per_link,
                        from_environment("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", 128)),
                 length},
        .events = choose(options->events, from_environment("OTEL_SPAN_EVENT_COUNT_LIMIT", 128)),
        .links = choose(options->links, from_environment("OTEL_SPAN_LINK_COUNT_LIMIT", 128)),
    };
}
