#include "collector/json_scalar.h"

#include "base/hex.h"

#include <math.h>

enum { FIELD_HEAD_MAX = 12, ID_MAX = 16 };

static void put_bytes(cleat__buffer *out, unsigned field, const void *data, size_t size)
{
    uint8_t *at = cleat__buffer_reserve(out, FIELD_HEAD_MAX + size);
    if (at != NULL) {
        out->size += (size_t)(cleat__put_bytes(at, field, data, size) - at);
    }
}

static void put_varint(cleat__buffer *out, unsigned field, uint64_t value)
{
    uint8_t *at = cleat__buffer_reserve(out, FIELD_HEAD_MAX);
    if (at != NULL) {
        uint8_t *end = cleat__put_tag(at, field, CLEAT__WIRE_VARINT);
        out->size += (size_t)(cleat__put_varint(end, value) - at);
    }
}

static void put_fixed64(cleat__buffer *out, unsigned field, uint64_t value)
{
    uint8_t *at = cleat__buffer_reserve(out, FIELD_HEAD_MAX);
    if (at != NULL) {
        uint8_t *end = cleat__put_tag(at, field, CLEAT__WIRE_FIXED64);
        out->size += (size_t)(cleat__put_fixed64(end, value) - at);
    }
}

/* ---- Texts ---- */

static cleat_slice text_of(const json_t *value)
{
    return (cleat_slice){json_string_value(value), json_string_length(value)};
}

bool cleat__json_put_text(cleat__buffer *out, unsigned field, const json_t *value)
{
    if (json_is_string(value)) {
        put_bytes(out, field, json_string_value(value), json_string_length(value));
    }
    return json_is_string(value);
}

bool cleat__json_put_id(cleat__buffer *out, unsigned field, const json_t *value)
{
    uint8_t bytes[ID_MAX] = {0};
    cleat_slice text = text_of(value);
    if (!json_is_string(value)) {
        return false;
    }
    bool is_hex = text.size % 2 == 0 && text.size / 2 <= ID_MAX;
    for (size_t i = 0; is_hex && i < text.size; i += 2) {
        int high = cleat__hex_digit_of(text.data[i]), low = cleat__hex_digit_of(text.data[i + 1]);
        is_hex = high >= 0 && low >= 0;
        bytes[i / 2] = is_hex ? (uint8_t)(high << 4 | low) : 0;
    }
    put_bytes(out, field, bytes, is_hex ? text.size / 2 : 1);
    return true;
}

static int base64_digit(char digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    if (digit == '+' || digit == '-') {
        return 62;
    }
    return digit == '/' || digit == '_' ? 63 : -1;
}

bool cleat__json_put_base64(cleat__buffer *out, unsigned field, const json_t *value)
{
    cleat_slice text = text_of(value);
    cleat__buffer bytes = {0};
    uint32_t word = 0;
    unsigned bits = 0;
    bool is_fine = json_is_string(value);
    for (int padding = 0; is_fine && padding < 2 && text.size != 0 && text.data[text.size - 1] == '=';
         padding++) {
        text.size--;
    }
    is_fine = is_fine && text.size % 4 != 1;
    for (size_t i = 0; is_fine && i < text.size; i++) {
        int digit = base64_digit(text.data[i]);
        is_fine = digit >= 0;
        word = word << 6 | (uint32_t)(digit & 63);
        bits += 6;
        if (is_fine && bits >= 8) {
            bits -= 8;
            cleat__buffer_append_byte(&bytes, (uint8_t)(word >> bits));
        }
    }
    if (is_fine) {
        put_bytes(out, field, bytes.data, bytes.size);
        out->failed |= bytes.failed;
    }
    cleat__buffer_deinit(&bytes);
    return is_fine;
}

/* ---- Numbers ---- */

/* A decimal integer and nothing else. */
static bool parse_int(cleat_slice text, bool is_signed, uint64_t *out)
{
    bool is_negative = is_signed && text.size != 0 && text.data[0] == '-';
    uint64_t most = !is_signed ? UINT64_MAX : is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t number = 0;
    size_t i = is_negative;
    bool is_fine = i < text.size;
    for (; is_fine && i < text.size; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';
        is_fine = digit <= 9 && number <= (most - digit) / 10;
        number = is_fine ? number * 10 + digit : 0;
    }
    *out = is_negative ? 0 - number : number;
    return is_fine;
}

