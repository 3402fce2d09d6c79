// The route table.
#include "server/api/operations.h"

namespace penstock::server {

const std::vector<Operation>& Operations() {
  static const std::vector<Operation> operations = {
      {"GET", "/api/v1/streams", Door::kRead, ListStreams, "every stream with its state"},
      {"POST", "/api/v1/streams", Door::kAdmin, CreateStream, "{name, retention_hours}"},
      {"GET", "/api/v1/streams/{stream}", Door::kWatch, DescribeStream,
       "one stream with its state"},
      {"PATCH", "/api/v1/streams/{stream}", Door::kAdmin, UpdateStream, "{retention_hours}"},
      {"DELETE", "/api/v1/streams/{stream}", Door::kAdmin, DeleteStream,
       "the stream and its media; not while it has holds"},
      {"GET", "/api/v1/streams/{stream}/fragments", Door::kRead, ListFragments,
       "?start, end, after, limit: what is stored, item by item"},
      {"GET", "/api/v1/streams/{stream}/ranges", Door::kWatch, ListRanges,
       "?start, end: what is stored, as spans without a hole"},
      {"GET", "/api/v1/streams/{stream}/coverage", Door::kWatch, DescribeCoverage,
       "?start, end, after: what is stored and, with the reason, what is not"},
      {"GET", "/api/v1/streams/{stream}/export", Door::kRead, ExportStream,
       "?start, end: a range as Matroska"},
      {"POST", "/api/v1/streams/{stream}/tokens", Door::kRead, CreateToken,
       "{seconds}; a link for whoever has it to watch the stream that long"},
      {"GET", "/api/v1/streams/{stream}/holds", Door::kAdmin, ListHolds, "what of it is not to go"},
      {"POST", "/api/v1/streams/{stream}/holds", Door::kAdmin, AddHold,
       "{start, end, note}; what is of that time stays until it is released"},
      {"DELETE", "/api/v1/streams/{stream}/holds/{name}", Door::kAdmin, ReleaseHold,
       "what only this hold keeps goes"},
      {"GET", "/api/v1/holds", Door::kAdmin, ListHolds, "those of all streams"},
      {"GET", "/api/v1/sources", Door::kAdmin, ListSources,
       "cameras and publishers with their state"},
      {"POST", "/api/v1/sources", Door::kAdmin, AddSource,
       "{name, url, transport, tls_fingerprint}"},
      {"DELETE", "/api/v1/sources/{stream}", Door::kAdmin, RemoveSource,
       "the source; its media stays"},
      {"GET", "/api/v1/keys", Door::kAdmin, ListKeys, "access keys, without their secrets"},
      {"POST", "/api/v1/keys", Door::kAdmin, CreateKey,
       "{user, role, streams, actions}; answers with the secret"},
      {"DELETE", "/api/v1/keys/{name}", Door::kAdmin, RevokeKey, "the key works no longer"},
      {"GET", "/api/v1/store", Door::kAdmin, DescribeStore, "space and files"},
      {"GET", "/api/v1/version", Door::kRead, DescribeVersion, "version and clock"},
      {"GET", "/hls/v1/getHLSMasterPlaylist.m3u8", Door::kSession, PlaySession,
       "?SessionToken: what GetHLSStreamingSessionURL gave, and what it names"},
      {"GET", "/hls/v1/getHLSMediaPlaylist.m3u8", Door::kSession, PlaySession, "?SessionToken"},
      {"GET", "/hls/v1/getMP4InitFragment.mp4", Door::kSession, PlaySession,
       "?SessionToken, SequenceNumber"},
      {"GET", "/hls/v1/getMP4MediaFragment.mp4", Door::kSession, PlaySession,
       "?SessionToken, FragmentNumber"},
      {"GET", "/dash/v1/{file}", Door::kSession, PlayDash,
       "?SessionToken: the manifest that GetDASHStreamingSessionURL gave, and what it names"},
      {"OPTIONS", "/dash/v1/{file}", Door::kOpen, PreflightHls, "CORS"},
      {"GET", "/hls/{stream}/{file}", Door::kWatch, PlayHls,
       "index.m3u8 (?start, end) and what it names"},
      {"OPTIONS", "/hls/{stream}/{file}", Door::kOpen, PreflightHls, "CORS"},
      {"GET", "/metrics", Door::kRead, Metrics, "for Prometheus"},
      {"GET", "/healthz", Door::kOpen, Health, "200, or 503 with the reason"},
      {"GET", "/", Door::kOpen, Page, "the page"},
      {"GET", "/assets/{file}", Door::kOpen, Asset, "what the page is made of"},
  };
  return operations;
}

}  // namespace penstock::server
