/* What a program calls of the instrumented library in plugin.c. */
#ifndef CLEAT_TESTS_INSTALL_PLUGIN_H
#define CLEAT_TESTS_INSTALL_PLUGIN_H

#include <stdbool.h>

/* Makes a span as a child of the active one; whether it was recorded. Any thread. */
__attribute__((visibility("default"))) bool plugin_work(void);

#endif
