/*
 * A server that says what a test wants it to: each method counts and keeps what it is sent, fails as
 * often as it is told, and else answers as an engine would that has nothing to do.
 */
#ifndef CLEAT_TESTS_MOCK_ENGINE_H
#define CLEAT_TESTS_MOCK_ENGINE_H

#include "base/buffer.h"
#include "server/rpc.h"
#include "support/gate.h"
#include "transport/settings.h"
#include "wire/dispatcher.pb-c.h"

enum mock_method {
    MOCK_VERSION,
    MOCK_REGISTER,
    MOCK_LISTEN,
    MOCK_LISTEN_OLD,
    MOCK_HEARTBEAT,
    MOCK_EVENT,
    MOCK_BATCH_EVENT,
    MOCK_SUBSCRIBE,
    MOCK_UNSUBSCRIBE,
    MOCK_PUT_WORKFLOW,
    MOCK_CANCEL,
    MOCK_DETAILS,
    MOCK_TRIGGER,
    MOCK_BULK,
    MOCK_LOG,
    MOCK_SCHEDULE,
    MOCK_PUSH,
    MOCK_BULK_PUSH,
    MOCK_STREAM,
    MOCK_WATCH,
    MOCK_REPLAY,
    MOCK_LABELS,
    MOCK_EXPORT,
    MOCK_DURABLE,
    MOCK_METHODS,
};

enum { MOCK_MESSAGES = 64, MOCK_HELD = 16 };

typedef struct mock_engine mock_engine;

typedef struct mock_slot {
    mock_engine *engine;
    enum mock_method method;
    gate calls; /* messages, for the stream of results */
    /* Under the engine's mutex. */
    cleat__buffer messages[MOCK_MESSAGES]; /* the first ones */
    size_t message_count;
    cleat_status failure;
    int failures; /* that many calls to come fail; negative: all */
    const char *failure_text;
    cleat_slice failure_details;
    const char *failure_part;         /* NULL, or only calls whose message has this in it fail */
    bool is_silent;                   /* it does not answer */
    cleat__rpc_call *held[MOCK_HELD]; /* calls that are open: streams, and those without an answer */
    size_t held_count;
    gate ended; /* of those, by the client */
} mock_slot;

struct mock_engine {
    cleat__rpc_server *server;
    pthread_mutex_t mutex;
    mock_slot slots[MOCK_METHODS];
    const char *_Atomic version;
    char token[512];
    atomic_bool is_run_done;     /* what GetRunDetails says */
    atomic_bool lists_cancelled; /* CancelTasks names what it was given */
    atomic_int ends_as; /* how CancelTasks finds or makes the run ended; 0: it says nothing of that */
    /* Requests of durable tasks are answered as they come, each node new. */
    atomic_bool answers_durable;
    atomic_int durable_node; /* the last one */
};

/* What differs from a server in plain text at any port. */
typedef struct mock_options {
    const char *address;
    const char *certificate_file, *key_file, *client_authorities_file;
} mock_options;

void mock_start(mock_engine *engine, mock_options options);
void mock_stop(mock_engine *engine);
/* For a client of this engine, with short times. */
cleat__remote_settings mock_settings(const mock_engine *engine);
/* A token that says where the server is; to be freed. */
char *mock_token(const char *address);

void mock_fail(mock_engine *engine, enum mock_method method, cleat_status status, const char *text,
               int count);
void mock_fail_part(mock_engine *engine, enum mock_method method, cleat_status status, const char *part);
/* The same as mock_fail() with grpc-status-details-bin, which stays where it is. */
void mock_fail_detail(mock_engine *engine, enum mock_method method, cleat_status status, const char *text,
                      cleat_slice details, int count);
void mock_be_silent(mock_engine *engine, enum mock_method method, bool is_silent);
int mock_count(mock_engine *engine, enum mock_method method);
void mock_wait(mock_engine *engine, enum mock_method method, int count);
/* Message number `index` of a method, waited for; to be freed with cleat__message_free(). */
void *mock_message(mock_engine *engine, enum mock_method method, int index);

/* On the stream that is open; fails the test when none is, in time. */
void mock_send(mock_engine *engine, enum mock_method method, const void *message);
void mock_end(mock_engine *engine, enum mock_method method, cleat_status status, const char *text);
/* The one that has been open longest, as long as none has ended. */
void mock_end_oldest(mock_engine *engine, enum mock_method method, cleat_status status, const char *text);

#define MOCK_WORKER_ID "01890000-0000-7000-8000-0000000000aa"
#define MOCK_RUN_ID    "01890000-0000-7000-8000-000000000001"

#endif
