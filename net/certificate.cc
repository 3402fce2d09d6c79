#include "net/certificate.h"

#include <ctime>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace penstock::net {
namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
template <class T>
using Ptr = std::unique_ptr<T, Deleter>;

std::string NameText(const X509_NAME* name) {
  const Ptr<BIO> out(BIO_new(BIO_s_mem()));
  CHECK(out != nullptr);
  // RFC 2253 without turning letters beyond ASCII into escapes: it is for people.
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

ServerTime TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  // What is no time is no time at which it could hold.
  if (ASN1_TIME_to_tm(time, &parts) != 1) return ServerTime();
  return ServerTimeFromMs(static_cast<int64_t>(timegm(&parts)) * 1000);
}

std::string TextOf(const ASN1_STRING* text) {
  const auto* const data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  return std::string(data, static_cast<size_t>(ASN1_STRING_length(text)));
}

// Four or sixteen bytes; nothing for others.
std::string AddressText(const std::string& bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof text);
  if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::vector<std::string> NamesOf(const X509* certificate) {
  std::vector<std::string> out;
  const Ptr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) out.push_back(TextOf(name->d.dNSName));
    if (name->type == GEN_IPADD) out.push_back(AddressText(TextOf(name->d.iPAddress)));
  }
  return out;
}

}  // namespace

std::string FingerprintOf(const x509_st* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(X509_digest(certificate, EVP_sha256(), digest, &size) == 1);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

CertificateFacts FactsOf(const x509_st* certificate) {
  CertificateFacts facts;
  facts.subject = NameText(X509_get_subject_name(certificate));
  facts.issuer = NameText(X509_get_issuer_name(certificate));
  facts.names = NamesOf(certificate);
  facts.fingerprint = FingerprintOf(certificate);
  facts.begins = TimeOf(X509_get0_notBefore(certificate));
  facts.ends = TimeOf(X509_get0_notAfter(certificate));
  return facts;
}

Result<CertificateFacts> ReadCertificate(std::string_view pem) {
  const Ptr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(in != nullptr);
  const Ptr<X509> certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr)
    return Error(ErrorCode::kInvalidArgument, "no certificate in PEM form");
  return FactsOf(certificate.get());
}

}  // namespace penstock::net
