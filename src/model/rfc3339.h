/* Times as RFC 3339 has them; Unix milliseconds inside. */
#ifndef CLEAT_MODEL_HTTP_TIME_H
#define CLEAT_MODEL_HTTP_TIME_H

#include <cleat/status.h>

#define CLEAT__HTTP_TIME_SIZE 32

/* "2026-07-11T08:12:01.123Z". */
void cleat__http_time_format(int64_t unix_ms, char text[CLEAT__HTTP_TIME_SIZE]);
/* Any offset and any number of digits behind the second, of which three count. False: it is no time,
 * or one before 1970 or after 9999. */
bool cleat__http_time_parse(cleat_slice text, int64_t *unix_ms);

#endif
