/* A handler's answer on its way to libmicrohttpd. */
#ifndef CLEAT_SERVER_HTTP_ANSWER_H
#define CLEAT_SERVER_HTTP_ANSWER_H

#include "http_call.h"

struct MHD_Response;

/* Makes gzip of the body. Not of one with a tag, as that would have to be another one; where there is no memory it
 * stays as it is. */
void cleat__http_answer_pack(cleat__http_answer *answer);

/* Takes the body. `flags` are the route's, 0 where there is none; `closes`: it is the connection's last one.
 * NULL: there is no memory. */
struct MHD_Response *cleat__http_answer_response(cleat__http_answer *answer, int flags, bool closes);

#endif
