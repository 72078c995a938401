/* What clients are told of the server's version: they look at the number to know what an engine can do;
 * whose it is stands behind it. */
#ifndef CLEAT_SERVER_VERSION_H
#define CLEAT_SERVER_VERSION_H

#include <cleat/status.h>

#include <stdio.h>

#define CLEAT__VERSION_SIZE 64

static inline void cleat__version_format(char text[CLEAT__VERSION_SIZE])
{
    snprintf(text, CLEAT__VERSION_SIZE, "v0.83.0-cleat.%s", cleat_version());
}

#endif
