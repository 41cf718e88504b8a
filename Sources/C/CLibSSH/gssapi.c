// Satisfies libssh.a's references to GSSAPI without krb5: this process contains no such code, and every call fails.
#include <stddef.h>
#include <stdint.h>

struct oid {
  uint32_t length;
  void *elements;
};
struct buffer {
  size_t length;
  void *value;
};
struct oid *GSS_C_NT_USER_NAME = NULL, *GSS_C_NT_HOSTBASED_SERVICE = NULL;

// GSS_S_UNAVAILABLE
#define UNAVAILABLE ((uint32_t)16 << 16)
#define STUB(name)                 \
  uint32_t name(uint32_t *minor) { \
    if (minor) *minor = 0;         \
    return UNAVAILABLE;            \
  }
STUB(gss_accept_sec_context)
STUB(gss_acquire_cred)
STUB(gss_add_oid_set_member)
STUB(gss_create_empty_oid_set)
STUB(gss_display_name)
STUB(gss_get_mic)
STUB(gss_import_name)
STUB(gss_init_sec_context)
STUB(gss_inquire_cred)
STUB(gss_inquire_cred_by_mech)
STUB(gss_release_cred)
STUB(gss_release_name)
STUB(gss_release_oid_set)
STUB(gss_test_oid_set_member)
STUB(gss_verify_mic)

uint32_t gss_indicate_mechs(uint32_t *minor, void **mechanisms) {
  if (minor) *minor = 0;
  if (mechanisms) *mechanisms = NULL;
  return UNAVAILABLE;
}

uint32_t gss_release_buffer(uint32_t *minor, struct buffer *buffer) {
  if (minor) *minor = 0;
  if (buffer) *buffer = (struct buffer){0, NULL};
  return 0;
}

uint32_t gss_display_status(uint32_t *minor, uint32_t status, int type, void *mechanism, uint32_t *context,
                            struct buffer *text) {
  (void)status;
  (void)type;
  (void)mechanism;
  if (minor) *minor = 0;
  if (context) *context = 0;
  if (text) *text = (struct buffer){0, NULL};
  return UNAVAILABLE;
}
