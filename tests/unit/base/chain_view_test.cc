#include "base/chain_view.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/testing/byte_stream.h"

namespace penstock {
namespace {

TEST(ChainView, GivesItsBytesByTheirPlace) {
  const std::string text = "abcdefgh";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    const ChainView view(testing::InPieces(text, piece));
    for (size_t at = 0; at < text.size(); ++at) {
      EXPECT_EQ(view.At(at), text[at]);
      EXPECT_EQ(view.From(at).front(), text[at]);
      EXPECT_EQ(view.Before(at + 1).back(), text[at]);
      for (size_t size = 0; at + size <= text.size(); ++size) {
        ByteChain shared;
        view.Share(at, size, shared);
        EXPECT_EQ(shared.Flatten().text(), text.substr(at, size));
      }
    }
  }
}

}  // namespace
}  // namespace penstock
