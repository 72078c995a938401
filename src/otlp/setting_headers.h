/* The headers that go with every export: from a variable and from options. */
#ifndef CLEAT_OTLP_SETTING_HEADERS_H
#define CLEAT_OTLP_SETTING_HEADERS_H

#include "settings.h"

/* No control characters. */
bool cleat__otlp_header_value_is_valid(cleat_slice value);

/*
 * `key=value` pairs separated by commas, values percent-encoded (the form of W3C Baggage without
 * properties). A malformed pair, or one that the exporter
 * sets itself, is left out with a warning that does not show values: they
 * hold secrets.
 */
cleat_status cleat__otlp_headers_read(cleat__otlp_settings *settings, const char *variable, cleat_slice list);

/* CLEAT_INVALID_ARGUMENT for a name that is no token or that the exporter sets itself, and for a value
 * with control characters. */
cleat_status cleat__otlp_headers_add(cleat__otlp_settings *settings, const cleat_otlp_header *headers,
                                     size_t count);

#endif
