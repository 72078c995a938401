/* The resource of a program: what the SDK knows, what detectors find, what the environment says. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "header.h"
#include "resource_parts.h"

#include <errno.h>
#include <stdio.h>

cleat_status cleat__resource_update(cleat_resource **resource, const cleat_resource *updating)
{
    cleat_resource *merged = NULL;
    cleat_status status = cleat_resource_merge(*resource, updating, &merged);
    if (status == CLEAT_OK) {
        cleat_resource_release(*resource);
        *resource = merged;
    }
    return status;
}

static cleat_status add_attributes(cleat_resource **resource, const cleat_attribute *attributes, size_t count,
                                   const char *schema_url)
{
    cleat_resource *added = NULL;
    cleat_status status = cleat_resource_new(attributes, count, schema_url, &added);
    if (status == CLEAT_OK) {
        status = cleat__resource_update(resource, added);
    }
    cleat_resource_release(added);
    return status;
}

/* ---- What the SDK knows ---- */

/* "unknown_service:" and the name of the executable. */
static void default_service_name(char *name, size_t size)
{
    char path[4096];
    cleat_slice process = cleat__path_name(cleat__executable_path(path, sizeof(path)));
    if (process.size == 0) {
        process = cleat_slice_of(program_invocation_short_name);
    }
    snprintf(name, size, "unknown_service:%.*s", CLEAT_SLICE_ARGS(process));
}

static cleat_status make_basic(cleat_resource **out)
{
    char service_name[512];
    default_service_name(service_name, sizeof(service_name));
    const cleat_attribute attributes[] = {
        cleat_attribute_string("service.name", service_name),
        cleat_attribute_string("telemetry.sdk.language", "c"),
        cleat_attribute_string("telemetry.sdk.name", "cleat"),
        cleat_attribute_string("telemetry.sdk.version", cleat_version()),
    };
    return cleat_resource_new(attributes, sizeof(attributes) / sizeof(attributes[0]), NULL, out);
}

/* ---- Detectors ---- */

/* A detector that fails costs its attributes, not the resource; no memory is everybody's trouble. */
static cleat_status ask_detector(cleat_resource **resource, const cleat_resource_detector *detector)
{
    if (detector == NULL || detector->detect == NULL) {
        return CLEAT_OK;
    }
    cleat_resource *found = NULL;
    cleat_status status = detector->detect(detector->user_data, &found);
    if (status == CLEAT_OK && found != NULL) {
        status = cleat__resource_update(resource, found);
    } else if (status != CLEAT_OK && status != CLEAT_EMPTY && status != CLEAT_NO_MEMORY) {
        cleat__log(CLEAT_LOG_WARN, "resource detector %s: %s: %s",
                   detector->name != NULL ? detector->name : "?", cleat_status_text(status),
                   cleat_error_message());
    }
    cleat_resource_release(found);
    return status == CLEAT_NO_MEMORY ? status : CLEAT_OK;
}

static const struct {
    const cleat_resource_detector *(*get)(void);
    bool is_in_all;
} built_in[] = {
    {cleat_resource_detector_process, true}, {cleat_resource_detector_host, true},
    {cleat_resource_detector_os, true},      {cleat_resource_detector_container, true},
    {cleat_resource_detector_service, true}, {cleat_resource_detector_process_command, false},
};

enum { BUILT_IN = sizeof(built_in) / sizeof(built_in[0]) };

static bool add_named(cleat_slice name, bool wanted[BUILT_IN])
{
    bool is_all = cleat__env_is(name, "all") || cleat__env_is(name, "*");
    /* `env` and `otel` are what other SDKs call the rest of the default resource. */
    bool is_known =
        is_all || cleat__env_is(name, "none") || cleat__env_is(name, "env") || cleat__env_is(name, "otel");
    for (size_t i = 0; i < BUILT_IN; i++) {
        bool is_this = cleat__env_is(name, built_in[i].get()->name);
        wanted[i] = wanted[i] || is_this || (is_all && built_in[i].is_in_all);
        is_known = is_known || is_this;
    }
    return is_known;
}

