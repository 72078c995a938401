/* Environment variables by the rules of the OpenTelemetry specification ("Environment variables"). */
#ifndef CLEAT_BASE_ENV_H
#define CLEAT_BASE_ENV_H

#include <cleat/status.h>

/* The value without surrounding blanks; the absent slice when unset or empty. */
cleat_slice cleat__env_get(const char *name);
/* Equality but for the case of ASCII letters; `lower` is in lower case. */
bool cleat__env_is(cleat_slice value, const char *lower);
/* Case-insensitive "true" is true, all else is false; what is neither "true" nor "false" warns once.
 * Unset is `fallback`. */
bool cleat__env_bool(const char *name, bool fallback);
/* A number in min..max; anything else is `fallback` and warns once, naming variable, value and what
 * is accepted. */
int64_t cleat__env_int(const char *name, int64_t fallback, int64_t min, int64_t max);
double cleat__env_double(const char *name, double fallback, double min, double max);
/* Logs a warning about `name`'s value once per variable and value. `accepted` is for people. */
void cleat__env_warn(const char *name, cleat_slice value, const char *accepted);

#endif
