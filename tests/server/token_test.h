/* What the tests of tokens share: a file with tenants and tokens, and a server's look at it under a clock
 * that stands still. */
#ifndef CLEAT_TESTS_TOKEN_TEST_H
#define CLEAT_TESTS_TOKEN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/token.h"
#include "server/token_issue.h"
#include "support/raw_token.h"
#include "support/temp_dir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW_S      INT64_C(1800000000)
#define SERVER_URL "http://127.0.0.1:8733"

typedef struct world {
    temp_dir dir;
    _Atomic int64_t unix_ns, monotonic_ns;
    cleat_clock clock;
    cleat__store *store; /* the command's */
    cleat__tokens *tokens;
} world;

static inline int64_t world_unix_ns(void *self)
{
    return ((world *)self)->unix_ns;
}

static inline int64_t world_monotonic_ns(void *self)
{
    return ((world *)self)->monotonic_ns;
}

static inline cleat__tokens *open_tokens(world *self, const char *url)
{
    cleat__tokens *tokens = NULL;
    const cleat__tokens_options options = {.database = self->dir.database, .url = url, .clock = &self->clock};
    assert_int_equal(cleat__tokens_new(&options, &tokens), CLEAT_OK);
    return tokens;
}

static inline int world_make(void **state)
{
    world *self = calloc(1, sizeof(*self));
    temp_dir_make(&self->dir);
    self->unix_ns = NOW_S * 1000000000;
    self->monotonic_ns = 1000000000;
    self->clock = (cleat_clock){self, world_unix_ns, world_monotonic_ns};
    assert_int_equal(cleat__store_open(self->dir.database, CLEAT__STORE_SHARE, &self->store), CLEAT_OK);
    sqlite3_exec(cleat__store_db(self->store), "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    self->tokens = open_tokens(self, SERVER_URL);
    *state = self;
    return 0;
}

static inline int world_remove(void **state)
{
    world *self = *state;
    cleat__tokens_free(self->tokens);
    cleat__store_close(self->store);
    temp_dir_remove(&self->dir);
    free(self);
    return 0;
}

static inline void pass_ms(world *self, int64_t ms)
{
    self->unix_ns += ms * 1000000;
    self->monotonic_ns += ms * 1000000;
}

static inline cleat__token_issued issue_for(world *self, const char *tenant)
{
    cleat__token_issued issued;
    const cleat__token_request request = {
        .tenant = tenant,
        .name = "of a test",
        .lifetime_ms = 3600000,
        .server_url = SERVER_URL,
        .grpc_address = "127.0.0.1:7077",
        .now_ms = self->unix_ns / 1000000,
    };
    if (cleat__token_issue(self->store, &request, &issued) != CLEAT_OK) {
        fail_msg("issue: %s", cleat_error_message());
    }
    return issued;
}

static inline cleat_status check(world *self, const char *token)
{
    cleat__identity identity;
    return cleat__tokens_check(self->tokens, cleat_slice_of(token), &identity);
}

static inline void assert_good(world *self, const char *token)
{
    if (check(self, token) != CLEAT_OK) {
        fail_msg("refused: %s", cleat_error_message());
    }
}

/* Refused with these words, and nobody is identified. */
static inline void assert_refused(world *self, const char *token, const char *words)
{
    cleat__identity identity = {.tenant = 7};
    cleat_status status = cleat__tokens_check(self->tokens, cleat_slice_of(token), &identity);
    if (status != CLEAT_UNAUTHENTICATED || strstr(cleat_error_message(), words) == NULL) {
        fail_msg("%s: %s, not: %s", cleat_status_name(status), cleat_error_message(), words);
    }
    assert_memory_equal(cleat_error_message(), "invalid auth token: ", 20);
    assert_int_equal(identity.tenant, 0);
    assert_true(cleat__uuid_is_nil(&identity.token_id));
}

#endif
