/* Answers that are sent compressed. */
#ifndef CLEAT_SERVER_HTTP_DEFLATE_H
#define CLEAT_SERVER_HTTP_DEFLATE_H

#include "base/buffer.h"

/* Appends `text` as gzip: quickly, as somebody waits for it. A failure is in the buffer. */
void cleat__http_deflate(cleat_slice text, cleat__buffer *out);

#endif
