/*
 * Random spans, and what must become of them. Every call of the public API that makes such a span
 * goes with code that works out, in the plainest way and apart from the library's, what the finished
 * span has to hold: limits, repaired and cut strings, overwritten keys, times, flags.
 *
 * Strings hold no NUL: protobuf-c and half of the world's decoders would end them there.
 */
#ifndef CLEAT_TESTS_ASKED_SPAN_H
#define CLEAT_TESTS_ASKED_SPAN_H

#include "base/random.h"

#include <cleat/trace.h>

/* Each key once, in no particular order; values are as they must be in the record. */
typedef struct asked_attributes {
    cleat_attribute *items;
    size_t count;
    uint32_t dropped;
} asked_attributes;

typedef struct asked_event {
    cleat_slice name;
    int64_t time_ns;
    asked_attributes attributes;
} asked_event;

typedef struct asked_link {
    cleat_span_context context;
    asked_attributes attributes;
} asked_link;

typedef struct asked_span {
    cleat_span_context context; /* the ids are those that the library chose */
    cleat_span_id parent_span_id;
    uint32_t flags; /* of the OTLP Span */
    cleat_slice name;
    cleat_span_kind kind;
    int64_t start_time_ns, end_time_ns;
    asked_attributes attributes;
    asked_event *events;
    size_t event_count;
    uint32_t dropped_events;
    asked_link *links;
    size_t link_count;
    uint32_t dropped_links;
    cleat_span_status status;
    cleat_slice status_message;
} asked_span;

/* Where they come from. Not thread-safe. */
typedef struct asker {
    cleat__random random;
    int64_t now_ns;           /* of `clock`; moves on by itself */
    cleat_span_limits limits; /* in force: none is zero unless it means so */
    void **blocks;            /* what the spans borrow from */
    size_t block_count, block_capacity;
} asker;

/* Everything that follows depends on the seed alone, but for the ids. */
void asker_init(asker *self, uint64_t seed);
/* Frees what the spans asked for until now borrow from. */
void asker_forget(asker *self);
void asker_deinit(asker *self);

/* For the provider: the clock, a sampler that keeps everything, and limits, mostly the default ones. */
cleat_clock asker_clock(asker *self);
cleat_tracer_provider_options asker_provider_options(asker *self, const cleat_clock *clock);

/* Makes and ends a span. */
void asker_span(asker *self, cleat_tracer *tracer, asked_span *out);

/* Attributes to give to anything (up to `max`), and what becomes of them under `limit` and `length`. */
typedef struct asked_list {
    cleat_attribute *given;
    size_t given_count;
    asked_attributes expected;
} asked_list;
void asker_attributes(asker *self, size_t max, uint32_t limit, uint32_t length, asked_list *out);

/* ---- For the files of asked_*.c ---- */

uint64_t asker_below(asker *self, uint64_t bound);
/* One time in `times`. */
bool asker_chance(asker *self, uint64_t times);
void *asker_alloc(asker *self, size_t size);
/* A string in memory of exactly its size and a NUL, which is not counted. */
cleat_slice asker_text(asker *self, size_t max);
cleat_slice asker_key(asker *self);
/* What must become of a string: every byte that is not UTF-8 replaced, whole characters up to `limit`
 * bytes. */
cleat_slice asked_text(asker *self, cleat_slice from, uint32_t limit);
/* An attribute with a value of any type, or with none. */
cleat_attribute asker_attribute(asker *self);
/* What setting `given` does to `attributes`. */
void asked_put(asker *self, asked_attributes *attributes, const cleat_attribute *given, uint32_t limit,
               uint32_t length);

#endif
