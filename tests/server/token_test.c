/* Which tokens a server takes: those it made, as long as they are good, and nothing that looks alike. */
#include "token_test.h"

#include "base/thread.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* ---- Good ones ---- */

static void test_a_token_names_its_tenant(void **state)
{
    world *self = *state;
    cleat__token_issued first = issue_for(self, "default"), second = issue_for(self, "acme");
    cleat__identity identity;
    assert_false(first.is_new_tenant);
    assert_true(second.is_new_tenant);
    for (int i = 0; i < 2; i++) { /* verified, and remembered */
        assert_int_equal(cleat__tokens_check(self->tokens, cleat_slice_of(first.text), &identity), CLEAT_OK);
        assert_int_equal(identity.tenant, 1);
        assert_true(cleat__uuid_equals(&identity.tenant_id, &first.row.tenant_uuid));
        assert_true(cleat__uuid_equals(&identity.token_id, &first.row.id));
        assert_int_equal(cleat__tokens_check(self->tokens, cleat_slice_of(second.text), &identity), CLEAT_OK);
        assert_int_equal(identity.tenant, second.row.tenant);
        assert_int_not_equal(identity.tenant, 1);
        assert_true(cleat__uuid_equals(&identity.token_id, &second.row.id));
    }
    cleat__token_issued third = issue_for(self, "acme");
    assert_false(third.is_new_tenant);
    assert_int_equal(third.row.tenant, second.row.tenant);
    cleat__token_issued_deinit(&first);
    cleat__token_issued_deinit(&second);
    cleat__token_issued_deinit(&third);
}

/* More tokens than are remembered: all stay good. */
static void test_many_tokens(void **state)
{
    enum { COUNT = 1500 };
    world *self = *state;
    char **texts = calloc(COUNT, sizeof(*texts));
    for (int i = 0; i < COUNT; i++) {
        cleat__token_issued issued = issue_for(self, "default");
        texts[i] = strdup(issued.text);
        assert_good(self, texts[i]);
        cleat__token_issued_deinit(&issued);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_good(self, texts[i]);
        free(texts[i]);
    }
    free(texts);
}

static void test_without_a_url_any_address_of_the_server_is_right(void **state)
{
    world *self = *state;
    cleat__token_issued issued = issue_for(self, "default");
    cleat__tokens_free(self->tokens);
    self->tokens = open_tokens(self, NULL);
    assert_good(self, issued.text);
    cleat__tokens_free(self->tokens);
    self->tokens = open_tokens(self, "https://elsewhere.example.org");
    assert_refused(self, issued.text, "another than https://elsewhere.example.org");
    cleat__token_issued_deinit(&issued);
}

/* ---- Time ---- */

static void test_expiry(void **state)
{
    world *self = *state;
    cleat__token_issued known = issue_for(self, "default"), unknown = issue_for(self, "default");
    assert_good(self, known.text);
    pass_ms(self, 3599999);
    assert_good(self, known.text);
    pass_ms(self, 1);
    assert_refused(self, known.text, "expired on 2027-01-15 09:00:00 UTC");
    assert_refused(self, unknown.text, "expired on 2027-01-15 09:00:00 UTC");
    cleat__token_issued_deinit(&known);
    cleat__token_issued_deinit(&unknown);
}

static void test_made_in_the_future(void **state)
{
    world *self = *state;
    pass_ms(self, 61000);
    cleat__token_issued issued = issue_for(self, "default");
    pass_ms(self, -61000);
    assert_refused(self, issued.text, "not good yet");
    pass_ms(self, 1000); /* clocks differ by a minute */
    assert_good(self, issued.text);
    cleat__token_issued_deinit(&issued);
}

static void revoke(world *self, const cleat__token_issued *issued)
{
    assert_int_equal(cleat__store_begin(self->store), CLEAT_OK);
    assert_int_equal(cleat__token_revoke(self->store, &issued->row.id, NOW_S * 1000), CLEAT_OK);
    assert_int_equal(cleat__store_commit(self->store), CLEAT_OK);
}

static void assert_over(world *self, const cleat__identity *identity, const char *words)
{
    assert_int_equal(cleat__tokens_check_again(self->tokens, identity), CLEAT_UNAUTHENTICATED);
    if (strstr(cleat_error_message(), words) == NULL) {
        fail_msg("%s, not: %s", cleat_error_message(), words);
    }
}

