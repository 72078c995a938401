/* Names and texts that somebody has given, in sentences. */
#ifndef CLEAT_MODEL_CUT_H
#define CLEAT_MODEL_CUT_H

#include "base/buffer.h"

/* Appends at most so many bytes of UTF-8; what is longer is cut behind a character, and an ellipsis stands there. */
void cleat__cut_append(cleat__buffer *buffer, cleat_slice text, size_t most);

#endif
