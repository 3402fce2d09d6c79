#include "server/auth/master_key.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file_slice.h"
#include "base/random.h"
#include "server/auth/hex.h"
#include "server/auth/hmac.h"

namespace penstock::server {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const uint8_t* Data(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }
uint8_t* Data(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

Error Os(const std::filesystem::path& file, std::string_view what) {
  return Error(ErrorCode::kIo,
               fmt::format("{}: {}: {}", file.string(), what, std::strerror(errno)));
}

Result<MasterKey> Read(int fd, const std::filesystem::path& file) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return Os(file, "cannot look at it");
  if ((info.st_mode & 077) != 0) {
    return Error(ErrorCode::kForbidden, fmt::format("{} may be read by others; after `chmod 600` "
                                                    "every key sealed with it should be replaced",
                                                    file.string()));
  }
  char text[80];
  const ssize_t size = ::read(fd, text, sizeof(text));
  if (size < 0) return Os(file, "cannot read it");
  std::string_view hex(text, static_cast<size_t>(size));
  while (!hex.empty() && (hex.back() == '\n' || hex.back() == '\r')) hex.remove_suffix(1);
  auto raw = FromHex(hex);
  OPENSSL_cleanse(text, sizeof(text));
  if (!raw || raw->size() != 32) {
    return Error(ErrorCode::kCorruption,
                 fmt::format("{} does not hold 64 hexadecimal digits", file.string()));
  }
  std::array<uint8_t, 32> key{};
  std::memcpy(key.data(), raw->data(), key.size());
  OPENSSL_cleanse(raw->data(), raw->size());
  return MasterKey(key);
}

// Writes beside and renames, so that a crash leaves either no key (nothing is sealed yet) or a
// whole one.
Result<MasterKey> Create(const std::filesystem::path& file) {
  std::array<uint8_t, 32> key{};
  FillRandom(key);
  const std::filesystem::path fresh = file.string() + ".new";
  const FileHandle out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (out.fd() < 0) return Os(fresh, "cannot create it");
  const std::string text = ToHex(key) + "\n";
  if (::write(out.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Os(fresh, "cannot write it");
  }
  if (fsync(out.fd()) != 0) return Os(fresh, "cannot sync it");
  if (::rename(fresh.c_str(), file.c_str()) != 0) return Os(file, "cannot put it in place");
  const FileHandle folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() < 0 || fsync(folder.fd()) != 0) return Os(file.parent_path(), "cannot sync it");
  return MasterKey(key);
}

}  // namespace

Result<MasterKey> MasterKey::OpenOrCreate(const std::filesystem::path& file) {
  const FileHandle in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.fd() >= 0) return Read(in.fd(), file);
  if (errno != ENOENT) return Os(file, "cannot open it");
  return Create(file);
}

MasterKey::~MasterKey() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string MasterKey::Seal(std::string_view secret, std::string_view context) const {
  std::string out(kNonceBytes + secret.size() + kTagBytes, '\0');
  FillRandom(std::span<uint8_t>(Data(out), kNonceBytes));
  const Cipher cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  CHECK(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), Data(out)) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &size, Data(context),
                          static_cast<int>(context.size())) == 1);
  CHECK(EVP_EncryptUpdate(cipher.get(), Data(out) + kNonceBytes, &size, Data(secret),
                          static_cast<int>(secret.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(cipher.get(), Data(out) + kNonceBytes + size, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                            Data(out) + kNonceBytes + secret.size()) == 1);
  return out;
}

Result<std::string> MasterKey::Unseal(std::string_view sealed, std::string_view context) const {
  const Error broken(ErrorCode::kCorruption, "it was not sealed with this master.key");
  if (sealed.size() < kNonceBytes + kTagBytes) return broken;
  const std::string_view body = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string out(body.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  CHECK(cipher != nullptr);
  int size = 0;
  CHECK(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), Data(sealed)) ==
        1);
  CHECK(EVP_DecryptUpdate(cipher.get(), nullptr, &size, Data(context),
                          static_cast<int>(context.size())) == 1);
  CHECK(EVP_DecryptUpdate(cipher.get(), Data(out), &size, Data(body),
                          static_cast<int>(body.size())) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(cipher.get(), Data(out) + size, &size) != 1) return broken;
  return out;
}

std::string MasterKey::Derive(std::string_view label) const {
  return HmacSha256(std::string_view(reinterpret_cast<const char*>(key_.data()), key_.size()),
                    label);
}

}  // namespace penstock::server
