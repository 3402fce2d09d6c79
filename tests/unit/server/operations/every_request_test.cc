// A whole request of each operation, which fuzzing begins with: its table takes it, and nothing of
// it goes unread.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "server/operations/operation.h"
#include "server/wire/validate.h"

namespace penstock::server::aws {
namespace {

TEST(EveryRequest, FuzzingBeginsWithOneThatEachOperationTakesWhole) {
  size_t seen = 0;
  for (const Operation* operation : VideoOperations()) {
    if (operation->input_of != nullptr) continue;  // its body is no JSON
    SCOPED_TRACE(operation->name);
    std::ifstream file("tests/fuzz/server/corpus/wire/" + std::string(operation->name) + ".json");
    std::ostringstream text;
    text << file.rdbuf();
    const auto json = Json::Parse(text.str());
    ASSERT_TRUE(json.ok()) << "no request of it";
    const Status status = wire::Validate(*operation->input, *json);
    EXPECT_TRUE(status.ok()) << status.error().message();
    EXPECT_EQ(wire::KnownPart(*operation->input, *json).Dump(), json->Dump());
    ++seen;
  }
  EXPECT_EQ(seen, 39u);
}

}  // namespace
}  // namespace penstock::server::aws
