#include "model/expression_function.h"

#include "base/hex.h"

#include <openssl/evp.h>

/* The names with these arguments; a table of methods and one of the rest. */
static const cleat__cel_function *find_in(const cleat__cel_function *functions, cleat_slice name,
                                          bool is_method, size_t count, bool *is_known)
{
    for (const cleat__cel_function *each = functions; each->name != NULL; each++) {
        if (each->is_method == is_method && cleat_slice_equals(name, cleat_slice_of(each->name))) {
            *is_known = true;
            if (strlen(each->arguments) == count) {
                return each;
            }
        }
    }
    return NULL;
}

static bool size_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                    cleat__cel_value *out)
{
    (void)count;
    size_t size = 0;
    switch (arguments[0].kind) {
    case CLEAT__CEL_STRING:
        if (!cleat__cel_step(run, 0, arguments[0].as.text.size)) {
            return false;
        }
        size = cleat__cel_characters(arguments[0].as.text);
        break;
    case CLEAT__CEL_BYTES: size = arguments[0].as.text.size; break;
    case CLEAT__CEL_LIST:
    case CLEAT__CEL_MAP: size = cleat__cel_count(&arguments[0]); break;
    default:
        return cleat__cel_fail(run, "size() of a value of the type %s",
                               cleat__cel_kind_name(arguments[0].kind));
    }
    *out = cleat__cel_int((int64_t)size);
    return true;
}

static bool type_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                    cleat__cel_value *out)
{
    (void)run;
    (void)count;
    *out = (cleat__cel_value){.kind = CLEAT__CEL_TYPE, .as.type = arguments[0].kind};
    return true;
}

/* Says to a compiler of CEL that the type is not known before; there is none here that asks. */
static bool itself(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                   cleat__cel_value *out)
{
    (void)run;
    (void)count;
    *out = arguments[0];
    return true;
}

static bool checksum(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                     cleat__cel_value *out)
{
    (void)count;
    enum { DIGEST_SIZE = 32 };
    uint8_t digest[EVP_MAX_MD_SIZE];
    cleat_slice text = arguments[0].as.text;
    char *hex = cleat__cel_get(run, 2 * DIGEST_SIZE + 1, 1);
    if (hex == NULL || !cleat__cel_step(run, 0, text.size)) {
        return false;
    }
    if (EVP_Digest(text.size != 0 ? text.data : "", text.size, digest, NULL, EVP_sha256(), NULL) != 1) {
        return cleat__cel_fail(run, "checksum() cannot be computed");
    }
    cleat__hex_encode(digest, DIGEST_SIZE, hex);
    *out = cleat__cel_string((cleat_slice){hex, (size_t)2 * DIGEST_SIZE});
    return true;
}

static const cleat__cel_function general[] = {
    {"size", false, "*", 'i', size_of},      {"size", true, "*", 'i', size_of},
    {"type", false, "*", 't', type_of},      {"dyn", false, "*", '*', itself},
    {"checksum", false, "s", 's', checksum}, {NULL, false, NULL, '*', NULL},
};

cleat__cel_kinds cleat__cel_letter_kinds(char letter)
{
    switch (letter) {
    case 's': return CLEAT__CEL_ONLY(STRING);
    case 'i': return CLEAT__CEL_ONLY(INT);
    case 'l': return CLEAT__CEL_ONLY(LIST);
    case 'b': return CLEAT__CEL_ONLY(BOOL);
    case 'u': return CLEAT__CEL_ONLY(UINT);
    case 'd': return CLEAT__CEL_ONLY(DOUBLE);
    case 'y': return CLEAT__CEL_ONLY(BYTES);
    case 't': return CLEAT__CEL_ONLY(TYPE);
    default: return CLEAT__CEL_ANY;
    }
}

const cleat__cel_function *cleat__cel_function_find(cleat_slice name, bool is_method, size_t count,
                                                    bool *is_known)
{
    *is_known = false;
    const cleat__cel_function *const tables[] = {general, cleat__cel_conversions,
                                                 cleat__cel_string_functions};
    const cleat__cel_function *found = NULL;
    for (size_t i = 0; found == NULL && i < sizeof(tables) / sizeof(tables[0]); i++) {
        found = find_in(tables[i], name, is_method, count, is_known);
    }
    return found;
}

bool cleat__cel_function_call(cleat__cel_run *run, const cleat__cel_function *function,
                              const cleat__cel_value *arguments, size_t count, cleat__cel_value *out)
{
    for (size_t i = 0; i < count; i++) {
        cleat__cel_kinds wanted = cleat__cel_letter_kinds(function->arguments[i]);
        if (((wanted >> arguments[i].kind) & 1) == 0) {
            char names[CLEAT__CEL_KINDS_SIZE];
            return cleat__cel_fail(run, "%s() wants a %s, not a value of the type %s", function->name,
                                   cleat__cel_kinds_name(wanted, names),
                                   cleat__cel_kind_name(arguments[i].kind));
        }
    }
    return function->call(run, arguments, count, out);
}

size_t cleat__cel_characters(cleat_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return count;
}

size_t cleat__cel_byte_at(cleat_slice text, size_t character)
{
    size_t at = 0;
    for (; at < text.size; at++) {
        if (((unsigned char)text.data[at] & 0xC0) != 0x80 && character-- == 0) {
            break;
        }
    }
    return at;
}
