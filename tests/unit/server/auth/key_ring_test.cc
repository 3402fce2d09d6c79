#include "server/auth/key_ring.h"

#include "tests/unit/server/fake_catalog.h"

namespace penstock::server {
namespace {

StreamName Name(std::string_view text) { return StreamName::Parse(text).value(); }

class KeyRingTest : public testing::Test {
 protected:
  KeyRingTest() { Reload(); }

  void Reload(bool trust_loopback = true) {
    KeyRing::Options options;
    options.trust_loopback = trust_loopback;
    auto loaded = KeyRing::Load(catalog_, MasterKey(master_), clock_, options);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    ring_ = std::move(*loaded);
  }
  AccessKey Create(std::string user, Role role, std::vector<std::string> streams = {}) {
    return SyncWait(ring_->Create(std::move(user), role, std::move(streams))).value();
  }
  ErrorCode CodeOf(std::string_view user, std::string_view secret, Permission permission,
                   std::string_view stream) {
    const Status status = ring_->Secret(user, secret, permission, Name(stream));
    return status.ok() ? ErrorCode::kClosed
                       : status.error().code();  // kClosed stands for "allowed"
  }
  static constexpr ErrorCode kAllowed = ErrorCode::kClosed;

  std::array<uint8_t, 32> master_{1, 2, 3};
  SimulatedClock clock_{ServerTimeFromMs(1'700'000'000'000)};
  FakeCatalog catalog_;
  std::unique_ptr<KeyRing> ring_;
};

TEST_F(KeyRingTest, EachRoleMayDoItsOwnAndTheAdminEverything) {
  const std::string viewer = Create("v", Role::kViewer).secret;
  const std::string publisher = Create("p", Role::kPublisher).secret;
  const std::string admin = Create("a", Role::kAdmin).secret;
  const struct {
    std::string secret;
    Permission permission;
    ErrorCode expected;
  } cases[] = {
      {viewer, Permission::kRead, kAllowed},
      {viewer, Permission::kPublish, ErrorCode::kForbidden},
      {viewer, Permission::kAdmin, ErrorCode::kForbidden},
      {publisher, Permission::kRead, ErrorCode::kForbidden},
      {publisher, Permission::kPublish, kAllowed},
      {publisher, Permission::kAdmin, ErrorCode::kForbidden},
      {admin, Permission::kRead, kAllowed},
      {admin, Permission::kPublish, kAllowed},
      {admin, Permission::kAdmin, kAllowed},
  };
  for (const auto& c : cases) EXPECT_EQ(CodeOf("", c.secret, c.permission, "cam"), c.expected);
}

TEST_F(KeyRingTest, ACustomKeyMayDoJustTheActionsItWasMadeFor) {
  const auto made =
      SyncWait(ring_->Create("d", Role::kCustom, std::vector<std::string>{"yard-*"},
                             std::vector<std::string>{"GetMedia", "kinesisvideo:List*"}));
  ASSERT_TRUE(made.ok()) << made.error().message();
  Reload();
  const AccessKey key = *ring_->Find("d");
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:GetMedia"));
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:ListFragments"));
  EXPECT_FALSE(key.AllowsAction("kinesis:ListShards"));
  EXPECT_FALSE(key.AllowsAction("kinesisvideo:GetMediaForFragmentList"));
  EXPECT_FALSE(key.AllowsAction("kinesisvideo:PutMedia"));
  EXPECT_EQ(CodeOf("d", key.secret, Permission::kRead, "yard-1"), kAllowed);
  EXPECT_EQ(CodeOf("d", key.secret, Permission::kRead, "door"), ErrorCode::kForbidden);
  EXPECT_EQ(CodeOf("d", key.secret, Permission::kPublish, "yard-1"), ErrorCode::kForbidden);
  EXPECT_EQ(CodeOf("d", key.secret, Permission::kAdmin, "yard-1"), ErrorCode::kForbidden);
}

TEST_F(KeyRingTest, RolesAllowTheActionsTheirClientsNeed) {
  AccessKey key;
  key.role = Role::kViewer;
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:GetDataEndpoint"));
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:ListFragments"));
  EXPECT_FALSE(key.AllowsAction("kinesisvideo:CreateStream"));
  EXPECT_FALSE(key.AllowsAction("kinesisvideo:PutMedia"));
  key.role = Role::kPublisher;
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:PutMedia"));
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:CreateStream"));
  EXPECT_FALSE(key.AllowsAction("kinesisvideo:GetMedia"));
  EXPECT_FALSE(key.AllowsAction("kinesisvideo:DeleteStream"));
  key.role = Role::kAdmin;
  EXPECT_TRUE(key.AllowsAction("kinesisvideo:DeleteStream"));
}

TEST_F(KeyRingTest, AListOfActionsAndARoleExcludeEachOther) {
  const std::vector<std::string> none;
  EXPECT_EQ(SyncWait(ring_->Create("a", Role::kViewer, none, std::vector<std::string>{"GetMedia"}))
                .error()
                .code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(SyncWait(ring_->Create("b", Role::kCustom, none, none)).error().code(),
            ErrorCode::kInvalidArgument);
  for (const char* pattern : {"", "Get Media", "get*media", ":GetMedia", "Kinesis:Get*", "a:b:c"}) {
    EXPECT_FALSE(CheckActionPattern(pattern).ok()) << pattern;
  }
  for (const char* pattern : {"*", "GetMedia", "Get*", "kinesisvideo:*"}) {
    EXPECT_TRUE(CheckActionPattern(pattern).ok()) << pattern;
  }
}

TEST_F(KeyRingTest, AKeyOfAnOlderServerIsReadAsItWas) {
  const auto stored = Json::Parse(
      R"({"user":"old","role":"viewer","streams":["a*"],"created_ms":1,"sealed":"00"})");
  const auto key = AccessKeyFromJson(*stored);
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(key->key.actions.empty());
  EXPECT_TRUE(key->key.AllowsAction("kinesisvideo:GetMedia"));
}

TEST_F(KeyRingTest, AKeyIsBoundToItsStreamsByNameOrBeginning) {
  const std::string secret = Create("v", Role::kViewer, {"door", "yard-*"}).secret;
  EXPECT_EQ(CodeOf("", secret, Permission::kRead, "door"), kAllowed);
  EXPECT_EQ(CodeOf("", secret, Permission::kRead, "yard-1"), kAllowed);
  EXPECT_EQ(CodeOf("", secret, Permission::kRead, "yard-"), kAllowed);
  EXPECT_EQ(CodeOf("", secret, Permission::kRead, "door2"), ErrorCode::kForbidden);
  EXPECT_EQ(CodeOf("", secret, Permission::kRead, "yard"), ErrorCode::kForbidden);
}

TEST_F(KeyRingTest, AWrongSecretOrAnotherKeysNameIsNoIdentity) {
  const std::string secret = Create("v", Role::kViewer).secret;
  Create("w", Role::kViewer);
  EXPECT_EQ(CodeOf("v", secret, Permission::kRead, "cam"), kAllowed);
  EXPECT_EQ(CodeOf("w", secret, Permission::kRead, "cam"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(CodeOf("nobody", secret, Permission::kRead, "cam"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(CodeOf("v", secret.substr(1), Permission::kRead, "cam"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(CodeOf("v", "", Permission::kRead, "cam"), ErrorCode::kUnauthenticated);
}

TEST_F(KeyRingTest, DigestGetsTheSecretOfAUserThatIsThere) {
  const std::string secret = Create("p", Role::kPublisher, {"cam"}).secret;
  EXPECT_EQ(ring_->SecretFor("p").value(), secret);
  EXPECT_EQ(ring_->SecretFor("q").error().code(), ErrorCode::kUnauthenticated);
}

TEST_F(KeyRingTest, LoopbackIsTrustedUnlessItIsTurnedOff) {
  Origin here;
  here.loopback = true;
  const Origin there;
  EXPECT_TRUE(ring_->Anonymous(here, Permission::kAdmin, Name("-")).ok());
  EXPECT_EQ(ring_->Anonymous(there, Permission::kRead, Name("-")).error().code(),
            ErrorCode::kUnauthenticated);
  Reload(false);
  EXPECT_FALSE(ring_->Anonymous(here, Permission::kRead, Name("-")).ok());
}

TEST_F(KeyRingTest, KeysSurviveARestartAndNeverLieInTheCatalogInTheOpen) {
  const std::string secret = Create("v", Role::kViewer, {"door"}).secret;
  for (const auto& entry : catalog_.Scan("", "", 100)) {
    EXPECT_THAT(std::string(entry.value.text()), testing::Not(testing::HasSubstr(secret)));
  }
  Reload();
  EXPECT_EQ(CodeOf("v", secret, Permission::kRead, "door"), kAllowed);
  ASSERT_EQ(ring_->List().size(), 1u);
  EXPECT_EQ(ring_->List()[0].secret, "");
  EXPECT_EQ(ring_->List()[0].created, clock_.Now());
}

TEST_F(KeyRingTest, ARevokedKeyIsNoIdentityAnymore) {
  const std::string secret = Create("v", Role::kViewer).secret;
  EXPECT_TRUE(SyncWait(ring_->Revoke("v")).ok());
  EXPECT_EQ(CodeOf("", secret, Permission::kRead, "cam"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(SyncWait(ring_->Revoke("v")).error().code(), ErrorCode::kNotFound);
  Reload();
  EXPECT_TRUE(ring_->empty());
}

TEST_F(KeyRingTest, ANameIsGivenOnce) {
  Create("v", Role::kViewer);
  EXPECT_EQ(SyncWait(ring_->Create("v", Role::kAdmin, {})).error().code(),
            ErrorCode::kAlreadyExists);
}

TEST_F(KeyRingTest, AKeyThatCouldNotBeStoredDoesNotWork) {
  catalog_.failing = Error(ErrorCode::kFull, "disk full");
  EXPECT_EQ(SyncWait(ring_->Create("v", Role::kViewer, {})).error().code(), ErrorCode::kFull);
  EXPECT_TRUE(ring_->empty());
}

TEST_F(KeyRingTest, NamesAndPatternsAreChecked) {
  EXPECT_FALSE(SyncWait(ring_->Create("", Role::kViewer, {})).ok());
  EXPECT_FALSE(SyncWait(ring_->Create("a b", Role::kViewer, {})).ok());
  EXPECT_FALSE(SyncWait(ring_->Create(std::string(65, 'a'), Role::kViewer, {})).ok());
  EXPECT_FALSE(SyncWait(ring_->Create("v", Role::kViewer, {""})).ok());
  EXPECT_FALSE(SyncWait(ring_->Create("v", Role::kViewer, {"a*b"})).ok());
  EXPECT_FALSE(SyncWait(ring_->Create("v", Role::kAdmin, {"door"})).ok());
}

TEST_F(KeyRingTest, AnotherMasterKeyIsACorruptionThatNamesTheKey) {
  Create("v", Role::kViewer);
  const auto loaded = KeyRing::Load(catalog_, MasterKey(std::array<uint8_t, 32>{9}), clock_, {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(loaded.error().message(), testing::HasSubstr("access key v"));
}

TEST(SecretTest, SecretsAreLongAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string secret = MakeSecret();
    EXPECT_EQ(secret.size(), 32u);
    EXPECT_TRUE(seen.insert(secret).second);
  }
}

}  // namespace
}  // namespace penstock::server
