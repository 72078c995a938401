/* Which sanitizer a test runs under, as gcc and as clang tell it: 0 or 1. */
#pragma once

#ifdef __has_feature
#define SANITIZER_IS(feature) __has_feature(feature)
#else
#define SANITIZER_IS(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SANITIZER_IS(address_sanitizer)
#define UNDER_ADDRESS_SANITIZER 1
#else
#define UNDER_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || SANITIZER_IS(thread_sanitizer)
#define UNDER_THREAD_SANITIZER 1
#else
#define UNDER_THREAD_SANITIZER 0
#endif
