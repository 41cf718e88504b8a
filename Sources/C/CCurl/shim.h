// libcurl's variadic functions, which Swift cannot call, one for each type of argument that we use.
#include <curl/curl.h>

static inline CURLcode ccurl_set_number(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}

// libcurl copies the text.
static inline CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}

// libcurl copies the bytes.
static inline CURLcode ccurl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count) {
  struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY};
  return curl_easy_setopt(handle, option, &blob);
}

typedef size_t (*ccurl_sink)(char *bytes, size_t size, size_t count, void *context);

// CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
static inline CURLcode ccurl_set_sink(CURL *handle, CURLoption option, ccurl_sink sink) {
  return curl_easy_setopt(handle, option, sink);
}

static inline CURLcode ccurl_get_number(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode ccurl_get_socket(CURL *handle, curl_socket_t *value) {
  return curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, value);
}

// The result of a finished transfer; returns 0 when the message is about something else.
static inline int ccurl_finished(const CURLMsg *message, CURLcode *result) {
  if (message->msg != CURLMSG_DONE) return 0;
  *result = message->data.result;
  return 1;
}

// For instance 0x075801 for 7.88.1.
static inline unsigned ccurl_version(void) { return curl_version_info(CURLVERSION_NOW)->version_num; }
