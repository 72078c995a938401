#include "store/run_search.h"

#include "store/run_walk.h"

typedef struct page {
    bool (*visit)(void *argument, const cleat__uuid *id);
    void *argument;
    int64_t left;
} page;

static bool see(void *argument, const cleat__run_seen *run)
{
    page *self = argument;
    self->left--;
    return self->visit(self->argument, &run->id) && self->left > 0;
}

cleat_status cleat__run_search(cleat__store *store, const cleat__run_search_filter *filter,
                               bool (*visit)(void *argument, const cleat__uuid *id), void *argument,
                               cleat__run_search_end *end)
{
    page self = {visit, argument, filter->limit};
    int64_t work = filter->work > 0 ? filter->work : CLEAT__RUN_SEARCH_WORK;
    return cleat__run_walk(store, filter, work, false, see, &self, end);
}