static void test_who_was_let_in_once_is_looked_at_again(void **state)
{
    world *self = *state;
    cleat__token_issued first = issue_for(self, "default"), second = issue_for(self, "default");
    cleat__identity one, other;
    for (int i = 0; i < 2; i++) { /* what it knows says the same */
        assert_int_equal(cleat__tokens_check(self->tokens, cleat_slice_of(first.text), &one), CLEAT_OK);
        assert_int_equal(cleat__tokens_check(self->tokens, cleat_slice_of(second.text), &other), CLEAT_OK);
        assert_int_equal(cleat__tokens_check_again(self->tokens, &one), CLEAT_OK);
    }
    revoke(self, &first);
    assert_over(self, &one, "invalid auth token: revoked on 2027-01-15 08:00:00 UTC");
    pass_ms(self, 3599999);
    assert_int_equal(cleat__tokens_check_again(self->tokens, &other), CLEAT_OK);
    pass_ms(self, 1);
    assert_over(self, &other, "invalid auth token: expired on");
    cleat__token_issued_deinit(&first);
    cleat__token_issued_deinit(&second);
}

static void test_revocation_counts_within_a_second(void **state)
{
    world *self = *state;
    cleat__token_issued known = issue_for(self, "default"), unknown = issue_for(self, "default"),
                        other = issue_for(self, "default");
    assert_good(self, known.text);
    revoke(self, &known);
    revoke(self, &unknown);
    assert_refused(self, unknown.text, "revoked on 2027-01-15 08:00:00 UTC");
    pass_ms(self, 1000);
    for (int i = 0; i < 2; i++) {
        assert_refused(self, known.text, "revoked on 2027-01-15 08:00:00 UTC");
    }
    assert_good(self, other.text);
    cleat__token_issued_deinit(&known);
    cleat__token_issued_deinit(&unknown);
    cleat__token_issued_deinit(&other);
}

/* ---- Other servers ---- */

static void test_token_of_another_server(void **state)
{
    world *self = *state, *other = NULL;
    void *made = NULL;
    world_make(&made);
    other = made;
    cleat__token_issued own = issue_for(self, "default"), foreign = issue_for(other, "default");
    assert_refused(self, foreign.text, "token of another server");
    assert_refused(other, own.text, "token of another server");
    assert_good(other, foreign.text);
    cleat__token_issued_deinit(&own);
    cleat__token_issued_deinit(&foreign);
    world_remove(&made);
}

/* ---- Forgeries ---- */

/* Header and payload of a good token, to be changed: what a forger starts from. */
typedef struct forgery {
    char header[200], payload[600];
    cleat__token_key key;
    cleat__token_issued issued;
} forgery;

static void forgery_make(world *self, forgery *out)
{
    char sub[37], id[37];
    out->issued = issue_for(self, "default");
    assert_int_equal(cleat__token_key_newest(self->store, &out->key), CLEAT_OK);
    cleat__uuid_format(&out->issued.row.tenant_uuid, sub);
    cleat__uuid_format(&out->issued.row.id, id);
    snprintf(out->header, sizeof(out->header), "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
             out->key.kid);
    snprintf(out->payload, sizeof(out->payload),
             "{\"aud\":\"" SERVER_URL "\",\"exp\":1800003600,\"iat\":1800000000,\"iss\":\"" SERVER_URL
             "\",\"sub\":\"%s\",\"token_id\":\"%s\"}",
             sub, id);
}

static void replace(char *text, size_t room, const char *from, const char *to)
{
    char rest[600];
    char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(rest, sizeof(rest), "%s", at + strlen(from));
    snprintf(at, room - (size_t)(at - text), "%s%s", to, rest);
}

/* The good token with one thing changed, signed with the right key all the same. */
static void assert_change_refused(world *self, bool in_header, const char *from, const char *to,
                                  const char *words)
{
    forgery changed;
    forgery_make(self, &changed);
    char *text = in_header ? changed.header : changed.payload;
    replace(text, in_header ? sizeof(changed.header) : sizeof(changed.payload), from, to);
    char *token = raw_token_sign(changed.header, changed.payload, changed.key.private_key);
    assert_non_null(token);
    assert_refused(self, token, words);
    free(token);
    cleat__token_issued_deinit(&changed.issued);
}

static void test_the_unchanged_one_is_good(void **state)
{
    world *self = *state;
    forgery unchanged;
    forgery_make(self, &unchanged);
    char *token = raw_token_sign(unchanged.header, unchanged.payload, unchanged.key.private_key);
    assert_good(self, token);
    free(token);
    cleat__token_issued_deinit(&unchanged.issued);
}

