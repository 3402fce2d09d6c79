// A signed request, line by line: target, then header fields. Whatever it says is read or refused
// with a reason; what is read is whole, and signs to 64 digits that do not depend on its own
// signature.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/auth/sigv4/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  namespace sigv4 = penstock::server::sigv4;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&rest] {
    const std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(text.size() == rest.size() ? rest.size() : text.size() + 1);
    return text;
  };
  const std::string_view target = line();
  net::Headers headers;
  for (int i = 0; i < 64 && !rest.empty(); ++i) {
    const std::string_view field = line();
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    headers.Add(field.substr(0, colon), net::TrimSpaces(field.substr(colon + 1)));
  }
  const sigv4::SignedRequest request{"POST", target, headers};
  auto read = sigv4::ReadClaim(request);
  if (const auto* fault = std::get_if<sigv4::Fault>(&read)) {
    CHECK(!fault->message.empty());
    return 0;
  }
  CHECK(sigv4::IsSigned(request));
  const sigv4::Claim& claim = std::get<sigv4::Claim>(read);
  CHECK(!claim.access_key.empty());
  CHECK(claim.signature.size() == 64);
  CHECK(sigv4::FormatBasicTime(claim.time).size() == 16);
  CHECK(claim.timestamp.compare(0, 8, claim.date) == 0);
  const std::string canonical = sigv4::CanonicalRequest(request, claim, sigv4::kEmptyPayload);
  CHECK(canonical.find("POST\n") == 0);
  CHECK(sigv4::Sign(request, claim, sigv4::kEmptyPayload, "secret").size() == 64);
  return 0;
}
