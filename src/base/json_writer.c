#include "base/json_writer.h"

#include <inttypes.h>
#include <math.h>

static void begin_value(cleat__json_writer *writer, const char *key)
{
    if (writer->needs_comma) {
        cleat__buffer_append_byte(&writer->out, ',');
    }
    if (key != NULL) {
        cleat__buffer_append_json(&writer->out, cleat_slice_of(key));
        cleat__buffer_append_byte(&writer->out, ':');
    }
    writer->needs_comma = true;
}

static void begin(cleat__json_writer *writer, const char *key, uint8_t bracket)
{
    begin_value(writer, key);
    cleat__buffer_append_byte(&writer->out, bracket);
    writer->needs_comma = false;
}

static void end(cleat__json_writer *writer, uint8_t bracket)
{
    cleat__buffer_append_byte(&writer->out, bracket);
    writer->needs_comma = true;
}

void cleat__writer_begin_object(cleat__json_writer *writer, const char *key)
{
    begin(writer, key, '{');
}

void cleat__writer_end_object(cleat__json_writer *writer)
{
    end(writer, '}');
}

void cleat__writer_begin_array(cleat__json_writer *writer, const char *key)
{
    begin(writer, key, '[');
}

void cleat__writer_end_array(cleat__json_writer *writer)
{
    end(writer, ']');
}

void cleat__writer_raw(cleat__json_writer *writer, const char *key, cleat_slice json)
{
    begin_value(writer, key);
    cleat__buffer_append_slice(&writer->out, json.data != NULL ? json : cleat_slice_of("null"));
}

void cleat__writer_slice(cleat__json_writer *writer, const char *key, cleat_slice value)
{
    if (value.data == NULL) {
        cleat__writer_raw(writer, key, value);
        return;
    }
    begin_value(writer, key);
    cleat__buffer_append_json(&writer->out, value);
}

void cleat__writer_string(cleat__json_writer *writer, const char *key, const char *value)
{
    cleat__writer_slice(writer, key, cleat_slice_of(value));
}

void cleat__writer_int(cleat__json_writer *writer, const char *key, int64_t value)
{
    begin_value(writer, key);
    cleat__buffer_append_format(&writer->out, "%" PRId64, value);
}

void cleat__writer_double(cleat__json_writer *writer, const char *key, double value)
{
    begin_value(writer, key);
    cleat__buffer_append_format(&writer->out, "%.6g", isfinite(value) ? value : 0.0);
}

void cleat__writer_bool(cleat__json_writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    cleat__buffer_append_string(&writer->out, value ? "true" : "false");
}
