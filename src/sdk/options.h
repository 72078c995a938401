/* Reading the public option structs, whose first member says how much of them the caller knew. */
#ifndef CLEAT_SDK_OPTIONS_H
#define CLEAT_SDK_OPTIONS_H

#include <cleat/run.h>

/*
 * Copies the options at `from` into the struct of `size` bytes at `to`; NULL gives all zero. What
 * a caller built with older headers does not know stays zero. CLEAT_INVALID_ARGUMENT, naming
 * `what`, when struct_size is 0 or when the caller set something this library does not know.
 */
cleat_status cleat__options_read(const char *what, const void *from, void *to, size_t size);

/* CLEAT_INVALID_ARGUMENT. */
cleat_status cleat__priority_check(int priority); /* 0 is fine: the task's own */
cleat_status cleat__trace_check(cleat_trace_relation trace);

/* Of what is listed; fills in the limit when it is 0. */
cleat_status cleat__page_check(int64_t offset, int64_t *limit);

#endif
