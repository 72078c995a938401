/* Names of CURLcodes, which libcurl has only texts for. */
#ifndef CLEAT_HTTP_CURL_CODE_H
#define CLEAT_HTTP_CURL_CODE_H

enum { CLEAT__CURL_CODE_SIZE = 48 };

/* "CURLE_COULDNT_CONNECT"; "CURLE_<number>" for those no HTTP request ends with. */
void cleat__curl_code_name(int code, char name[CLEAT__CURL_CODE_SIZE]);

#endif
