#include "json_writer.h"

#include "format.h"
#include "message.h"

void cleat__writer_time(cleat__json_writer *writer, const char *key, int64_t unix_ms)
{
    cleat__text text = cleat__format_rfc3339(unix_ms);
    cleat__writer_string(writer, key, unix_ms != 0 ? text.text : NULL);
}

int cleat__writer_print(cleat__json_writer *writer)
{
    cleat__buffer_append_byte(&writer->out, '\n');
    return cleat__print(&writer->out);
}
