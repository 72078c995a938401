/* The detail sentence behind cleat_error_message(), one per thread. */
#ifndef CLEAT_BASE_ERROR_H
#define CLEAT_BASE_ERROR_H

#include <cleat/status.h>

/* Sets this thread's message (cut at 1,023 bytes) and answers `status`, so that a failing call
 * can end with `return cleat__fail(CLEAT_NOT_FOUND, "no run %s", id)`. When there is no memory for
 * it, the message is the status's own text. */
cleat_status cleat__fail(cleat_status status, const char *format, ...) CLEAT_PRINTF(2, 3);
/* The same with the status's own text; for no memory. */
cleat_status cleat__fail_memory(void);

#endif
