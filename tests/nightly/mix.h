/*
 * The mix of the nightly test. A ticket is one thing that is asked of the server: a run, an event that starts one, or a
 * run that is to start at a time. Its number says everything else of it, for whoever triggers it, works on it or
 * looks at the file afterwards: its kind, its input, and what must come of it.
 */
#ifndef CLEAT_TESTS_NIGHTLY_MIX_H
#define CLEAT_TESTS_NIGHTLY_MIX_H

#include <cleat/run.h>

typedef enum mix_kind {
    MIX_PLAIN,
    MIX_FLAKY,     /* fails up to three times, and then does not */
    MIX_FAILING,   /* fails for good */
    MIX_KEYED,     /* eight of a key at a time; one key has half of all */
    MIX_LIMITED,   /* so many a second */
    MIX_FAN,       /* has children, of which there must be five, however often it runs */
    MIX_GRAPH,     /* a workflow of several tasks; of every tenth one fails */
    MIX_FLOW,      /* a durable function with steps, a sleep, events and runs that it awaits */
    MIX_BATCHED,   /* is worked on with others of its key; of every ninth nothing comes */
    MIX_CANCELLED, /* is cancelled as soon as it is there */
    MIX_AGAIN,     /* is replayed once it has ended */
    MIX_EVENT,     /* is started by an event */
    MIX_LATER,     /* is put on the schedule */
    MIX_ONCE,      /* has an idempotency key, and is asked for twice */
    MIX_KINDS,
} mix_kind;

enum {
    MIX_INPUT = 96,   /* bytes of an input, at most */
    MIX_CHILDREN = 5, /* of a fan */
    MIX_LEAVES = 2,   /* of a flow */
    MIX_KEY_RUNS = 8, /* of a key, at a time */
    MIX_LANES = 4,    /* of the events that flows wait for */
    MIX_GRAPH_TASKS = 6,
    MIX_BATCH = 20, /* of a key, in a batch */
};

#define MIX_EVENT_KEY "happened"
#define MIX_GO_KEY    "go"
#define MIX_LEAF      "leaf"
#define MIX_TICK      "tick"
#define MIX_LIMIT     "mix"
#define MIX_BATCH_LOG "batch " /* and its id: what a run of one logs */

mix_kind mix_kind_of(int64_t number);
/* Of the workflow. */
const char *mix_name(mix_kind kind);
void mix_input(int64_t number, char input[MIX_INPUT]);
/* The number in an input; -1: there is none. */
int64_t mix_number(const char *input, size_t size);
int mix_priority(int64_t number);
/* What a task makes of its number. */
int64_t mix_made(int64_t number);

int mix_failures(int64_t number);      /* of a flaky one */
bool mix_graph_fails(int64_t number);  /* of a graph: its second task */
bool mix_graph_skips(int64_t number);  /* its third one */
bool mix_flow_waits(int64_t number);   /* of a flow: for an event */
bool mix_flow_goes_on(int64_t number); /* as a new run */
bool mix_batched_fails(int64_t number);
bool mix_cancelled_dawdles(int64_t number); /* so that it is cancelled while it runs */

/* Of a ticket's run, with the state that its kind must end in; `again`: of what a flow goes on as. The output is the
 * whole of it or a part. */
typedef struct mix_end {
    cleat_run_status status;
    char output[MIX_INPUT]; /* or the error, of what fails */
    bool is_part;
} mix_end;
void mix_expect(int64_t number, bool again, mix_end *out);
/* Of a task that makes what its number says, and of one that fails for good. */
void mix_expect_made(int64_t number, mix_end *out);
void mix_expect_failure(int64_t number, mix_end *out);

#endif
