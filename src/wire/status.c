#include "wire/status.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"

#define TYPE_URL "type.googleapis.com/"

/*
 * By code: grpc.io, "Status codes and their use in gRPC". INTERNAL and UNKNOWN may go away by trying
 * again; PERMISSION_DENIED does not, and the server's sentence says more than a status could.
 */
static const cleat_status statuses[] = {
    CLEAT_OK,
    CLEAT_CANCELLED,
    CLEAT_FAILED, /* UNKNOWN */
    CLEAT_INVALID_ARGUMENT,
    CLEAT_TIMEOUT, /* DEADLINE_EXCEEDED */
    CLEAT_NOT_FOUND,
    CLEAT_ALREADY_EXISTS,
    CLEAT_NON_RETRYABLE, /* PERMISSION_DENIED */
    CLEAT_RESOURCE_EXHAUSTED,
    CLEAT_FAILED_PRECONDITION,
    CLEAT_UNAVAILABLE, /* ABORTED */
    CLEAT_TOO_LARGE,   /* OUT_OF_RANGE */
    CLEAT_UNSUPPORTED, /* UNIMPLEMENTED */
    CLEAT_FAILED,      /* INTERNAL */
    CLEAT_UNAVAILABLE,
    CLEAT_CORRUPT, /* DATA_LOSS */
    CLEAT_UNAUTHENTICATED,
};

cleat_status cleat__status_of_grpc(int code)
{
    return code >= 0 && (size_t)code < sizeof(statuses) / sizeof(statuses[0]) ? statuses[code] : CLEAT_FAILED;
}

/* ---- Details ---- */

static Cleat__Google__Protobuf__Any *any_new(bool *failed, const void *detail)
{
    const ProtobufCMessageDescriptor *descriptor = ((const ProtobufCMessage *)detail)->descriptor;
    Cleat__Google__Protobuf__Any *any = cleat__message_new(&cleat__google__protobuf__any__descriptor);
    cleat__buffer url = {0}, value = {0};
    if (any == NULL) {
        *failed = true;
        return NULL;
    }
    cleat__buffer_append_string(&url, TYPE_URL);
    cleat__buffer_append_string(&url, cleat__message_name(descriptor));
    any->type_url = cleat__message_text(failed, cleat__buffer_slice(&url));
    cleat__message_pack(detail, &value);
    *failed = *failed || url.failed || value.failed;
    any->value = (ProtobufCBinaryData){value.size, value.data};
    cleat__buffer_deinit(&url);
    return any;
}

cleat_status cleat__status_detail_pack(int code, const char *sentence, const void *detail, cleat__buffer *out)
{
    bool failed = false;
    Cleat__Google__Rpc__Status *message = cleat__message_new(&cleat__google__rpc__status__descriptor);
    Cleat__Google__Protobuf__Any **details = cleat__malloc(sizeof(*details));
    cleat_status status = CLEAT_NO_MEMORY;
    if (message == NULL || details == NULL) {
        cleat__free(details);
        cleat__message_free(message);
        return cleat__fail_memory();
    }
    message->code = code;
    message->message = cleat__message_string(&failed, sentence);
    details[0] = any_new(&failed, detail);
    message->details = details;
    message->n_details = details[0] != NULL ? 1 : 0;
    status = failed ? cleat__fail_memory() : cleat__message_pack(message, out);
    cleat__message_free(message);
    return status;
}

/* What counts in a type's URL is behind its last slash. */
static bool is_of_type(const Cleat__Google__Protobuf__Any *any, const ProtobufCMessageDescriptor *descriptor)
{
    const char *slash = strrchr(any->type_url, '/');
    return slash != NULL && strcmp(slash + 1, cleat__message_name(descriptor)) == 0;
}

void *cleat__status_detail_unpack(cleat_slice trailer, const ProtobufCMessageDescriptor *descriptor,
                                  cleat_status *status)
{
    void *detail = NULL;
    Cleat__Google__Rpc__Status *message =
        cleat__message_unpack(&cleat__google__rpc__status__descriptor, trailer, status);
    if (message == NULL) {
        return NULL;
    }
    *status = CLEAT_EMPTY;
    for (size_t i = 0; i < message->n_details; i++) {
        const Cleat__Google__Protobuf__Any *any = message->details[i];
        if (is_of_type(any, descriptor)) {
            cleat_slice value = {(const char *)any->value.data, any->value.len};
            detail = cleat__message_unpack(descriptor, value, status);
            break;
        }
    }
    cleat__message_free(message);
    return detail;
}
