/* Reading the public option structs, whose first member says how much of them the caller knew. */
#ifndef CLEAT_SDK_OPTIONS_H
#define CLEAT_SDK_OPTIONS_H

#include <cleat/status.h>

/*
 * Copies the options at `from` into the struct of `size` bytes at `to`; NULL gives all zero. What
 * a caller built with older headers does not know stays zero. CLEAT_INVALID_ARGUMENT, naming
 * `what`, when struct_size is 0 or when the caller set something this library does not know.
 */
cleat_status cleat__options_read(const char *what, const void *from, void *to, size_t size);

#endif
