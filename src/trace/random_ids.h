/* The id generator of providers that are given none. */
#ifndef CLEAT_TRACE_RANDOM_IDS_H
#define CLEAT_TRACE_RANDOM_IDS_H

#include <cleat/trace.h>

/* Starting a span knows it, and makes its ids by itself. */
extern const cleat_id_generator cleat__random_ids;

#endif
