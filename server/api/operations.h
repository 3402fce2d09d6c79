// Every operation's entry. Each is in the file of its name.
#pragma once

#include "server/api/operation.h"

namespace penstock::server {

Task<Outcome> ListStreams(Services& services, Call call);       // list_streams.cc
Task<Outcome> DescribeStream(Services& services, Call call);    // describe_stream.cc
Task<Outcome> CreateStream(Services& services, Call call);      // create_stream.cc
Task<Outcome> UpdateStream(Services& services, Call call);      // update_stream.cc
Task<Outcome> DeleteStream(Services& services, Call call);      // delete_stream.cc
Task<Outcome> ListFragments(Services& services, Call call);     // list_fragments.cc
Task<Outcome> DescribeCoverage(Services& services, Call call);  // describe_coverage.cc
Task<Outcome> ListRanges(Services& services, Call call);        // list_ranges.cc
Task<Outcome> ExportStream(Services& services, Call call);      // export_stream.cc
Task<Outcome> CreateToken(Services& services, Call call);       // create_token.cc
Task<Outcome> ListHolds(Services& services, Call call);         // list_holds.cc
Task<Outcome> AddHold(Services& services, Call call);           // add_hold.cc
Task<Outcome> ReleaseHold(Services& services, Call call);       // release_hold.cc
Task<Outcome> ListSources(Services& services, Call call);       // list_sources.cc
Task<Outcome> AddSource(Services& services, Call call);         // add_source.cc
Task<Outcome> RemoveSource(Services& services, Call call);      // remove_source.cc
Task<Outcome> ListKeys(Services& services, Call call);          // list_keys.cc
Task<Outcome> CreateKey(Services& services, Call call);         // create_key.cc
Task<Outcome> RevokeKey(Services& services, Call call);         // revoke_key.cc
Task<Outcome> DescribeStore(Services& services, Call call);     // describe_store.cc
Task<Outcome> DescribeVersion(Services& services, Call call);   // describe_version.cc
Task<Outcome> PlayHls(Services& services, Call call);           // play_hls.cc
Task<Outcome> PreflightHls(Services& services, Call call);      // play_hls.cc
Task<Outcome> PlaySession(Services& services, Call call);       // play_session.cc
Task<Outcome> PlayDash(Services& services, Call call);          // play_dash.cc
Task<Outcome> Metrics(Services& services, Call call);           // metrics.cc
Task<Outcome> Health(Services& services, Call call);            // health.cc
Task<Outcome> Page(Services& services, Call call);              // page.cc
Task<Outcome> Asset(Services& services, Call call);             // page.cc

}  // namespace penstock::server
