/* What the tests of the transport over gRPC share: a mock server with a transport to it. */
#ifndef CLEAT_TESTS_TRANSPORT_GRPC_TEST_H
#define CLEAT_TESTS_TRANSPORT_GRPC_TEST_H

#include "support/mock_engine.h"
#include "support/outcome.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "transport/grpc.h"
#include "wire/events.pb-c.h"
#include "wire/message.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/workflows.pb-c.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct fixture {
    mock_engine engine;
    cleat__transport *transport;
} fixture;

/* With other settings than the mock's. */
static inline void reopen(fixture *it, cleat__remote_settings settings)
{
    if (it->transport != NULL) {
        it->transport->free(it->transport);
    }
    assert_ok(cleat__transport_grpc_new(&settings, &it->transport));
}

/* How long a call may take, and how often it is tried; 0: as the mock's. */
typedef struct impatience {
    int64_t call_ms, away_ms;
    unsigned tries;
} impatience;

/* Its first call, which has no more time than the others, is made until it comes through. */
static inline void open_impatient(fixture *it, impatience how)
{
    cleat_status status = CLEAT_TIMEOUT;
    it->transport->free(it->transport);
    while (status == CLEAT_TIMEOUT) {
        cleat__remote_settings settings = mock_settings(&it->engine);
        settings.call_timeout_ms = how.call_ms;
        settings.durable_reconnect_ms = how.away_ms != 0 ? how.away_ms : settings.durable_reconnect_ms;
        settings.tries = how.tries != 0 ? how.tries : settings.tries;
        status = cleat__transport_grpc_new(&settings, &it->transport);
    }
    assert_ok(status);
}

static inline int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    mock_start(&it->engine, (mock_options){0});
    reopen(it, mock_settings(&it->engine));
    *state = it;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *it = *state;
    if (it->transport != NULL) {
        it->transport->free(it->transport);
    }
    mock_stop(&it->engine);
    free(it);
    return 0;
}

static inline cleat__uuid uuid_of(const char *text)
{
    cleat__uuid id;
    assert_ok(cleat__uuid_parse(cleat_slice_of(text), &id));
    return id;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
