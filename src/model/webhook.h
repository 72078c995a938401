/*
 * Webhooks: requests of strangers, each of which becomes an event. Who sends one is known by what he was told when
 * the webhook was made; expressions say which event it is.
 */
#ifndef CLEAT_MODEL_WEBHOOK_H
#define CLEAT_MODEL_WEBHOOK_H

#include "base/buffer.h"
#include "model/event.h"

#define CLEAT__WEBHOOK_NAME_MAX   255  /* bytes; also of a header's name and of a user */
#define CLEAT__WEBHOOK_SECRET_MAX 4096 /* bytes */

/* Who sends the requests, as far as people are told: it changes nothing. The numbers are stored. */
#define CLEAT__WEBHOOK_SOURCES(X) X(GENERIC) X(GITHUB) X(STRIPE) X(SLACK) X(LINEAR) X(SVIX)
/* How it shows who it is: user and password, a header with a key, a header with a signature of the body. */
#define CLEAT__WEBHOOK_KINDS(X)      X(BASIC) X(API_KEY) X(HMAC)
#define CLEAT__WEBHOOK_ALGORITHMS(X) X(SHA1) X(SHA256) X(SHA512) X(MD5)
#define CLEAT__WEBHOOK_ENCODINGS(X)  X(HEX) X(BASE64) X(BASE64URL)

typedef enum cleat__webhook_source {
#define CLEAT__WEBHOOK_ONE(name) CLEAT__WEBHOOK_##name,
    CLEAT__WEBHOOK_SOURCES(CLEAT__WEBHOOK_ONE)
} cleat__webhook_source;
typedef enum cleat__webhook_kind { CLEAT__WEBHOOK_KINDS(CLEAT__WEBHOOK_ONE) } cleat__webhook_kind;
typedef enum cleat__webhook_algorithm {
    CLEAT__WEBHOOK_ALGORITHMS(CLEAT__WEBHOOK_ONE)
} cleat__webhook_algorithm;
typedef enum cleat__webhook_encoding {
    CLEAT__WEBHOOK_ENCODINGS(CLEAT__WEBHOOK_ONE)
#undef CLEAT__WEBHOOK_ONE
} cleat__webhook_encoding;

/* Their names, with NULL at the end. */
extern const char *const cleat__webhook_sources[],
    *const cleat__webhook_kinds[], *const cleat__webhook_algorithms[], *const cleat__webhook_encodings[];

/* Plain data, borrowed from whoever passes it. */
typedef struct cleat__webhook_auth {
    cleat__webhook_kind kind;
    cleat_slice name;                   /* the user; else the header */
    cleat_slice secret;                 /* the password, the key, or what the body is signed with */
    cleat__webhook_algorithm algorithm; /* of HMAC, and so the next one */
    cleat__webhook_encoding encoding;
} cleat__webhook_auth;

typedef struct cleat__webhook {
    cleat_slice name; /* of which its tenant has one */
    cleat__webhook_source source;
    cleat_slice key_expression;   /* of the event, over input and headers */
    cleat_slice scope_expression; /* likewise; "" or absent: none */
    cleat_slice static_payload;   /* a JSON object, laid over what is sent; absent: none */
    bool returns_event;           /* to who sends */
    cleat__webhook_auth auth;
} cleat__webhook;

/* What one is to become: what is absent stays as it is. */
typedef struct cleat__webhook_change {
    cleat_slice key_expression, scope_expression, static_payload;
    bool has_returns_event, returns_event;
} cleat__webhook_change;

/* CLEAT_INVALID_ARGUMENT or CLEAT_TOO_LARGE says what is wrong; of an expression, where. */
cleat_status cleat__webhook_check(const cleat__webhook *webhook);
cleat_status cleat__webhook_check_change(const cleat__webhook_change *change);

/* The header by which a sender shows who it is. */
cleat_slice cleat__webhook_auth_header(const cleat__webhook_auth *auth);
/* Whether it does, by that header's value (absent: it has none) and its body. How long it takes tells nothing of the
 * secret. */
bool cleat__webhook_auth_passes(const cleat__webhook_auth *auth, cleat_slice value, cleat_slice body);

/* The event that a request makes; its slices refer to the request and to what is owned here. */
typedef struct cleat__webhook_event {
    cleat__user_event event;
    cleat__buffer payload;
    char *key, *scope;
} cleat__webhook_event;
/* `headers`: a JSON object of strings, names in small letters. CLEAT_INVALID_ARGUMENT: the body is no object, or makes no
 * event. */
cleat_status cleat__webhook_event_make(const cleat__webhook *webhook, cleat_slice body, cleat_slice headers,
                                       cleat__webhook_event *out);
void cleat__webhook_event_deinit(cleat__webhook_event *event);

#endif
