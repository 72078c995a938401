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
