#include "model/missing.h"

#include "base/error.h"

/* A worker that is there declares nothing again by itself. */
cleat_status cleat__missing_task(cleat_slice name)
{
    return cleat__fail(CLEAT_NOT_FOUND,
                       "there is no task \"%.*s\": no worker has declared it, or it was deleted since; check "
                       "the name, and start its worker, anew where it runs",
                       CLEAT_SLICE_ARGS(name));
}
