// Errors as values: what the world does to us (peers, disks, input, limits) comes back as a Result,
// never as an exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace penstock {

// The one list of error kinds. What each is called on a wire is the business of the layer that owns
// that wire.
enum class ErrorCode {
  kInvalidArgument,  // the caller's input breaks a rule
  kUnauthenticated,  // no identity, or a wrong one
  kForbidden,        // a known identity that may not do this
  kNotFound,
  kAlreadyExists,
  kConflict,     // an expectation (version, state) did not hold
  kTooLarge,     // a bound of base/limits.h was exceeded by this one thing
  kThrottled,    // too much at once; the same call may pass later
  kUnsupported,  // well-formed, but not something we do (a codec, a method)
  kProtocol,     // a peer's bytes break the protocol it speaks
  kFenced,       // this owner no longer owns the shard
  kTrimmed,      // it was there; retention has removed it
  kFull,         // no room on the volume, or none within a quota
  kCorruption,   // stored bytes do not match their checksum or their format
  kIo,           // the operating system refused a read, write or sync
  kUnavailable,  // a peer or a part of us is not there now
  kTimeout,
  kCancelled,  // the owner of the operation gave it up
  kClosed,     // the orderly end of a connection or of a sequence
  kInternal,   // a fault of ours that could be contained
};

// The code's name without the k, e.g. "NotFound"; for logs and tests.
std::string_view ErrorCodeName(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with a fact in front: "<fact>: <message>".
  Error With(std::string_view fact) && {
    message_.insert(0, ": ");
    message_.insert(0, fact);
    return std::move(*this);
  }

  // "NotFound: no stream cam1"
  std::string ToString() const;

 private:
  ErrorCode code_;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose
  template <class U = T>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { CHECK(ok()); }

  const Error& error() const& {
    CHECK(!ok());
    return *error_;
  }
  Error&& error() && {
    CHECK(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace penstock

#define PS_CONCAT_INNER(a, b) a##b
#define PS_CONCAT(a, b) PS_CONCAT_INNER(a, b)

#define PS_TRY_INNER(leave, result, declaration, ...) \
  auto result = (__VA_ARGS__);                        \
  if (!result.ok()) [[unlikely]]                      \
    leave std::move(result).error();                  \
  declaration = std::move(result).value()

// PS_TRY(const Header header, ReadHeader());  leaves the function with the error if there is one.
#define PS_TRY(declaration, ...) \
  PS_TRY_INNER(return, PS_CONCAT(ps_result_, __LINE__), declaration, __VA_ARGS__)
// The same in a coroutine; the expression may contain co_await (but then no braces: STYLE on GCC
// 12).
#define PS_CO_TRY(declaration, ...) \
  PS_TRY_INNER(co_return, PS_CONCAT(ps_result_, __LINE__), declaration, __VA_ARGS__)

#define PS_CHECKED_INNER(leave, result, ...) \
  do {                                       \
    auto result = (__VA_ARGS__);             \
    if (!result.ok()) [[unlikely]]           \
      leave std::move(result).error();       \
  } while (false)

// For expressions whose value is void or does not matter.
#define PS_TRY_VOID(...) PS_CHECKED_INNER(return, ps_result, __VA_ARGS__)
#define PS_CO_TRY_VOID(...) PS_CHECKED_INNER(co_return, ps_result, __VA_ARGS__)
