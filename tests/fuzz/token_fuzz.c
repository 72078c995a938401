/*
 * Whatever stands where a token should: read by a client, taken apart by a server, and checked by a
 * server that has made one token, which is the only text that it may take. The input is tried as it is
 * and as changes to that token.
 */
#include "base/clock.h"
#include "server/token.h"
#include "server/token_issue.h"
#include "server/token_parse.h"
#include "transport/token_claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/token_fuzz_XXXXXX", database[sizeof(directory) + 10];
static cleat__tokens *tokens;
static cleat__token_issued issued;

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void remove_files(void)
{
    cleat__tokens_free(tokens);
    cleat__token_issued_deinit(&issued);
    unlink(database);
    rmdir(directory);
}

static void make_files(void)
{
    const cleat__token_request request = {
        .tenant = "default",
        .lifetime_ms = INT64_C(86400000000),
        .server_url = "http://h",
        .grpc_address = "h:1",
        .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
    };
    cleat__store *store = NULL;
    check(mkdtemp(directory) != NULL);
    snprintf(database, sizeof(database), "%s/a.db", directory);
    check(cleat__store_open(database, CLEAT__STORE_SHARE, &store) == CLEAT_OK);
    check(cleat__token_issue(store, &request, &issued) == CLEAT_OK);
    cleat__store_close(store);
    const cleat__tokens_options options = {.database = database};
    check(cleat__tokens_new(&options, &tokens) == CLEAT_OK);
    atexit(remove_files);
}

/* Client and server read the same from a token that both can read. */
static void read_twice(cleat_slice text)
{
    cleat__token_claims claims;
    cleat__parsed_token parsed;
    cleat_status status = cleat__token_claims_read(text, &claims);
    check(status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT);
    cleat_status parsed_status = cleat__parsed_token_init(&parsed, text);
    check(parsed_status == CLEAT_OK || parsed_status == CLEAT_UNAUTHENTICATED);
    if (status == CLEAT_OK && parsed_status == CLEAT_OK) {
        cleat__uuid tenant;
        check(cleat__uuid_parse(cleat_slice_of(claims.tenant_id), &tenant) == CLEAT_OK);
        check(cleat__uuid_equals(&tenant, &parsed.tenant_id));
        check(parsed.expires_at_s <= 0 || claims.expires_at_s == parsed.expires_at_s);
    }
    cleat__parsed_token_deinit(&parsed);
    cleat__token_claims_deinit(&claims);
}

static void try(cleat_slice text)
{
    cleat__identity identity;
    read_twice(text);
    cleat_status status = cleat__tokens_check(tokens, text, &identity);
    if (cleat_slice_equals(text, cleat_slice_of(issued.text))) {
        check(status == CLEAT_OK && identity.tenant == 1);
    } else {
        check(status == CLEAT_UNAUTHENTICATED && identity.tenant == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (tokens == NULL) {
        make_files();
    }
    try((cleat_slice){(const char *)data, size});
    /* Pairs of a place and what is changed there. */
    size_t length = strlen(issued.text);
    char *changed = malloc(length);
    check(changed != NULL);
    memcpy(changed, issued.text, length);
    for (size_t i = 0; i + 2 < size; i += 3) {
        changed[(data[i] * 256u + data[i + 1]) % length] ^= (char)data[i + 2];
    }
    try((cleat_slice){changed, length});
    free(changed);
    return 0;
}
