#include "wire/message.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "trace/protobuf.h"

enum {
    DEPTH_MAX = 32,
    BLOCK_OVERHEAD = 16, /* of malloc(), about */
};

/*
 * An empty item of a list takes two bytes on the wire and hundreds in memory. What is refused for that
 * is no honest message: the shortest trigger of a bulk takes about 30 bytes of memory for each of its own.
 */
#define BUDGET_BASE   ((size_t)1024 * 1024)
#define BUDGET_FACTOR 32

typedef struct budget {
    size_t left;
    bool is_spent;
    bool no_memory;
} budget;

static void *allocate(void *data, size_t size)
{
    budget *own = data; /* NULL: not bounded */
    if (own != NULL) {
        if (size > SIZE_MAX - BLOCK_OVERHEAD || size + BLOCK_OVERHEAD > own->left) {
            own->is_spent = true;
            return NULL;
        }
        own->left -= size + BLOCK_OVERHEAD;
    }
    void *block = cleat__malloc(size);
    if (block == NULL && own != NULL) {
        own->no_memory = true;
    }
    return block;
}

static void release(void *data, void *block)
{
    (void)data;
    cleat__free(block);
}

static ProtobufCAllocator plain_allocator = {allocate, release, NULL};

const char *cleat__message_name(const ProtobufCMessageDescriptor *descriptor)
{
    static const char package[] = "cleat.";
    bool is_inside = strncmp(descriptor->name, package, sizeof(package) - 1) == 0;
    return descriptor->name + (is_inside ? sizeof(package) - 1 : 0);
}

/* ---- Unpacking ---- */

static cleat_status fail_malformed(const ProtobufCMessageDescriptor *descriptor)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "the bytes are no %s", cleat__message_name(descriptor));
}

static cleat_status check_text(const ProtobufCMessageDescriptor *descriptor,
                               const ProtobufCFieldDescriptor *field, cleat_slice text)
{
    if (text.size == 0) {
        return CLEAT_OK;
    }
    if (cleat__utf8_valid_prefix(text.data, text.size) != text.size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s.%s is not valid UTF-8",
                           cleat__message_name(descriptor), field->name);
    }
    if (memchr(text.data, '\0', text.size) != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s.%s has a NUL in it", cleat__message_name(descriptor),
                           field->name);
    }
    return CLEAT_OK;
}

/* Looks at the bytes, because in a message a text's size is lost. */
static cleat_status check(const ProtobufCMessageDescriptor *descriptor, cleat_slice bytes, int depth)
{
    cleat__wire_reader reader = cleat__wire_reader_of(bytes);
    cleat__wire_field field;
    if (depth > DEPTH_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a %s is nested too deeply",
                           cleat__message_name(descriptor));
    }
    while (cleat__wire_next(&reader, &field)) {
        const ProtobufCFieldDescriptor *known =
            field.wire == CLEAT__WIRE_BYTES
                ? protobuf_c_message_descriptor_get_field(descriptor, field.number)
                : NULL;
        cleat_status status = CLEAT_OK;
        if (known != NULL && known->type == PROTOBUF_C_TYPE_STRING) {
            status = check_text(descriptor, known, field.bytes);
        } else if (known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE) {
            status = check(known->descriptor, field.bytes, depth + 1);
        }
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return reader.malformed ? fail_malformed(descriptor) : CLEAT_OK;
}

static cleat_status fail_unpacked(const ProtobufCMessageDescriptor *descriptor, const budget *own)
{
    if (own->no_memory) {
        return cleat__fail_memory();
    }
    if (own->is_spent) {
        return cleat__fail(CLEAT_TOO_LARGE, "the %s has too many parts for its size",
                           cleat__message_name(descriptor));
    }
    return fail_malformed(descriptor);
}

void *cleat__message_unpack_sized(const ProtobufCMessageDescriptor *descriptor, cleat_slice bytes,
                                  size_t *size, cleat_status *status)
{
    *size = 0;
    if (bytes.size > CLEAT__MESSAGE_SIZE_MAX) {
        *status = cleat__fail(CLEAT_TOO_LARGE, "the %s has %zu bytes; at most %zu are read",
                              cleat__message_name(descriptor), bytes.size, CLEAT__MESSAGE_SIZE_MAX);
        return NULL;
    }
    *status = check(descriptor, bytes, 0);
    if (*status != CLEAT_OK) {
        return NULL;
    }
    budget own = {BUDGET_BASE + BUDGET_FACTOR * bytes.size, false, false};
    ProtobufCAllocator allocator = {allocate, release, &own};
    const uint8_t *data = (const uint8_t *)(bytes.size != 0 ? bytes.data : "");
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, bytes.size, data);
    if (message == NULL) {
        *status = fail_unpacked(descriptor, &own);
        return NULL;
    }
    *size = BUDGET_BASE + BUDGET_FACTOR * bytes.size - own.left;
    return message;
}

void *cleat__message_unpack(const ProtobufCMessageDescriptor *descriptor, cleat_slice bytes,
                            cleat_status *status)
{
    size_t size;
    return cleat__message_unpack_sized(descriptor, bytes, &size, status);
}

void cleat__message_free(void *message)
{
    if (message != NULL) {
        protobuf_c_message_free_unpacked(message, &plain_allocator);
    }
}

/* ---- Packing ---- */

cleat_status cleat__message_pack(const void *message, cleat__buffer *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *at = cleat__buffer_reserve(out, size);
    if (at == NULL) {
        return cleat__fail_memory();
    }
    out->size += protobuf_c_message_pack(message, at);
    return CLEAT_OK;
}

/* ---- Making ---- */

void *cleat__message_new(const ProtobufCMessageDescriptor *descriptor)
{
    void *message = cleat__malloc(descriptor->sizeof_message);
    if (message != NULL) {
        protobuf_c_message_init(descriptor, message);
    }
    return message;
}

/* What a field has that is not set: never freed, and not sent even where presence is told. */
static char *unset_text(void)
{
    return (char *)(uintptr_t)protobuf_c_empty_string;
}

/* The size of the longest prefix that may stand in a text as it is. */
static size_t plain_prefix(cleat_slice text)
{
    size_t valid = cleat__utf8_valid_prefix(text.data, text.size);
    const char *nul = valid != 0 ? memchr(text.data, '\0', valid) : NULL;
    return nul != NULL ? (size_t)(nul - text.data) : valid;
}

static char *repaired(cleat_slice text)
{
    cleat__buffer buffer = {0};
    while (text.size != 0) {
        size_t plain = plain_prefix(text);
        cleat__buffer_append(&buffer, text.data, plain);
        text.data += plain;
        text.size -= plain;
        if (text.size != 0) {
            cleat__buffer_append_string(&buffer, CLEAT__UTF8_REPLACEMENT);
            text.data++;
            text.size--;
        }
    }
    return cleat__buffer_take_string(&buffer);
}

char *cleat__message_text(bool *failed, cleat_slice text)
{
    if (text.data == NULL) {
        return unset_text();
    }
    char *copy = plain_prefix(text) == text.size ? cleat__slice_dup(text) : repaired(text);
    if (copy == NULL) {
        *failed = true;
        return unset_text();
    }
    return copy;
}

char *cleat__message_string(bool *failed, const char *text)
{
    return cleat__message_text(failed, cleat_slice_of(text));
}