/* 1e3 is an integer to protobuf's mapping. */
static bool real_to_int(double real, bool is_signed, uint64_t *out)
{
    if (real != floor(real) || real < (is_signed ? -0x1p63 : 0) || real >= (is_signed ? 0x1p63 : 0x1p64)) {
        return false;
    }
    *out = real < 0 ? (uint64_t)(int64_t)real : (uint64_t)real;
    return true;
}

static bool read_int(const json_t *value, bool is_signed, uint64_t *out)
{
    if (json_is_string(value)) {
        return parse_int(text_of(value), is_signed, out);
    }
    if (json_is_real(value)) {
        return real_to_int(json_real_value(value), is_signed, out);
    }
    *out = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && (is_signed || json_integer_value(value) >= 0);
}

bool cleat__json_put_bool(cleat__buffer *out, unsigned field, const json_t *value)
{
    put_varint(out, field, json_is_true(value));
    return json_is_boolean(value);
}

bool cleat__json_put_int(cleat__buffer *out, unsigned field, const json_t *value)
{
    uint64_t number = 0;
    bool is_fine = read_int(value, true, &number);
    put_varint(out, field, number);
    return is_fine;
}

bool cleat__json_put_count(cleat__buffer *out, unsigned field, const json_t *value)
{
    uint64_t number = 0;
    bool is_fine = read_int(value, false, &number) && number <= UINT32_MAX;
    put_varint(out, field, number);
    return is_fine;
}

bool cleat__json_put_time(cleat__buffer *out, unsigned field, const json_t *value)
{
    uint64_t number = 0;
    bool is_fine = read_int(value, false, &number);
    put_fixed64(out, field, number);
    return is_fine;
}

bool cleat__json_put_flags(cleat__buffer *out, unsigned field, const json_t *value)
{
    uint64_t number = 0;
    bool is_fine = read_int(value, false, &number) && number <= UINT32_MAX;
    uint8_t *at = cleat__buffer_reserve(out, FIELD_HEAD_MAX);
    if (at != NULL) {
        uint8_t *end = cleat__put_varint(at, CLEAT__TAG(field, CLEAT__WIRE_FIXED32));
        out->size += (size_t)(cleat__put_fixed32(end, (uint32_t)number) - at);
    }
    return is_fine;
}

static bool read_double(const json_t *value, double *out)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    json_error_t error;
    *out = json_number_value(value);
    if (!json_is_string(value)) {
        return json_is_number(value);
    }
    cleat_slice text = text_of(value);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cleat_slice_equals(text, cleat_slice_of(names[i].name))) {
            *out = names[i].value;
            return true;
        }
    }
    /* As a number of JSON: strtod() goes by the locale. */
    json_t *number = json_loadb(text.data, text.size, JSON_DECODE_ANY, &error);
    bool is_number = json_is_number(number);
    *out = json_number_value(number);
    json_decref(number);
    return is_number;
}

bool cleat__json_put_double(cleat__buffer *out, unsigned field, const json_t *value)
{
    double number = 0;
    uint64_t bits;
    bool is_fine = read_double(value, &number);
    memcpy(&bits, &number, sizeof(bits));
    put_fixed64(out, field, bits);
    return is_fine;
}

/* ---- Enumerations ---- */

static bool put_enum(cleat__buffer *out, unsigned field, const json_t *value, const char *const *names,
                     size_t count)
{
    uint64_t number = 0;
    size_t i = 0;
    if (json_is_integer(value)) {
        put_varint(out, field, (uint64_t)json_integer_value(value));
        return json_integer_value(value) >= INT32_MIN && json_integer_value(value) <= INT32_MAX;
    }
    while (i < count && !cleat_slice_equals(text_of(value), cleat_slice_of(names[i]))) {
        i++;
    }
    number = i;
    put_varint(out, field, number);
    return i < count;
}

bool cleat__json_put_kind(cleat__buffer *out, unsigned field, const json_t *value)
{
    static const char *const names[] = {
        "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
    };
    return put_enum(out, field, value, names, sizeof(names) / sizeof(names[0]));
}

bool cleat__json_put_status_code(cleat__buffer *out, unsigned field, const json_t *value)
{
    static const char *const names[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
    return put_enum(out, field, value, names, sizeof(names) / sizeof(names[0]));
}
