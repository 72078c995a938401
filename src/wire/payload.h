/* JSON texts on the wire. */
#ifndef CLEAT_WIRE_PAYLOAD_H
#define CLEAT_WIRE_PAYLOAD_H

#include "base/buffer.h"
#include <cleat/status.h>

/* Whether a text that is JSON is an object. */
bool cleat__payload_is_object(cleat_slice json);
/* An input as a task is given it: the text itself if it is an object, else null. */
cleat_slice cleat__payload_input(cleat_slice json);
/* Metadata of a message: a JSON object; "" and null are none, the absent slice. CLEAT_INVALID_ARGUMENT
 * for all else, CLEAT_TOO_LARGE. */
cleat_status cleat__payload_metadata(const char *text, cleat_slice *out);
cleat_status cleat__payload_metadata_of(cleat_slice text, cleat_slice *out);

/*
 * Errors. An engine keeps what a worker says as it is and hands it on as it is. Workers say it in three
 * forms: {"message": ..., "stack": ...} (TypeScript), a JSON string (Go), plain text (Python).
 *
 * Cleat's workers write {"message": ...}: what awaits such a task in TypeScript is given the text itself,
 * and reads it as it reads the errors of tasks in its own language. Cleat's clients take the message
 * out of it again, so that an error reads the same whatever way it came.
 */
void cleat__payload_error_write(cleat__buffer *out, cleat_slice error);
/* What a person reads: the member `message`, the string, or the text. NUL-terminated, the caller's;
 * NULL on no memory. */
char *cleat__payload_error_read(cleat_slice text);

#endif
