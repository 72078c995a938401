/* Times as RFC 3339 has them; Unix milliseconds inside. */
#ifndef CLEAT_MODEL_RFC3339_H
#define CLEAT_MODEL_RFC3339_H

#include <cleat/status.h>

#define CLEAT__RFC3339_SIZE 32

/* "2026-07-11T08:12:01.123Z". */
void cleat__rfc3339_format(int64_t unix_ms, char text[CLEAT__RFC3339_SIZE]);
/* Any offset and any number of digits behind the second, of which three count. False: it is no time,
 * or one before 1970 or after 9999. */
bool cleat__rfc3339_parse(cleat_slice text, int64_t *unix_ms);

#endif
