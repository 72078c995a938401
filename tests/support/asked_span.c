#include "support/asked_span.h"

#include <stdlib.h>

#define FIRST_NS INT64_C(1700000000000000000)

static int64_t read_clock(void *user_data)
{
    return ((asker *)user_data)->now_ns;
}

void asker_init(asker *self, uint64_t seed)
{
    *self = (asker){.now_ns = FIRST_NS};
    cleat__random_init(&self->random, seed);
}

void asker_deinit(asker *self)
{
    asker_forget(self);
    free((void *)self->blocks);
    *self = (asker){.now_ns = 0};
}

cleat_clock asker_clock(asker *self)
{
    return (cleat_clock){self, read_clock, read_clock};
}

/* Few, to be reached, or as many as by default. */
static uint32_t random_limit(asker *self, uint64_t few)
{
    return asker_chance(self, 3) ? (uint32_t)asker_below(self, few + 1) : 128;
}

static uint32_t option_of(uint32_t limit)
{
    return limit == 0 ? CLEAT_LIMIT_NONE : limit;
}

cleat_tracer_provider_options asker_provider_options(asker *self, const cleat_clock *clock)
{
    cleat_span_limits *limits = &self->limits;
    limits->attributes = random_limit(self, 6);
    limits->events = random_limit(self, 3);
    limits->links = random_limit(self, 3);
    limits->attributes_per_event = random_limit(self, 3);
    limits->attributes_per_link = random_limit(self, 3);
    limits->attribute_value_length = asker_chance(self, 3) ? (uint32_t)asker_below(self, 70) : UINT32_MAX;
    return (cleat_tracer_provider_options){
        .struct_size = sizeof(cleat_tracer_provider_options),
        .clock = clock,
        .sampler = cleat_sampler_always_on(),
        .limits =
            {
                .attributes = option_of(limits->attributes),
                .events = option_of(limits->events),
                .links = option_of(limits->links),
                .attributes_per_event = option_of(limits->attributes_per_event),
                .attributes_per_link = option_of(limits->attributes_per_link),
                /* No limit is what the environment says, by default. */
                .attribute_value_length = limits->attribute_value_length == UINT32_MAX
                                              ? 0
                                              : option_of(limits->attribute_value_length),
            },
    };
}

/* ---- Contexts ---- */

static void random_trace_state(asker *self, cleat_span_context *context)
{
    static const char *const states[] = {"", "a=b", "vendor@sys=v;1,rojo=00f067aa0ba902b7",
                                         "ot=th:8;rv:ffffffffffffff"};
    char longest[CLEAT_TRACE_STATE_MAX + 1] = "k=";
    cleat_slice state = cleat_slice_of(states[asker_below(self, sizeof(states) / sizeof(states[0]))]);
    if (asker_chance(self, 20)) { /* as long as one member may be */
        memset(longest + 2, 'v', 256);
        state = cleat_slice_of(longest);
    }
    cleat_trace_state_parse(context, state);
}

static cleat_span_context random_context(asker *self)
{
    cleat_span_context context = {.trace_flags = (uint8_t)asker_below(self, 256)};
    context.is_remote = asker_chance(self, 2);
    for (size_t i = 0; i < sizeof(context.trace_id.bytes); i++) {
        context.trace_id.bytes[i] = (uint8_t)asker_below(self, 256);
    }
    for (size_t i = 0; i < sizeof(context.span_id.bytes); i++) {
        context.span_id.bytes[i] = (uint8_t)asker_below(self, 256);
    }
    context.trace_id.bytes[0] |= 1;
    context.span_id.bytes[0] |= 1;
    random_trace_state(self, &context);
    return context;
}

/* ---- Parts of a span ---- */

typedef struct random_link {
    cleat_link given;
    asked_list attributes;
} random_link;

static void make_link(asker *self, random_link *out)
{
    cleat_span_context *context = asker_alloc(self, sizeof(*context));
    *context = random_context(self);
    if (asker_chance(self, 8)) { /* half a context is none */
        memset(&context->span_id, 0, sizeof(context->span_id));
    }
    asker_attributes(self, asker_chance(self, 2) ? 0 : 6, self->limits.attributes_per_link,
                     self->limits.attribute_value_length, &out->attributes);
    out->given = (cleat_link){context, out->attributes.given, out->attributes.given_count};
}

static void *append(asker *self, void *items, size_t count, const void *item, size_t size)
{
    char *longer = asker_alloc(self, (count + 1) * size);
    if (count != 0) {
        memcpy(longer, items, count * size);
    }
    memcpy(longer + count * size, item, size);
    return longer;
}

