#include "model/cut.h"

void cleat__cut_append(cleat__buffer *buffer, cleat_slice text, size_t most)
{
    size_t size = text.size <= most ? text.size : most;
    while (size > 0 && size < text.size && ((uint8_t)text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    cleat__buffer_append(buffer, text.data, size);
    cleat__buffer_append_string(buffer, size < text.size ? "…" : "");
}
