#include "server/config/allowed_hosts.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace penstock::server {
namespace {

constexpr int kMappedBits = 96;  // of ::ffff:0:0, in front of an IPv4 address

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool IsHostName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

Error Unreadable(std::string_view word) {
  return Error(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is none of *, a host name, *.domain, an address, a network", word));
}

}  // namespace

bool AllowedHosts::ReadAddress(std::string_view text, Address& out) {
  if (text.size() > 1 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  // What an interface is called does not change what an address is for.
  const std::string address(text.substr(0, text.find('%')));
  out = {};
  if (inet_pton(AF_INET6, address.c_str(), out.data()) == 1) return true;
  out = {};
  out[10] = out[11] = 0xff;
  return inet_pton(AF_INET, address.c_str(), out.data() + 12) == 1;
}

bool AllowedHosts::Contains(const Network& network, const Address& address) {
  for (int bit = 0; bit < network.bits; ++bit) {
    const auto at = static_cast<size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((network.address[at] & mask) != (address[at] & mask)) return false;
  }
  return true;
}

bool AllowedHosts::IsSpecial(const Address& address) {
  static const std::vector<Network> special = [] {
    std::vector<Network> out;
    // fd00:ec2::254 is where one cloud keeps what others have at 169.254.169.254; 64:ff9b::/96 is
    // IPv4 behind a translator, which nobody addresses by hand.
    for (const char* text : {"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255",
                             "::", "fe80::/10", "ff00::/8", "fd00:ec2::254", "64:ff9b::/96"}) {
      out.push_back(ReadNetwork(text).value());
    }
    return out;
  }();
  return std::any_of(special.begin(), special.end(),
                     [&](const Network& network) { return Contains(network, address); });
}

Result<AllowedHosts::Network> AllowedHosts::ReadNetwork(std::string_view word) {
  Network network;
  const size_t slash = word.find('/');
  if (!ReadAddress(word.substr(0, slash), network.address)) return Unreadable(word);
  if (slash == std::string_view::npos) return network;
  const bool v4 = word.find(':') == std::string_view::npos;
  const std::string_view digits = word.substr(slash + 1);
  int bits = -1;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (failure != std::errc() || end != digits.data() + digits.size()) return Unreadable(word);
  if (bits < 0 || bits > (v4 ? 32 : 128)) return Unreadable(word);
  network.bits = v4 ? kMappedBits + bits : bits;
  return network;
}

Result<AllowedHosts> AllowedHosts::Parse(std::string_view text) {
  constexpr std::string_view kBetween = " \t,";
  AllowedHosts out;
  for (;;) {
    const size_t begin = text.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::string word = Lower(text.substr(0, text.find_first_of(kBetween)));
    text.remove_prefix(word.size());
    Address address;
    if (word == "*") {
      out.every_ = true;
    } else if (word.starts_with("*.") && IsHostName(word.substr(2))) {
      out.suffixes_.push_back(word.substr(1));
    } else if (word.find('/') != std::string::npos || ReadAddress(word, address)) {
      PS_TRY(Network network, ReadNetwork(word));
      out.networks_.push_back(network);
    } else if (IsHostName(word)) {
      out.names_.push_back(word);
    } else {
      return Unreadable(word);
    }
  }
}

bool AllowedHosts::AllowsName(std::string_view host) const {
  const std::string name = Lower(host);
  return every_ || std::find(names_.begin(), names_.end(), name) != names_.end() ||
         std::any_of(suffixes_.begin(), suffixes_.end(), [&](const std::string& suffix) {
           return name.size() > suffix.size() && name.ends_with(suffix);
         });
}

bool AllowedHosts::Allows(std::string_view host, std::string_view address) const {
  Address numeric;
  if (!ReadAddress(address, numeric)) return false;
  const bool listed = std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return Contains(network, numeric);
  });
  return listed || (AllowsName(host) && !IsSpecial(numeric));
}

bool AllowedHosts::MayAllow(std::string_view host) const {
  Address numeric;
  if (ReadAddress(host, numeric)) return Allows(host, host);
  return AllowsName(host) || !networks_.empty();
}

}  // namespace penstock::server
