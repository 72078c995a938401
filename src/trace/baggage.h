/* Baggage and the W3C header of the same name. */
#ifndef CLEAT_TRACE_BAGGAGE_H
#define CLEAT_TRACE_BAGGAGE_H

#include <cleat/trace.h>

/* What W3C asks everyone to carry, and what is carried here. */
#define CLEAT__BAGGAGE_ENTRIES_MAX 64
#define CLEAT__BAGGAGE_SIZE_MAX    8192

/* Malformed members, and those beyond the limits, are left out. NULL: nothing is left, or no memory. */
cleat_baggage *cleat__baggage_parse(cleat_slice header);

/* The header, not NUL-terminated; its size. */
size_t cleat__baggage_format(const cleat_baggage *baggage, char text[CLEAT__BAGGAGE_SIZE_MAX]);

#endif
