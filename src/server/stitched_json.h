/* A forest as the viewer's JSON reads it: docs/http-api.md, "view". */
#ifndef CLEAT_SERVER_STITCHED_JSON_H
#define CLEAT_SERVER_STITCHED_JSON_H

#include "base/json_writer.h"
#include "collector/stitched.h"

/* One object. */
void cleat__stitched_to_json(cleat__json_writer *writer, const char *key, const cleat__stitched *stitched);

#endif
