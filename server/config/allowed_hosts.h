// Which hosts this server may be made to send requests to, by those who may configure a stream.
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::server {

// Names are judged as they are written, addresses when they are known: what a name leads to is
// looked at after its lookup, and the connection goes to just that address.
class AllowedHosts {
 public:
  // Separated by blanks or commas; empty: none.
  //   *                  every host
  //   hooks.example.org  that name; *.example.org: every name that ends so
  //   192.0.2.7, ::1     that address
  //   10.0.0.0/8         the addresses of that network
  // A name, and `*`, never leads to addresses that no service for others has: link-local ones
  // (where clouds keep the secrets of a machine), multicast, and "this host". Those have to be
  // listed as addresses. kInvalidArgument names the word that is none of these.
  static Result<AllowedHosts> Parse(std::string_view text);

  // Whether a request to this host may go to this numeric address.
  bool Allows(std::string_view host, std::string_view address) const;
  // Whether there may be such an address; what is refused here is refused always.
  bool MayAllow(std::string_view host) const;
  friend bool operator==(const AllowedHosts&, const AllowedHosts&) = default;

 private:
  using Address = std::array<uint8_t, 16>;  // IPv4 ones as they are mapped into IPv6
  struct Network {
    Address address{};
    int bits = 128;
    friend bool operator==(const Network&, const Network&) = default;
  };
  static bool ReadAddress(std::string_view text, Address& out);
  static bool Contains(const Network& network, const Address& address);
  static bool IsSpecial(const Address& address);
  static Result<Network> ReadNetwork(std::string_view word);
  bool AllowsName(std::string_view host) const;

  bool every_ = false;
  std::vector<std::string> names_;     // in small letters
  std::vector<std::string> suffixes_;  // with the dot in front
  std::vector<Network> networks_;
};

}  // namespace penstock::server