static void test_signed_but_wrong(void **state)
{
    static const struct {
        bool in_header;
        const char *from, *to, *words;
    } cases[] = {
        {true, "\"alg\":\"ES256\"", "\"alg\":\"es256\"", "not ES256"},
        {true, "\"alg\":\"ES256\"", "\"alg\":\"ES384\"", "not ES256"},
        {true, "\"alg\":\"ES256\"", "\"alg\":[\"ES256\"]", "not ES256"},
        {true, "\"alg\":\"ES256\"", "\"alg\":\"none\",\"alg\":\"ES256\"", "header is not a JSON object"},
        {true, "\"typ\":\"JWT\"", "\"typ\":\"JWE\"", "type is not JWT"},
        {true, "\"typ\":\"JWT\"", "\"crit\":[\"exp\"]", "critical"},
        {true, "\"kid\":", "\"key\":", "names no key"},
        {true, "\"kid\":\"", "\"kid\":\"0", "another server"},
        {true, "{", "[", "header is not a JSON object"},
        {false, "\"aud\":\"http:", "\"aud\":\"https:", "made for another"},
        {false, "\"iss\":\"http:", "\"iss\":\"https:", "made by another"},
        {false, "\"aud\":\"http://127.0.0.1:8733\"", "\"aud\":[\"http://127.0.0.1:8733\"]", "claim aud"},
        {false, "1800003600", "1800000000", "expired"},
        {false, "1800003600", "-1", "expired"},
        {false, "1800003600", "\"1800003600\"", "claim exp"},
        {false, "1800003600", "1800003600.5", "claim exp"},
        {false, "1800003600", "99999999999999999999", "payload is not a JSON object"},
        {false, "\"exp\"", "\"not\"", "claim exp"},
        {false, "1800000000", "1800000061", "not good yet"},
        {false, "1800000000", "9223372036854775807", "not good yet"},
        {false, "\"iat\"", "\"not\"", "claim iat"},
        {false, "\"sub\":", "\"sub\":\"00000000-0000-7000-8000-000000000000\",\"s\":", "another tenant"},
        {false, "\"sub\":\"", "\"sub\":\"x", "claim sub"},
        {false, "\"sub\":", "\"not\":", "claim sub"},
        {false, "\"sub\":", "\"sub\":\"x\",\"sub\":", "payload is not a JSON object"},
        {false, "\"token_id\":", "\"token_id\":\"00000000-0000-7000-8000-000000000000\",\"t\":",
         "does not know its id"},
        {false, "\"token_id\":", "\"not\":", "claim token_id"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_change_refused(*state, cases[i].in_header, cases[i].from, cases[i].to, cases[i].words);
    }
}

/* A tenant's token must not open another tenant, although both are known. */
static void test_known_token_of_another_tenant(void **state)
{
    world *self = *state;
    cleat__token_issued other = issue_for(self, "acme");
    char sub[37];
    forgery changed;
    forgery_make(self, &changed);
    cleat__uuid_format(&other.row.tenant_uuid, sub);
    char *at = strstr(changed.payload, "\"sub\":\"");
    memcpy(at + 7, sub, 36);
    char *token = raw_token_sign(changed.header, changed.payload, changed.key.private_key);
    assert_refused(self, token, "another tenant");
    free(token);
    cleat__token_issued_deinit(&changed.issued);
    cleat__token_issued_deinit(&other);
}

static void test_signature_by_somebody_else(void **state)
{
    world *self = *state;
    forgery forged, stranger;
    void *other = NULL;
    world_make(&other);
    forgery_make(other, &stranger);
    forgery_make(self, &forged);
    char *token = raw_token_sign(forged.header, forged.payload, stranger.key.private_key);
    assert_refused(self, token, "signature is wrong");
    free(token);
    const unsigned char zeros[64] = {0};
    token = raw_token_join(forged.header, forged.payload, zeros, sizeof(zeros));
    assert_refused(self, token, "signature is wrong");
    free(token);
    cleat__token_issued_deinit(&forged.issued);
    cleat__token_issued_deinit(&stranger.issued);
    world_remove(&other);
}

/* The payload of one good token with the signature of another. */
static void test_signature_of_another_token(void **state)
{
    world *self = *state;
    cleat__token_issued first = issue_for(self, "default"), second = issue_for(self, "acme");
    char text[1200];
    snprintf(text, sizeof(text), "%.*s%s", (int)(strrchr(first.text, '.') - first.text), first.text,
             strrchr(second.text, '.'));
    assert_refused(self, text, "signature is wrong");
    cleat__token_issued_deinit(&first);
    cleat__token_issued_deinit(&second);
}

static void test_no_signature(void **state)
{
    world *self = *state;
    forgery forged;
    forgery_make(self, &forged);
    char *token = raw_token_join(forged.header, forged.payload, "", 0);
    assert_refused(self, token, "signature is not one of ES256");
    free(token);
    replace(forged.header, sizeof(forged.header), "ES256", "none");
    token = raw_token_join(forged.header, forged.payload, "", 0);
    assert_refused(self, token, "not ES256");
    free(token);
    cleat__token_issued_deinit(&forged.issued);
}

/* The public key taken for the secret of an HMAC. */
static void test_confusion_of_algorithms(void **state)
{
    world *self = *state;
    forgery forged;
    forgery_make(self, &forged);
    replace(forged.header, sizeof(forged.header), "ES256", "HS256");
    char *unsigned_token = raw_token_join(forged.header, forged.payload, "", 0);
    unsigned char mac[32];
    const char *key = forged.key.public_key;
    size_t size = strlen(unsigned_token) - 1; /* without the last dot */
    assert_non_null(
        HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)unsigned_token, size, mac, NULL));
    char *token = raw_token_join(forged.header, forged.payload, mac, sizeof(mac));
    assert_refused(self, token, "not ES256");
    free(unsigned_token);
    free(token);
    cleat__token_issued_deinit(&forged.issued);
}

