#include "base/alloc.h"

#include <stdlib.h>

static void *default_malloc(void *user_data, size_t size)
{
    (void)user_data;
    return malloc(size);
}

static void *default_realloc(void *user_data, void *block, size_t size)
{
    (void)user_data;
    return realloc(block, size);
}

static void default_free(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

static const cleat_allocator default_allocator = {
    NULL,
    default_malloc,
    default_realloc,
    default_free,
};

/* Not atomic: cleat_set_allocator() comes before any other call. */
static cleat_allocator allocator = {NULL, default_malloc, default_realloc, default_free};

void cleat_set_allocator(const cleat_allocator *replacement)
{
    allocator = replacement != NULL ? *replacement : default_allocator;
}

/* Sizes of zero are made one, so that NULL always means no memory. */
static size_t at_least_one(size_t size)
{
    return size != 0 ? size : 1;
}

void *cleat__malloc(size_t size)
{
    return allocator.malloc(allocator.user_data, at_least_one(size));
}

void *cleat__calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    /* The C library knows which pages are zero already. */
    if (allocator.malloc == default_malloc) {
        return calloc(1, at_least_one(count * size));
    }
    void *block = cleat__malloc(count * size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}

void *cleat__realloc(void *block, size_t size)
{
    return allocator.realloc(allocator.user_data, block, at_least_one(size));
}

void cleat__free(void *block)
{
    if (block != NULL) {
        allocator.free(allocator.user_data, block);
    }
}

char *cleat__slice_dup(cleat_slice slice)
{
    char *copy = slice.size < SIZE_MAX ? cleat__malloc(slice.size + 1) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    if (slice.size != 0) {
        memcpy(copy, slice.data, slice.size);
    }
    copy[slice.size] = '\0';
    return copy;
}

char *cleat__strdup(const char *text)
{
    return text != NULL ? cleat__slice_dup(cleat_slice_of(text)) : NULL;
}
