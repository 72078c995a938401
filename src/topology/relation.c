#include <cleat/run.h>

const char *cleat_trace_relation_name(cleat_trace_relation relation)
{
    switch (relation) {
    case CLEAT_TRACE_DEFAULT: return "default";
    case CLEAT_TRACE_PARENT: return "parent";
    case CLEAT_TRACE_LINK: return "link";
    case CLEAT_TRACE_NONE: return "none";
    }
    return "unknown";
}
