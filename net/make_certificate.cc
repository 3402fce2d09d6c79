#include "net/make_certificate.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/random.h"
#include "net/certificate.h"

namespace penstock::net {
namespace {

// What the common name of a certificate holds, by X.520.
constexpr size_t kCommonNameBytesMax = 64;
constexpr size_t kNameBytesMax = 253;
constexpr size_t kLabelBytesMax = 63;

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Ptr = std::unique_ptr<T, Deleter>;

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string PemOf(EVP_PKEY* key) {
  const Ptr<BIO> out(BIO_new(BIO_s_secmem()));
  CHECK(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TextOf(out.get());
}

std::string PemOf(X509* certificate) {
  const Ptr<BIO> out(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(out.get(), certificate) == 1);
  return TextOf(out.get());
}

int64_t SecondsOf(ServerTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// No serial number twice, without anybody keeping count: 128 random bits (RFC 5280 allows 159).
void SetSerial(X509* certificate) {
  std::array<uint8_t, 16> random{};
  FillRandom(random);
  random[0] |= 0x40;  // never zero, and the same length each time
  random[0] &= 0x7f;
  const Ptr<BIGNUM> number(BN_bin2bn(random.data(), random.size(), nullptr));
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

// `value` in OpenSSL's notation. Only texts of this file and names that were checked come here.
void AddExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Ptr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

Ptr<X509> Begin(EVP_PKEY* key, std::string_view common_name, Validity validity) {
  Ptr<X509> out(X509_new());
  X509* const x = out.get();
  CHECK(X509_set_version(x, X509_VERSION_3) == 1);
  SetSerial(x);
  CHECK(ASN1_TIME_set(X509_getm_notBefore(x), SecondsOf(validity.from)) != nullptr);
  CHECK(ASN1_TIME_set(X509_getm_notAfter(x), SecondsOf(validity.until)) != nullptr);
  CHECK(X509_set_pubkey(x, key) == 1);
  const std::string_view name = common_name.substr(0, kCommonNameBytesMax);
  CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.data()),
                                   static_cast<int>(name.size()), -1, 0) == 1);
  return out;
}

Ptr<EVP_PKEY> NewKey() {
  Ptr<EVP_PKEY> key(EVP_EC_gen("P-256"));
  CHECK(key != nullptr);
  return key;
}

// Without it OpenSSL would ask at the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

bool IsNumeric(std::string_view name) {
  const std::string text(name);
  in6_addr scratch{};
  return inet_pton(AF_INET, text.c_str(), &scratch) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

}  // namespace

KeyAndCertificate MakeAuthority(std::string_view name, Validity validity) {
  const Ptr<EVP_PKEY> key = NewKey();
  const Ptr<X509> certificate = Begin(key.get(), name, validity);
  X509* const x = certificate.get();
  CHECK(X509_set_issuer_name(x, X509_get_subject_name(x)) == 1);
  AddExtension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(x, x, NID_subject_key_identifier, "hash");
  CHECK(X509_sign(x, key.get(), EVP_sha256()) > 0);
  return {PemOf(key.get()), PemOf(x)};
}

Status CheckCertificateName(std::string_view name) {
  if (IsNumeric(name)) return Status();
  const Error bad(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is neither a host's name nor a numeric address", name));
  std::string_view rest = name;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  if (rest.empty() || rest.size() > kNameBytesMax) return bad;
  std::string_view last;
  while (!rest.empty()) {
    last = rest.substr(0, rest.find('.'));
    if (!IsLabel(last)) return bad;
    rest.remove_prefix(last.size());
    if (rest == ".") return bad;
    if (!rest.empty()) rest.remove_prefix(1);
  }
  // "10.0.0.300" is a slip of the fingers and no name.
  const bool number =
      std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? Status(bad) : Status();
}

Result<KeyAndCertificate> MakeServerCertificate(const KeyAndCertificate& authority,
                                                const std::vector<std::string>& names,
                                                Validity validity) {
  CHECK(!names.empty());
  std::string alternatives;
  for (const std::string& name : names) {
    PS_TRY_VOID(CheckCertificateName(name));
    alternatives += fmt::format("{}{}:{}", alternatives.empty() ? "" : ",",
                                IsNumeric(name) ? "IP" : "DNS", name);
  }
  const Ptr<BIO> certificate_pem(BIO_new_mem_buf(authority.certificate.data(),
                                                 static_cast<int>(authority.certificate.size())));
  const Ptr<BIO> key_pem(
      BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
  const Ptr<X509> issuer(PEM_read_bio_X509(certificate_pem.get(), nullptr, nullptr, nullptr));
  const Ptr<EVP_PKEY> issuer_key(
      PEM_read_bio_PrivateKey(key_pem.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (issuer == nullptr || issuer_key == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 "the authority's files hold no certificate and key in PEM form");
  }
  const bool matches = X509_check_private_key(issuer.get(), issuer_key.get()) == 1;
  ERR_clear_error();
  if (!matches || X509_check_ca(issuer.get()) == 0) {
    return Error(ErrorCode::kInvalidArgument,
                 matches ? "the authority's certificate may not sign others"
                         : "the authority's key does not belong to its certificate");
  }
  const ServerTime end = FactsOf(issuer.get()).ends;
  if (end <= validity.from)
    return Error(ErrorCode::kInvalidArgument, "the authority's certificate has ended");
  validity.until = std::min(validity.until, end);

  const Ptr<EVP_PKEY> key = NewKey();
  const Ptr<X509> certificate = Begin(key.get(), names.front(), validity);
  X509* const x = certificate.get();
  CHECK(X509_set_issuer_name(x, X509_get_subject_name(issuer.get())) == 1);
  AddExtension(x, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(x, issuer.get(), NID_key_usage, "critical,digitalSignature");
  AddExtension(x, issuer.get(), NID_ext_key_usage, "serverAuth");
  AddExtension(x, issuer.get(), NID_subject_alt_name, alternatives);
  AddExtension(x, issuer.get(), NID_subject_key_identifier, "hash");
  // Those of other makers may have none.
  if (X509_get0_subject_key_id(issuer.get()) != nullptr)
    AddExtension(x, issuer.get(), NID_authority_key_identifier, "keyid");
  CHECK(X509_sign(x, issuer_key.get(), EVP_sha256()) > 0);
  return KeyAndCertificate{PemOf(key.get()), PemOf(x)};
}

}  // namespace penstock::net
