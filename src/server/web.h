/* The files of web/, in the program itself: the build makes the table (cmake/web.cmake). */
#ifndef CLEAT_SERVER_WEB_H
#define CLEAT_SERVER_WEB_H

#include <stddef.h>

typedef struct cleat__web_file {
    const char *name;         /* "app.js" */
    const char *content_type; /* for its header */
    const char *hash;         /* of its bytes, in hexadecimal digits */
    const char *data;
    size_t size;
} cleat__web_file;

extern const cleat__web_file cleat__web_files[];
extern const size_t cleat__web_file_count;

#endif
