#include "tests/testing/certificate.h"

#include <memory>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/random.h"

namespace penstock::testing {
namespace {

struct Deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <class T>
using Ptr = std::unique_ptr<T, Deleter>;

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

void AddExtension(X509* certificate, int id, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

Certificate Make(const CertificateOptions& options, const Certificate* issuer) {
  const Ptr<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const Ptr<X509> certificate(X509_new());
  X509* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), RandomU64() >> 1);
  X509_gmtime_adj(X509_getm_notBefore(x), options.from_days * 86'400L);
  X509_gmtime_adj(X509_getm_notAfter(x), options.until_days * 86'400L);
  X509_set_pubkey(x, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(options.host.c_str()), -1, -1,
                             0);
  const bool numeric = options.host.find_first_not_of("0123456789.") == std::string::npos;
  AddExtension(x, NID_subject_alt_name, (numeric ? "IP:" : "DNS:") + options.host);
  if (options.authority) AddExtension(x, NID_basic_constraints, "critical,CA:TRUE");

  Ptr<EVP_PKEY> issuer_key;
  X509_NAME* issuer_name = X509_get_subject_name(x);
  Ptr<X509> issuer_certificate;
  if (issuer != nullptr) {
    const Ptr<BIO> pem(BIO_new_mem_buf(issuer->pem.data(), static_cast<int>(issuer->pem.size())));
    issuer_certificate.reset(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
    const Ptr<BIO> key_pem(
        BIO_new_mem_buf(issuer->key_pem.data(), static_cast<int>(issuer->key_pem.size())));
    issuer_key.reset(PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr));
    issuer_name = X509_get_subject_name(issuer_certificate.get());
  }
  X509_set_issuer_name(x, issuer_name);
  CHECK(X509_sign(x, issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) > 0);

  Certificate out;
  const Ptr<BIO> pem(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(pem.get(), x) == 1);
  out.pem = Content(pem.get());
  const Ptr<BIO> key_pem(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
  out.key_pem = Content(key_pem.get());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(X509_digest(x, EVP_sha256(), digest, &size) == 1);
  for (unsigned int i = 0; i < size; ++i) out.fingerprint += fmt::format("{:02x}", digest[i]);
  return out;
}

}  // namespace

Certificate MakeCertificate(const CertificateOptions& options) { return Make(options, nullptr); }

Certificate MakeCertificate(const CertificateOptions& options, const Certificate& issuer) {
  return Make(options, &issuer);
}

}  // namespace penstock::testing
