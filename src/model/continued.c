#include "model/continued.h"

#include <string.h>

static const char begin[] = "{\"cleat:continued_as\":\"", end[] = "\"}";

enum { BEGIN_SIZE = sizeof(begin) - 1, ID_SIZE = 36 };
_Static_assert(CLEAT__CONTINUED_SIZE == BEGIN_SIZE + ID_SIZE + sizeof(end), "all of it");

void cleat__continued_format(const cleat__uuid *id, char out[CLEAT__CONTINUED_SIZE])
{
    memcpy(out, begin, BEGIN_SIZE);
    cleat__uuid_format(id, out + BEGIN_SIZE);
    memcpy(out + BEGIN_SIZE + ID_SIZE, end, sizeof(end));
}

bool cleat__continued_parse(cleat_slice output, cleat__uuid *id)
{
    return output.size == CLEAT__CONTINUED_SIZE - 1 && memcmp(output.data, begin, BEGIN_SIZE) == 0 &&
           memcmp(output.data + BEGIN_SIZE + ID_SIZE, end, sizeof(end) - 1) == 0 &&
           cleat__uuid_parse((cleat_slice){output.data + BEGIN_SIZE, ID_SIZE}, id) == CLEAT_OK;
}
