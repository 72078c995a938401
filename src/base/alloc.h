/* Memory of the library: cleat_set_allocator() stands behind each of these. */
#ifndef CLEAT_BASE_ALLOC_H
#define CLEAT_BASE_ALLOC_H

#include <cleat/status.h>

void *cleat__malloc(size_t size);
void *cleat__calloc(size_t count, size_t size); /* NULL also when count * size overflows */
void *cleat__realloc(void *block, size_t size);
void cleat__free(void *block); /* NULL-safe */

/* NUL-terminated copies; NULL on no memory. cleat__strdup(NULL) is NULL. */
char *cleat__strdup(const char *text);
char *cleat__slice_dup(cleat_slice slice);

#endif
