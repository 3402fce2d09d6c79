// Certificates without a public authority. Commands that need no server.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_slice.h"
#include "net/certificate.h"
#include "net/make_certificate.h"
#include "server/cli/command.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kServerTimeMin = kDay;
constexpr std::chrono::hours kServerTimeMax = kDay * 825;
constexpr std::chrono::hours kAuthorityTime = kDay * 3650;
// Clients whose clocks are behind accept it, too.
constexpr std::chrono::hours kClockSlack = kDay;
constexpr size_t kPemBytesMax = 1u << 20;

struct Files {
  explicit Files(const fs::path& f)
      : folder(f),
        authority(f / "ca.pem"),
        authority_key(f / "ca.key"),
        server(f / "server.pem"),
        server_key(f / "server.key") {}

  fs::path folder, authority, authority_key, server, server_key;
};

Error Os(const fs::path& file, std::string_view what) {
  return Error(ErrorCode::kIo,
               fmt::format("{}: {}: {}", file.string(), what, std::strerror(errno)));
}

// Beside its place and then into it: a server that looks meanwhile sees the old file or the new
// one.
Status Write(const fs::path& file, const std::string& text, mode_t mode) {
  const fs::path fresh = file.string() + ".new";
  const FileHandle out(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (out.fd() < 0) return Os(fresh, "cannot create it");
  if (fchmod(out.fd(), mode) != 0) return Os(fresh, "cannot set its mode");
  if (::write(out.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return Os(fresh, "cannot write it");
  if (fsync(out.fd()) != 0) return Os(fresh, "cannot sync it");
  if (::rename(fresh.c_str(), file.c_str()) != 0) return Os(file, "cannot put it in place");
  return Status();
}

Result<std::string> Read(const fs::path& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return Os(file, "cannot be read");
  std::string text(kPemBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

bool Exists(const fs::path& file) {
  std::error_code ignored;  // What cannot be looked at cannot be overwritten either.
  return fs::exists(fs::symlink_status(file, ignored));
}

// A link that a server's files may be (as of other tools) is not replaced by a file.
Status CheckFree(const Files& files, bool renew) {
  for (const fs::path& file :
       {files.authority, files.authority_key, files.server, files.server_key}) {
    const bool kept = renew && (file == files.authority || file == files.authority_key);
    if (kept && !Exists(file)) {
      return Error(ErrorCode::kNotFound,
                   fmt::format("{} is not there: nothing to renew", file.string()));
    }
    if (!renew && Exists(file)) {
      return Error(
          ErrorCode::kAlreadyExists,
          fmt::format("{} is there already, and nothing is overwritten; --renew signs anew "
                      "with the authority that is there",
                      file.string()));
    }
  }
  return Status();
}

// As given, with this machine's own names behind them.
Result<std::vector<std::string>> NamesOf(const Args& args) {
  std::vector<std::string> names = args.positional();
  for (const char* own : {"localhost", "127.0.0.1", "::1"}) {
    if (std::find(names.begin(), names.end(), own) == names.end()) names.emplace_back(own);
  }
  for (const std::string& name : names) PS_TRY_VOID(net::CheckCertificateName(name));
  return names;
}

Result<net::KeyAndCertificate> AuthorityOf(const Files& files, bool renew, ServerTime now) {
  net::KeyAndCertificate out;
  if (renew) {
    PS_TRY(out.certificate, Read(files.authority));
    PS_TRY(out.key, Read(files.authority_key));
    return out;
  }
  const std::string name =
      fmt::format("Penstock private authority of {}", FormatRfc3339(now).substr(0, 10));
  const net::Validity validity{now - kClockSlack, now + kAuthorityTime};
  out = net::MakeAuthority(name, validity);
  PS_TRY_VOID(Write(files.authority_key, out.key, 0600));
  PS_TRY_VOID(Write(files.authority, out.certificate, 0644));
  return out;
}

Result<net::CertificateFacts> Create(const Args& args, const Files& files) {
  auto lasts = ParseDuration(args.Flag("--for").value_or("825d"));
  if (!lasts.ok()) return std::move(lasts).error().With("--for");
  if (*lasts < kServerTimeMin || *lasts > kServerTimeMax)
    return Error(ErrorCode::kInvalidArgument, "--for: 1d to 825d is wanted");
  const bool renew = args.Switch("--renew");
  PS_TRY(const std::vector<std::string> names, NamesOf(args));
  PS_TRY_VOID(CheckFree(files, renew));
  std::error_code failure;
  fs::create_directories(files.folder, failure);
  if (failure) {
    return Error(ErrorCode::kIo,
                 fmt::format("cannot make {}: {}", files.folder.string(), failure.message()));
  }
  const ServerTime now = SystemClock().Now();
  PS_TRY(const net::KeyAndCertificate authority, AuthorityOf(files, renew, now));
  // Apple counts from its begin.
  const net::Validity validity{now - kClockSlack, now - kClockSlack + *lasts};
  PS_TRY(const net::KeyAndCertificate server,
         net::MakeServerCertificate(authority, names, validity));
  PS_TRY_VOID(Write(files.server_key, server.key, 0600));
  PS_TRY_VOID(Write(files.server, server.certificate, 0644));
  return net::ReadCertificate(server.certificate);
}

Json FactsJson(const net::CertificateFacts& facts) {
  Json names = Json(Json::Array());
  for (const std::string& name : facts.names) names.Push(name);
  Json json;
  json.Set("subject", facts.subject);
  json.Set("issuer", facts.issuer);
  json.Set("names", std::move(names));
  json.Set("begins", FormatRfc3339(facts.begins));
  json.Set("ends", FormatRfc3339(facts.ends));
  json.Set("fingerprint", facts.fingerprint);
  return json;
}

std::string HowToUse(const Files& files, const net::CertificateFacts& facts) {
  const std::string ca = files.authority.string();
  return fmt::format(
      "for {}, until {}\n\n"
      "the server     penstock serve --https 8443 --tls-certificate {} --tls-key {}\n"
      "its key is this user's alone: give it to the one whom the server runs as.\n\n"
      "clients need {}, and nothing else of this folder:\n"
      "boto3, aws     AWS_CA_BUNDLE={}\n"
      "JavaScript     NODE_EXTRA_CA_CERTS={}\n"
      "Amazon's C     AWS_KVS_CACERT_PATH={} (its samples; kvssink trusts what the machine "
      "trusts)\n"
      "curl           --cacert {}\n"
      "ffmpeg         -tls_verify 1 -ca_file {}\n"
      "a machine      copy it to /usr/local/share/ca-certificates/penstock.crt and run "
      "update-ca-certificates\n\n"
      "ca.key signs whatever such clients will believe: keep it where the server is not.\n",
      fmt::join(facts.names, ", "), FormatRfc3339(facts.ends), files.server.string(),
      files.server_key.string(), ca, ca, ca, ca, ca, ca);
}

}  // namespace

int RunCertCreate(const Args& args) {
  const Files files(fs::absolute(args.Flag("--out").value_or("penstock-tls")).lexically_normal());
  const auto facts = Create(args, files);
  if (!facts.ok()) return Fail(facts.error());
  Json json = FactsJson(*facts);
  json.Set("authority", files.authority.string());
  json.Set("certificate", files.server.string());
  json.Set("key", files.server_key.string());
  return Print(args, json, HowToUse(files, *facts));
}

int RunCertShow(const Args& args) {
  const fs::path file = args.positional()[0];
  const auto text = Read(file);
  if (!text.ok()) return Fail(text.error());
  const auto facts = net::ReadCertificate(*text);
  if (!facts.ok()) return Fail(Error(facts.error()).With(file.string()));
  return Print(
      args, FactsJson(*facts),
      fmt::format("for          {}\nsubject      {}\nsigned by    {}\nbegins       {}\n"
                  "ends         {}\nfingerprint  {} (SHA-256)\n",
                  fmt::join(facts->names, ", "), facts->subject, facts->issuer,
                  FormatRfc3339(facts->begins), FormatRfc3339(facts->ends), facts->fingerprint));
}

}  // namespace penstock::server
