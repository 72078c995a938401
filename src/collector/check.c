#include "collector/check.h"

#include "cleat_sql.h"

cleat_status cleat__check_spans(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules)
{
    return cleat__check_rules(store, cleat__sql_spans_check, visit, argument, rules);
}
