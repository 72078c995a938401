/* Keys that tokens are signed with: ECDSA on P-256, JWT's ES256. */
#ifndef CLEAT_SERVER_TOKEN_KEY_H
#define CLEAT_SERVER_TOKEN_KEY_H

#include "store/token.h"

/* A fresh key with an id that no other file has. CLEAT_FAILED, naming the step, when OpenSSL refuses. */
cleat_status cleat__token_key_make(cleat__token_key *out);

#endif