static void ask_link(asker *self, asked_span *asked, const random_link *link)
{
    if (link->given.attribute_count == 0 && !cleat_span_context_is_valid(link->given.context)) {
        return; /* nothing would be told by it */
    }
    if (asked->link_count >= self->limits.links) {
        asked->dropped_links++;
        return;
    }
    asked_link made = {*link->given.context, link->attributes.expected};
    asked->links = append(self, asked->links, asked->link_count++, &made, sizeof(made));
}

/* Events have few attributes mostly, so that spans stay of a size that people have. */
static void ask_event(asker *self, asked_span *asked, cleat_slice name, int64_t time_ns,
                      const asked_attributes *attributes)
{
    if (asked->event_count >= self->limits.events) {
        asked->dropped_events++;
        return;
    }
    asked_event made = {asked_text(self, name, UINT32_MAX), time_ns > 0 ? time_ns : self->now_ns,
                        *attributes};
    asked->events = append(self, asked->events, asked->event_count++, &made, sizeof(made));
}

static int64_t random_time(asker *self)
{
    switch (asker_below(self, 8)) {
    case 0: return 1;
    case 1: return INT64_MAX;
    case 2: return -5; /* as good as none */
    case 3: return self->now_ns - (int64_t)asker_below(self, 1000000);
    case 4: return self->now_ns + (int64_t)asker_below(self, 1000000);
    default: return 0;
    }
}

static void add_event(asker *self, cleat_span span, asked_span *asked)
{
    asked_list list;
    cleat_slice name = asker_text(self, 1000);
    int64_t time_ns = random_time(self);
    asker_attributes(self, 5, self->limits.attributes_per_event, self->limits.attribute_value_length, &list);
    cleat_span_add_event(span, name.data, list.given, list.given_count, time_ns);
    ask_event(self, asked, name, time_ns, &list.expected);
}

static void add_exception(asker *self, cleat_span span, asked_span *asked)
{
    const char *type = asker_chance(self, 3) ? NULL : "Timeout";
    const char *message = asker_chance(self, 3) ? NULL : asker_text(self, 200).data;
    const char *stacktrace = asker_chance(self, 3) ? NULL : "main.c:1\nlibc";
    const cleat_attribute base[] = {
        cleat_attribute_string("exception.type", type),
        cleat_attribute_string("exception.message", message),
        cleat_attribute_string("exception.stacktrace", stacktrace),
    };
    const uint32_t limit = self->limits.attributes_per_event, length = self->limits.attribute_value_length;
    asked_list list;
    asked_attributes expected = {0};
    asker_attributes(self, 3, limit, length, &list);
    cleat_span_record_exception(span, type, message, stacktrace, list.given, list.given_count);
    for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
        asked_put(self, &expected, &base[i], limit, length);
    }
    for (size_t i = 0; i < list.given_count; i++) {
        asked_put(self, &expected, &list.given[i], limit, length);
    }
    ask_event(self, asked, cleat_slice_of("exception"), 0, &expected);
}

static void set_attribute(asker *self, cleat_span span, asked_span *asked)
{
    const cleat_attribute given = asker_attribute(self);
    const char *key = given.key.data;
    asked_put(self, &asked->attributes, &given, self->limits.attributes, self->limits.attribute_value_length);
    if (asker_chance(self, 2)) {
        cleat_span_set_attribute(span, &given);
        return;
    }
    switch (given.value.type) {
    case CLEAT_VALUE_STRING:
        if (asker_chance(self, 2)) {
            cleat_span_set_string(span, key, given.value.as.string.data);
        } else {
            cleat_span_set_slice(span, key, given.value.as.string);
        }
        return;
    case CLEAT_VALUE_BOOL: cleat_span_set_bool(span, key, given.value.as.boolean); return;
    case CLEAT_VALUE_INT: cleat_span_set_int(span, key, given.value.as.integer); return;
    case CLEAT_VALUE_DOUBLE: cleat_span_set_double(span, key, given.value.as.real); return;
    default: cleat_span_set_attribute(span, &given); return;
    }
}

static void set_status(asker *self, cleat_span span, asked_span *asked)
{
    cleat_span_status status = (cleat_span_status)asker_below(self, 3);
    cleat_slice message = asker_chance(self, 4) ? (cleat_slice){NULL, 0} : asker_text(self, 500);
    cleat_span_set_status(span, status, message.data);
    if (status == CLEAT_SPAN_STATUS_UNSET || asked->status == CLEAT_SPAN_STATUS_OK) {
        return;
    }
    asked->status = status;
    asked->status_message =
        status == CLEAT_SPAN_STATUS_ERROR ? asked_text(self, message, UINT32_MAX) : (cleat_slice){NULL, 0};
}

