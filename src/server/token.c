#include "server/token.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/token_parse.h"
#include "store/token.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { SETS = 256, WAYS = 4, DIGEST_SIZE = 32, IAT_LEEWAY_S = 60 };

/* A token that was verified, known by its digest: the token itself is not kept. */
typedef struct entry {
    uint8_t digest[DIGEST_SIZE]; /* SHA-256 of the text */
    bool is_used;
    cleat__identity identity;
    int64_t read_ns; /* monotonic: when its row was read */
} entry;

struct cleat__tokens {
    pthread_mutex_t mutex; /* for what follows, up to entries */
    cleat__store *store;   /* a reader of its own */
    EVP_PKEY *key;         /* the one that was asked for last; NULL: none yet */
    char kid[37];          /* its id */
    entry entries[SETS][WAYS];
    char *url;
    const cleat_clock *clock;
};

/* ---- Life ---- */

cleat_status cleat__tokens_new(const cleat__tokens_options *options, cleat__tokens **out)
{
    *out = NULL;
    cleat__tokens *tokens = cleat__calloc(1, sizeof(*tokens));
    if (tokens == NULL) {
        return cleat__fail_memory();
    }
    pthread_mutex_init(&tokens->mutex, NULL);
    tokens->clock = options->clock;
    tokens->url = cleat__strdup(options->url);
    cleat_status status = options->url != NULL && tokens->url == NULL ? cleat__fail_memory() : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__store_open(options->database, CLEAT__STORE_READ, &tokens->store);
    }
    if (status != CLEAT_OK) {
        cleat__tokens_free(tokens);
        return status;
    }
    *out = tokens;
    return CLEAT_OK;
}

void cleat__tokens_free(cleat__tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    cleat__store_close(tokens->store);
    EVP_PKEY_free(tokens->key);
    pthread_mutex_destroy(&tokens->mutex);
    cleat__free(tokens->url);
    cleat__free(tokens);
}

/* ---- Refusals ---- */

static cleat_status refuse(const char *format, ...) CLEAT_PRINTF(1, 2);

/* "expired on 2026-11-25 22:00:00 UTC" */
static cleat_status refuse_since(const char *what, int64_t unix_s)
{
    char text[40] = "an unknown day";
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc);
    }
    return refuse("%s on %s", what, text);
}

