/* Baggage and the W3C header of the same name. */
#ifndef CLEAT_TRACE_BAGGAGE_H
#define CLEAT_TRACE_BAGGAGE_H

#include <cleat/trace.h>

/* What W3C asks everyone to carry, and what is carried here. */
#define CLEAT__BAGGAGE_ENTRIES_MAX 64
#define CLEAT__BAGGAGE_SIZE_MAX    8192

typedef struct cleat__baggage_entry {
    cleat_slice key;
    cleat_slice value; /* decoded */
    cleat_slice metadata;
} cleat__baggage_entry;

/* Entries on their way into a baggage; the slices point to wherever the bytes are. */
typedef struct cleat__baggage_list {
    cleat__baggage_entry entries[CLEAT__BAGGAGE_ENTRIES_MAX]; /* only the first `count` are defined */
    size_t count;
    size_t encoded_size; /* of the header */
} cleat__baggage_list;

/* Room for the decoded values of one header: what does not fit is above the limit anyway. */
typedef struct cleat__baggage_store {
    char text[CLEAT__BAGGAGE_SIZE_MAX];
    size_t size;
} cleat__baggage_store;

/* Reads one header line or several, which stay where they are until the baggage is taken. */
typedef struct cleat__baggage_reader {
    cleat__baggage_list list;
    cleat__baggage_store store;
} cleat__baggage_reader;

void cleat__baggage_reader_init(cleat__baggage_reader *reader);
/* Malformed members, and those beyond the limits, are left out. */
void cleat__baggage_read(cleat__baggage_reader *reader, cleat_slice line);
/* NULL: there is nothing, or no memory. */
cleat_baggage *cleat__baggage_take(const cleat__baggage_reader *reader);
/* The same of one line. */
cleat_baggage *cleat__baggage_parse(cleat_slice header);

/* The header, not NUL-terminated; its size. */
size_t cleat__baggage_format(const cleat_baggage *baggage, char text[CLEAT__BAGGAGE_SIZE_MAX]);

#endif