/* ---- No tokens at all ---- */

static void test_malformed(void **state)
{
    world *self = *state;
    static const char *const cases[] = {
        ".",           "..",
        "...",         "a.b.c",
        "a.b",         "eyJhbGciOiJFUzI1NiJ9..",
        "Bearer x",    "\xFF\xFE.\x80.\x01",
        "e30.e30.e30",
    };
    assert_refused(self, "", "missing");
    assert_refused(self, NULL, "missing");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(self, cases[i], "malformed");
    }
    char *large = malloc(1000001);
    memset(large, 'a', 1000000);
    large[1000000] = '\0';
    assert_refused(self, large, "more than 4096 bytes");
    memcpy(large, "e30.", 4);
    large[4096] = '\0';
    assert_refused(self, large, "malformed");
    free(large);
}

/* Each letter of a good token matters, also those whose last bits stand for nothing. */
static void test_every_character_counts(void **state)
{
    world *self = *state;
    cleat__token_issued issued = issue_for(self, "default");
    assert_good(self, issued.text);
    size_t size = strlen(issued.text);
    for (size_t i = 0; i < size; i++) {
        char kept = issued.text[i];
        issued.text[i] = (char)(kept ^ 1);
        assert_int_equal(check(self, issued.text), CLEAT_UNAUTHENTICATED);
        issued.text[i] = kept;
    }
    char longer[1200];
    static const char *const ends[] = {"=", "A", " ", "\n", ".", ".x"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(longer, sizeof(longer), "%s%s", issued.text, ends[i]);
        assert_refused(self, longer, "malformed");
    }
    issued.text[size - 1] = '\0';
    assert_refused(self, issued.text, "malformed");
    cleat__token_issued_deinit(&issued);
}

/* ---- Issuing ---- */

static void test_names_that_are_refused(void **state)
{
    world *self = *state;
    static const char *const tenants[] = {
        "", "a b", "a/b", "\xC3\xA4", "12345678901234567890123456789012345678901234567890123456789012345"};
    cleat__token_request request = {.lifetime_ms = 1000, .server_url = SERVER_URL, .grpc_address = "h:1"};
    cleat__token_issued issued;
    for (size_t i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++) {
        request.tenant = tenants[i];
        assert_int_equal(cleat__token_issue(self->store, &request, &issued), CLEAT_INVALID_ARGUMENT);
    }
    char name[102];
    memset(name, 'n', 101);
    name[101] = '\0';
    request.tenant = "default";
    request.name = name;
    assert_int_equal(cleat__token_issue(self->store, &request, &issued), CLEAT_INVALID_ARGUMENT);
    request.name = "\xFF";
    assert_int_equal(cleat__token_issue(self->store, &request, &issued), CLEAT_INVALID_ARGUMENT);
    assert_null(issued.text);
}

static bool add_row(void *argument, const cleat__token_row *row)
{
    (void)row;
    ++*(int *)argument;
    return true;
}