static cleat_status refuse(const char *format, ...)
{
    char reason[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    return cleat__fail(CLEAT_UNAUTHENTICATED, "%s", reason);
}

/* ---- Against the file ---- */

/* Whether the token is there, is not revoked, and belongs to the tenant it names. */
static cleat_status check_row(cleat__tokens *tokens, cleat__identity *identity)
{
    cleat__token_row row;
    cleat_status status = cleat__token_get(tokens->store, &identity->token_id, &row);
    if (status == CLEAT_NOT_FOUND) {
        return refuse("token of another server: this one does not know its id");
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (row.revoked_at_ms != 0) {
        return refuse_since("revoked", row.revoked_at_ms / 1000);
    }
    if (!cleat__uuid_equals(&row.tenant_uuid, &identity->tenant_id)) {
        return refuse("it was made for another tenant");
    }
    identity->tenant = row.tenant;
    return CLEAT_OK;
}

static cleat_status read_key(cleat__tokens *tokens, const char *kid)
{
    cleat__token_key row;
    EVP_PKEY *key = NULL;
    cleat_status status = cleat__token_key_find(tokens->store, cleat_slice_of(kid), &row);
    if (status == CLEAT_EMPTY) {
        return refuse("token of another server: this one does not know the key it is signed with");
    }
    if (status == CLEAT_OK) {
        status = cleat__token_signature_key(row.public_key, &key);
    }
    if (status == CLEAT_OK) {
        EVP_PKEY_free(tokens->key);
        tokens->key = key;
        memcpy(tokens->kid, row.kid, sizeof(row.kid));
    }
    return status;
}

/* A reference of its own, to be freed with EVP_PKEY_free(). */
static cleat_status find_key(cleat__tokens *tokens, const char *kid, EVP_PKEY **out)
{
    pthread_mutex_lock(&tokens->mutex);
    bool is_ready = tokens->key != NULL && strcmp(tokens->kid, kid) == 0;
    cleat_status status = is_ready ? CLEAT_OK : read_key(tokens, kid);
    if (status == CLEAT_OK) {
        EVP_PKEY_up_ref(tokens->key);
        *out = tokens->key;
    }
    pthread_mutex_unlock(&tokens->mutex);
    return status;
}

/* ---- The token by itself ---- */

static cleat_status check_signature(cleat__tokens *tokens, const cleat__parsed_token *parsed)
{
    EVP_PKEY *key = NULL;
    cleat_status status = find_key(tokens, parsed->kid, &key);
    if (status == CLEAT_OK && !cleat__token_signature_is_good(key, parsed->signed_part, parsed->signature)) {
        status = refuse("the signature is wrong: the token was changed");
    }
    EVP_PKEY_free(key);
    return status;
}

static cleat_status check_expiry(int64_t expires_at_s, int64_t now_s)
{
    return now_s < expires_at_s ? CLEAT_OK : refuse_since("expired", expires_at_s);
}

static cleat_status check_claims(const cleat__tokens *tokens, const cleat__parsed_token *parsed,
                                 int64_t now_s)
{
    const char *url = tokens->url != NULL ? tokens->url : parsed->issuer;
    if (strcmp(parsed->issuer, url) != 0) {
        return refuse("token of another server: it was made by another than %s", url);
    }
    if (strcmp(parsed->audience, url) != 0) {
        return refuse("token of another server: it was made for another than %s", url);
    }
    if (parsed->issued_at_s > now_s + IAT_LEEWAY_S) {
        return refuse_since("not good yet: it was made", parsed->issued_at_s);
    }
    return check_expiry(parsed->expires_at_s, now_s);
}

/* ---- What was verified before ---- */

static entry *set_of(cleat__tokens *tokens, const uint8_t digest[DIGEST_SIZE])
{
    return tokens->entries[digest[0] % SETS];
}

static entry *find_entry(cleat__tokens *tokens, const uint8_t digest[DIGEST_SIZE])
{
    entry *set = set_of(tokens, digest);
    for (int i = 0; i < WAYS; i++) {
        if (set[i].is_used && memcmp(set[i].digest, digest, DIGEST_SIZE) == 0) {
            return &set[i];
        }
    }
    return NULL;
}

/* Of a set that is full, the entry goes whose row was read longest ago: whoever is asked for often is
 * read every second. */
static entry *choose_entry(cleat__tokens *tokens, const uint8_t digest[DIGEST_SIZE])
{
    entry *set = set_of(tokens, digest), *chosen = set;
    for (int i = 0; i < WAYS; i++) {
        if (!set[i].is_used) {
            return &set[i];
        }
        if (set[i].read_ns < chosen->read_ns) {
            chosen = &set[i];
        }
    }
    return chosen;
}

/* CLEAT_EMPTY: it is not known. */
static cleat_status check_known(cleat__tokens *tokens, const uint8_t digest[DIGEST_SIZE], int64_t now_s,
                                cleat__identity *out)
{
    int64_t now_ns = cleat__clock_monotonic_ns(tokens->clock);
    cleat_status status = CLEAT_EMPTY;
    pthread_mutex_lock(&tokens->mutex);
    entry *known = find_entry(tokens, digest);
    if (known != NULL) {
        status = check_expiry(known->identity.expires_at_s, now_s);
        if (status == CLEAT_OK && now_ns - known->read_ns >= CLEAT__NS_PER_S) {
            status = check_row(tokens, &known->identity);
            known->read_ns = now_ns;
        }
        *out = known->identity;
        known->is_used = status == CLEAT_OK;
    }
    pthread_mutex_unlock(&tokens->mutex);
    return status;
}

/* What another thread has kept meanwhile is replaced, or forgotten: who was refused is not let in again. */
static cleat_status check_row_and_keep(cleat__tokens *tokens, const uint8_t digest[DIGEST_SIZE],
                                       const cleat__parsed_token *parsed, cleat__identity *out)
{
    *out = (cleat__identity){
        .tenant_id = parsed->tenant_id, .token_id = parsed->id, .expires_at_s = parsed->expires_at_s};
    int64_t now_ns = cleat__clock_monotonic_ns(tokens->clock);
    pthread_mutex_lock(&tokens->mutex);
    cleat_status status = check_row(tokens, out);
    entry *same = find_entry(tokens, digest);
    if (status == CLEAT_OK) {
        entry *kept = same != NULL ? same : choose_entry(tokens, digest);
        *kept = (entry){.is_used = true, .identity = *out, .read_ns = now_ns};
        memcpy(kept->digest, digest, DIGEST_SIZE);
    } else if (same != NULL) {
        same->is_used = false;
    }
    pthread_mutex_unlock(&tokens->mutex);
    return status;
}

/* ---- All of it ---- */

static cleat_status check_unknown(cleat__tokens *tokens, cleat_slice token, const uint8_t digest[DIGEST_SIZE],
                                  int64_t now_s, cleat__identity *out)
{
    cleat__parsed_token parsed;
    cleat_status status = cleat__parsed_token_init(&parsed, token);
    if (status == CLEAT_OK) {
        status = check_signature(tokens, &parsed);
    }
    if (status == CLEAT_OK) {
        status = check_claims(tokens, &parsed, now_s);
    }
    if (status == CLEAT_OK) {
        status = check_row_and_keep(tokens, digest, &parsed, out);
    }
    cleat__parsed_token_deinit(&parsed);
    return status;
}

static cleat_status check(cleat__tokens *tokens, cleat_slice token, cleat__identity *out)
{
    uint8_t digest[DIGEST_SIZE];
    int64_t now_s = cleat__clock_unix_ns(tokens->clock) / CLEAT__NS_PER_S;
    if (token.size == 0) {
        return refuse("it is missing");
    }
    if (token.size > CLEAT__TOKEN_SIZE_MAX) {
        return refuse("malformed: it has more than %d bytes", CLEAT__TOKEN_SIZE_MAX);
    }
    if (EVP_Digest(token.data, token.size, digest, NULL, EVP_sha256(), NULL) != 1) {
        ERR_clear_error();
        return cleat__fail_memory();
    }
    cleat_status status = check_known(tokens, digest, now_s, out);
    return status == CLEAT_EMPTY ? check_unknown(tokens, token, digest, now_s, out) : status;
}

cleat_status cleat__tokens_check(cleat__tokens *tokens, cleat_slice token, cleat__identity *out)
{
    static cleat__log_site site;
    *out = (cleat__identity){0};
    cleat_status status = check(tokens, token, out);
    if (status == CLEAT_OK) {
        return CLEAT_OK;
    }
    *out = (cleat__identity){0};
    if (status == CLEAT_UNAUTHENTICATED) {
        status = cleat__fail(status, "invalid auth token: %s", cleat_error_message());
    }
    cleat__log_limited(&site, CLEAT_LOG_WARN, "refused a call: %s", cleat_error_message());
    return status;
}

cleat_status cleat__tokens_check_again(cleat__tokens *tokens, const cleat__identity *identity)
{
    cleat__identity same = *identity;
    cleat_status status =
        check_expiry(identity->expires_at_s, cleat__clock_unix_ns(tokens->clock) / CLEAT__NS_PER_S);
    if (status == CLEAT_OK) {
        pthread_mutex_lock(&tokens->mutex);
        status = check_row(tokens, &same);
        pthread_mutex_unlock(&tokens->mutex);
    }
    return status == CLEAT_UNAUTHENTICATED
               ? cleat__fail(status, "invalid auth token: %s", cleat_error_message())
               : status;
}
