/* What the rules of a check may call beside SQLite's own functions. */
#ifndef CLEAT_STORE_CHECK_FUNCTIONS_H
#define CLEAT_STORE_CHECK_FUNCTIONS_H

#include <cleat/status.h>

#include <sqlite3.h>

/*
 * uuid(blob)                         as people write it; in hexadecimal when it is none
 * is_json(text), is_object(text)     what the engine takes
 * is_name, is_action, is_cron, is_expression, is_wish, is_names, is_slots, is_labels(text)
 *                                    whether it is what the engine has stored in that form
 * is_nodes(text)                     a JSON array of pairs of numbers
 * declaration_fault(text)            what is wrong with that of a version; NULL: nothing
 * declaration_tasks(text)            the names of its tasks with ',' between them; NULL: it has one
 * declaration_limits(text)           "2,1": as many rules of concurrency, and rate limits
 * declaration_waits(text, task)      how many sleeps and events that task may wait for
 * limits_count(text)                 as declaration_limits(), of what the limits of a run are for; NULL: it is none
 */
cleat_status cleat__check_functions_add(sqlite3 *db);

#endif