/* A file that cannot be written to gives no token, and no row of one. */
static void test_issuing_is_all_or_nothing(void **state)
{
    world *self = *state;
    cleat__token_request request = {
        .tenant = "acme", .lifetime_ms = 1000, .server_url = SERVER_URL, .grpc_address = "h:1"};
    cleat__token_issued issued;
    int count = 0;
    assert_int_equal(sqlite3_exec(cleat__store_db(self->store),
                                  "CREATE TEMP TRIGGER t BEFORE INSERT ON main.token BEGIN "
                                  "SELECT RAISE(FAIL, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_not_equal(cleat__token_issue(self->store, &request, &issued), CLEAT_OK);
    assert_null(issued.text);
    cleat__tenant tenant;
    cleat__token_key key;
    assert_int_equal(cleat__tenant_find(self->store, cleat_slice_of("acme"), &tenant), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__token_key_newest(self->store, &key), CLEAT_EMPTY);
    assert_int_equal(cleat__token_list(self->store, 0, add_row, &count), CLEAT_OK);
    assert_int_equal(count, 0);
}

/* ---- Threads ---- */

/* A clock in whose second look at the monotonic time, after what is remembered was searched and before the
 * row is read, another thread is let in and the token revoked. */
typedef struct overtaken {
    world *self;
    const cleat__token_issued *issued;
    int looks;
} overtaken;

static int64_t overtaken_unix_ns(void *clock)
{
    return world_unix_ns(((overtaken *)clock)->self);
}

static int64_t overtaken_monotonic_ns(void *clock)
{
    overtaken *it = clock;
    if (++it->looks == 2) {
        assert_good(it->self, it->issued->text);
        revoke(it->self, it->issued);
    }
    return world_monotonic_ns(it->self);
}

static void test_who_was_refused_is_not_let_in_by_what_another_thread_remembers(void **state)
{
    world *self = *state;
    cleat__token_issued issued = issue_for(self, "acme");
    overtaken it = {.self = self, .issued = &issued};
    self->clock = (cleat_clock){&it, overtaken_unix_ns, overtaken_monotonic_ns};
    for (int i = 0; i < 2; i++) {
        assert_refused(self, issued.text, "revoked");
    }
    cleat__token_issued_deinit(&issued);
}

enum { THREADS = 4, CHECKS = 300 };

typedef struct crowd {
    world *self;
    const char *tokens[3]; /* kept, revoked on the way, forged */
    atomic_bool is_wrong;
} crowd;

static void *check_often(void *argument)
{
    crowd *all = argument;
    bool was_revoked = false;
    for (int i = 0; i < CHECKS; i++) {
        pass_ms(all->self, 10);
        bool is_revoked = check(all->self, all->tokens[1]) != CLEAT_OK;
        if (check(all->self, all->tokens[0]) != CLEAT_OK || (was_revoked && !is_revoked) ||
            check(all->self, all->tokens[2]) != CLEAT_UNAUTHENTICATED) {
            all->is_wrong = true;
        }
        was_revoked = is_revoked;
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    world *self = *state;
    cleat__token_issued kept = issue_for(self, "default"), revoked = issue_for(self, "acme");
    crowd all = {.self = self, .tokens = {kept.text, revoked.text, "e30.e30.e30"}};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, check_often, &all), 0);
    }
    revoke(self, &revoked);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_false(all.is_wrong);
    pass_ms(self, 1000);
    assert_refused(self, revoked.text, "revoked");
    assert_good(self, kept.text);
    cleat__token_issued_deinit(&kept);
    cleat__token_issued_deinit(&revoked);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_remove)
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_names_its_tenant),
        TEST(test_many_tokens),
        TEST(test_without_a_url_any_address_of_the_server_is_right),
        TEST(test_expiry),
        TEST(test_made_in_the_future),
        TEST(test_who_was_let_in_once_is_looked_at_again),
        TEST(test_revocation_counts_within_a_second),
        TEST(test_token_of_another_server),
        TEST(test_the_unchanged_one_is_good),
        TEST(test_signed_but_wrong),
        TEST(test_known_token_of_another_tenant),
        TEST(test_signature_by_somebody_else),
        TEST(test_signature_of_another_token),
        TEST(test_no_signature),
        TEST(test_confusion_of_algorithms),
        TEST(test_malformed),
        TEST(test_every_character_counts),
        TEST(test_names_that_are_refused),
        TEST(test_issuing_is_all_or_nothing),
        TEST(test_who_was_refused_is_not_let_in_by_what_another_thread_remembers),
        TEST(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
