/*
 * Parent, link or none: telemetry.md sections 2 and 3 as pure functions. No I/O, no clock, no
 * globals; the instrumentor feeds them and acts on what they say.
 */
#ifndef CLEAT_TOPOLOGY_TOPOLOGY_H
#define CLEAT_TOPOLOGY_TOPOLOGY_H

#include "cleat/propagation.h"
#include "cleat/run.h"

#define CLEAT__CARRIER_ORIGIN_TRACEPARENT "cleat__origin_traceparent"
#define CLEAT__CARRIER_ORIGIN_TRACESTATE  "cleat__origin_tracestate"
#define CLEAT__CARRIER_TRACE              "cleat__trace"
#define CLEAT__LINK_KIND                  "cleat.link.kind"

/* Trace budget (section 3, rule 3), and the numbers that ride in the tracestate member `cleat`. */
typedef struct cleat__budget {
    uint32_t max_depth; /* 0: no limit, each */
    int64_t max_age_s;
    uint32_t max_spans;
} cleat__budget;

typedef struct cleat__budget_state {
    uint64_t depth;  /* d: queue hops since the root */
    int64_t start_s; /* t: Unix seconds of the trace's first span */
    uint64_t spans;  /* n: queued descendants so far */
} cleat__budget_state;

/* "d:1;t:65a..;n:2" with base-16 numbers; false when absent or malformed (then *out is zero). */
bool cleat__budget_read(const cleat_span_context *context, cleat__budget_state *out);
cleat_status cleat__budget_write(cleat_span_context *context, const cleat__budget_state *state);
bool cleat__budget_exceeded(const cleat__budget *budget, const cleat__budget_state *state, int64_t now_s);

/* What a carrier says. Contexts that are absent or invalid are all zero. */
typedef struct cleat__carrier_contexts {
    cleat_span_context spawn;
    cleat_span_context origin;     /* equals `spawn` where the carrier names no other */
    cleat_trace_relation relation; /* the call's own choice, or CLEAT_TRACE_DEFAULT */
    bool usable;                   /* holds a valid traceparent */
} cleat__carrier_contexts;
void cleat__carrier_read(const cleat_text_map *carrier, cleat__carrier_contexts *out);

/* The caller's side: writes traceparent, tracestate (with the budget numbers), the origin keys
 * (only where origin differs from spawn) and the per-call choice. Invalid `spawn` writes no
 * trace keys and touches no user key. `state` NULL: no budget member. */
typedef struct cleat__injection {
    const cleat_span_context *spawn;  /* the producer span */
    const cleat_span_context *origin; /* of the run this call is made in; NULL or invalid: none */
    const cleat__budget_state *state;
    cleat_trace_relation relation;
} cleat__injection;
cleat_status cleat__carrier_write(const cleat_text_map *carrier, const cleat__injection *injection);

/* Where the invocations of a workflow and its queued steps belong (section 6). */
typedef enum cleat__trace_mode {
    CLEAT__TRACE_MODE_LINKED,     /* each a trace of its own, with links to where it comes from */
    CLEAT__TRACE_MODE_CONTINUOUS, /* all below the origin, with a link to what delivered them */
} cleat__trace_mode;
/* "linked", "continuous". */
const char *cleat__trace_mode_name(cleat__trace_mode mode);
/* "" is LINKED. False: it is no mode, and LINKED. */
bool cleat__trace_mode_parse(cleat_slice text, cleat__trace_mode *out);

/* The consumer's side. */
typedef struct cleat__decision_input {
    cleat__carrier_contexts carrier;
    bool predicate; /* use_links_instead_of_parent said true */
    cleat__budget budget;
    int64_t now_s;
    cleat_trace_relation mode; /* of a task: the default, PARENT */
    bool is_workflow;          /* or a queued step of one: then this is its mode */
    cleat__trace_mode trace_mode;
    bool sampling_across_links;
} cleat__decision_input;

typedef enum cleat__link_kind {
    CLEAT__LINK_SPAWN,
    CLEAT__LINK_DELIVERY,
    CLEAT__LINK_ORIGIN,
} cleat__link_kind;
const char *cleat__link_kind_name(cleat__link_kind kind); /* "spawn" ... */

typedef struct cleat__decision {
    cleat_trace_relation relation; /* PARENT, LINK or NONE */
    const char *reason;            /* "call", "predicate", "budget", "mode": for logs and tests */
    cleat_span_context parent;     /* valid only for PARENT with a usable carrier */
    size_t link_count;             /* 0 .. 2, for LINK; 0 .. 1 for PARENT of a continuous workflow */
    struct {
        cleat__link_kind kind;
        cleat_span_context context;
    } links[2];
    cleat_span_context root; /* only its trace_state counts: for a new root (ot=rv of the origin) */
    /* What this run forwards as origin: the carrier's origin where usable; else invalid, and the
     * consumer span itself becomes the origin. */
    cleat_span_context origin;
} cleat__decision;
void cleat__decide(const cleat__decision_input *input, cleat__decision *out);

#endif