static void do_something(asker *self, cleat_span span, asked_span *asked)
{
    random_link link;
    cleat_slice name;
    self->now_ns += (int64_t)asker_below(self, 5000);
    switch (asker_below(self, 12)) {
    case 0: add_event(self, span, asked); return;
    case 1: add_exception(self, span, asked); return;
    case 2:
        make_link(self, &link);
        cleat_span_add_link(span, &link.given);
        ask_link(self, asked, &link);
        return;
    case 3: set_status(self, span, asked); return;
    case 4:
        name = asker_text(self, 20000);
        cleat_span_update_name(span, name.data);
        asked->name = asked_text(self, name, UINT32_MAX);
        return;
    default: set_attribute(self, span, asked); return;
    }
}

/* ---- The whole ---- */

/* The context of the parent, if any; says what follows from it. NULL: a root span. */
static cleat_context *make_parent(asker *self, cleat_span_options *options, asked_span *asked)
{
    cleat_span_context parent = random_context(self);
    asked->flags = 0x100 | CLEAT_TRACE_FLAG_SAMPLED | CLEAT_TRACE_FLAG_RANDOM;
    if (asker_chance(self, 3)) {
        options->root = asker_chance(self, 2); /* the context of this thread is empty, too */
        asked->context.trace_state_size = parent.trace_state_size;
        memcpy(asked->context.trace_state, parent.trace_state, parent.trace_state_size);
        options->trace_state = (cleat_slice){asked->context.trace_state, parent.trace_state_size};
        return NULL;
    }
    asked->context = parent;
    asked->parent_span_id = parent.span_id;
    asked->flags = 0x100u | CLEAT_TRACE_FLAG_SAMPLED | (parent.trace_flags & CLEAT_TRACE_FLAG_RANDOM) |
                   (parent.is_remote ? 0x200u : 0);
    cleat_context *context = cleat_context_with_span_context(NULL, &parent);
    options->parent = context;
    return context;
}

static cleat_span start(asker *self, cleat_tracer *tracer, asked_span *asked)
{
    const cleat_slice name = asker_text(self, 20000);
    asked_list list;
    asker_attributes(self, asker_chance(self, 10) ? 150 : 6, self->limits.attributes,
                     self->limits.attribute_value_length, &list);
    cleat_span_options options = {
        .struct_size = sizeof(options),
        .kind = (cleat_span_kind)asker_below(self, 6),
        .attributes = list.given,
        .attribute_count = list.given_count,
        .start_time_ns = random_time(self),
        .link_count = asker_chance(self, 3) ? asker_below(self, 6) : 0,
    };
    random_link *links = asker_alloc(self, options.link_count * sizeof(*links));
    cleat_link *given = asker_alloc(self, options.link_count * sizeof(*given));
    for (size_t i = 0; i < options.link_count; i++) {
        make_link(self, &links[i]);
        given[i] = links[i].given;
        ask_link(self, asked, &links[i]);
    }
    options.links = given;
    asked->name = asked_text(self, name, UINT32_MAX);
    asked->kind = options.kind != CLEAT_SPAN_KIND_DEFAULT ? options.kind : CLEAT_SPAN_KIND_INTERNAL;
    asked->attributes = list.expected;
    asked->start_time_ns = options.start_time_ns > 0 ? options.start_time_ns : self->now_ns;
    cleat_context *parent = make_parent(self, &options, asked);
    cleat_span span = cleat_span_start(tracer, name.data, &options);
    cleat_context_release(parent);
    return span;
}

void asker_span(asker *self, cleat_tracer *tracer, asked_span *out)
{
    *out = (asked_span){.event_count = 0};
    cleat_span span = start(self, tracer, out);
    cleat_span_context actual;
    cleat_span_get_context(span, &actual);
    if (out->parent_span_id.bytes[0] == 0) {
        out->context.trace_id = actual.trace_id;
    }
    out->context.span_id = actual.span_id;
    for (uint64_t i = asker_below(self, asker_chance(self, 20) ? 200 : 12); i > 0; i--) {
        do_something(self, span, out);
    }
    self->now_ns += (int64_t)asker_below(self, 1000000);
    int64_t end_ns = random_time(self);
    out->end_time_ns = end_ns > 0 ? end_ns : self->now_ns;
    if (out->end_time_ns < out->start_time_ns) {
        out->end_time_ns = out->start_time_ns;
    }
    cleat_span_end_at(span, end_ns);
}
