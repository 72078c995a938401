/* An id generator of the program's own, whose ids of zeros are replaced by random ones. */
#ifndef CLEAT_TRACE_CHECKED_IDS_H
#define CLEAT_TRACE_CHECKED_IDS_H

#include <cleat/trace.h>

/* `given` has both functions and lives as long as what is answered. */
cleat_id_generator cleat__checked_ids(const cleat_id_generator *given);

#endif