static cleat_status add_detectors_of_environment(cleat_resource **resource)
{
    static const char variable[] = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS";
    bool wanted[BUILT_IN] = {false};
    cleat_slice rest = cleat__env_get(variable);
    while (rest.data != NULL) {
        cleat_slice name = cleat__trim(cleat__split(rest, ',', &rest));
        if (name.size != 0 && !add_named(name, wanted)) {
            cleat__env_warn(variable, name,
                            "process, host, os, container, service, process_command, all or none");
        }
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; status == CLEAT_OK && i < BUILT_IN; i++) {
        if (wanted[i]) {
            status = ask_detector(resource, built_in[i].get());
        }
    }
    return status;
}

/* ---- The environment ---- */

static cleat_status add_attributes_of_environment(cleat_resource **resource)
{
    static const char variable[] = "OTEL_RESOURCE_ATTRIBUTES";
    cleat_slice value = cleat__env_get(variable);
    if (value.size == 0) {
        return CLEAT_OK;
    }
    cleat_resource *parsed = NULL;
    cleat_status status = cleat__resource_parse(value, &parsed);
    if (status == CLEAT_INVALID_ARGUMENT) {
        cleat__env_warn(variable, value,
                        "key=value pairs separated by commas, percent-encoded where , = or % are meant");
        return CLEAT_OK;
    }
    if (status == CLEAT_OK) {
        status = cleat__resource_update(resource, parsed);
    }
    cleat_resource_release(parsed);
    return status;
}

static cleat_status add_service_name(cleat_resource **resource)
{
    cleat_slice name = cleat__env_get("OTEL_SERVICE_NAME");
    if (name.size == 0) {
        return CLEAT_OK;
    }
    const cleat_attribute attribute = cleat_attribute_slice("service.name", name);
    return add_attributes(resource, &attribute, 1, NULL);
}

cleat_status cleat__resource_over_environment(cleat_resource *updating, cleat_resource **out)
{
    cleat_resource *resource = NULL;
    cleat_status status = add_attributes_of_environment(&resource);
    if (status == CLEAT_OK) {
        status = add_service_name(&resource);
    }
    if (status == CLEAT_OK && resource == NULL) {
        *out = cleat_resource_retain(updating);
        return CLEAT_OK;
    }
    if (status == CLEAT_OK) {
        status = cleat__resource_update(&resource, updating);
    }
    if (status != CLEAT_OK) {
        cleat_resource_release(resource);
        return status;
    }
    *out = resource;
    return CLEAT_OK;
}

/* ---- All of it ---- */

static cleat_status build(const cleat_resource_options *options, cleat_resource **resource)
{
    cleat_status status = make_basic(resource);
    if (status == CLEAT_OK) {
        status = add_detectors_of_environment(resource);
    }
    for (size_t i = 0; status == CLEAT_OK && options->detectors != NULL && i < options->detector_count; i++) {
        status = ask_detector(resource, options->detectors[i]);
    }
    if (status == CLEAT_OK) {
        status = add_attributes_of_environment(resource);
    }
    if (status == CLEAT_OK) {
        status = add_service_name(resource);
    }
    if (status == CLEAT_OK && options->attributes != NULL && options->attribute_count != 0) {
        status = add_attributes(resource, options->attributes, options->attribute_count, options->schema_url);
    }
    return status;
}

cleat_status cleat_resource_detect(const cleat_resource_options *options, cleat_resource **out)
{
    cleat_resource_options given;
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the resource");
    }
    *out = NULL;
    cleat__options_copy(&given, options, sizeof(given));
    cleat_resource *resource = NULL;
    cleat_status status = build(&given, &resource);
    if (status != CLEAT_OK) {
        cleat_resource_release(resource);
        return status;
    }
    *out = resource;
    return CLEAT_OK;
}

cleat_status cleat_resource_default(cleat_resource **out)
{
    return cleat_resource_detect(NULL, out);
}
