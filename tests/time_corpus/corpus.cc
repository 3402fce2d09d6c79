#include "tests/time_corpus/corpus.h"

#include "base/random.h"

namespace penstock::time_corpus {
namespace {

constexpr const char* kStampLeap = "stamp_leap";
constexpr const char* kStampFrozen = "stamp_frozen";
constexpr const char* kStampRate = "stamp_rate";
constexpr const char* kReportJump = "report_jump";
constexpr const char* kReportDoubt = "report_doubt";
constexpr const char* kReportInsane = "report_insane";
constexpr const char* kReportFrozen = "report_frozen";

// A clock that is set by `by` at `at`.
ClockOf Set(Us at, Us by) {
  return [=](Us t) { return t < at ? t : t + by; };
}
MaybeClockOf SetWall(Us at, Us by) {
  return [=](Us t) { return std::optional(t < at ? t : t + by); };
}
std::optional<Us> NoReports(Us) { return std::nullopt; }

// The same noise at the same time.
Us Noise(Us t, Us range) {
  Prng random(static_cast<uint64_t>(t) + 1);
  return static_cast<Us>(random.Below(static_cast<uint64_t>(range)));
}

Us Jitter(Us t) { return 20 * kMs + Noise(t, 60 * kMs); }

Entry Named(std::string name) {
  Entry entry;
  entry.camera.name = std::move(name);
  return entry;
}

void AddHonest(std::vector<Entry>& to) {
  to.push_back(Named("honest"));

  Entry reordered = Named("honest_with_reordered_pictures");
  reordered.camera.reordered = true;
  to.push_back(reordered);

  Entry jitter = Named("honest_over_a_network_with_800_ms_of_jitter");
  jitter.camera.delay = [](Us t) { return Noise(t / (2 * kSec), 800 * kMs); };
  // Until the first reports the tracks lie as they arrived.
  jitter.expected.settles = 12 * kSec;
  to.push_back(jitter);

  // TCP: nothing comes, then all of it at once.
  Entry stall = Named("honest_behind_a_stall_of_8_s");
  stall.camera.delay = [](Us t) {
    const Us end = 30 * kSec;
    return t > 22 * kSec && t < end ? end - t : 20 * kMs;
  };
  to.push_back(stall);

  Entry drops = Named("honest_and_drops_what_a_stall_of_6_s_held");
  drops.camera.delay = stall.camera.delay;
  drops.camera.lost = [](Us t) { return t >= 24 * kSec && t < 30 * kSec; };
  drops.expected.groups_lost = 3;
  to.push_back(drops);

  Entry silent = Named("sends_no_reports");
  silent.camera.wall = NoReports;
  silent.expected.sane = false;
  to.push_back(silent);
}

void AddWallClocks(std::vector<Entry>& to) {
  for (const auto& [name, off] :
       std::vector<std::pair<std::string, Us>>{{"three_hours_ahead", 3 * kHour},
                                               {"of_1970", -kStartMs * 1000},
                                               {"of_2036", 400'000 * kHour / 4}}) {
    Entry entry = Named("wall_clock_" + name);
    entry.camera.wall = [off = off](Us t) { return std::optional(t + off); };
    entry.expected.anomalies = {kReportInsane};
    entry.expected.sane = false;
    to.push_back(entry);
  }

  // A jump is followed when the next report agrees; until then times go on as they were.
  for (const auto& [name, by] : std::vector<std::pair<std::string, Us>>{{"60_s_forward", kMinute},
                                                                        {"60_s_back", -kMinute}}) {
    Entry entry = Named("wall_clock_set_" + name);
    entry.camera.wall = SetWall(31 * kSec, by);
    entry.expected.anomalies = {kReportDoubt, kReportJump};
    entry.expected.flagged_min = 2;
    entry.expected.producer_error_max = kMinute + 25 * kMs;
    to.push_back(entry);
  }

  Entry slewed = Named("wall_clock_set_400_ms_forward");
  slewed.camera.wall = SetWall(31 * kSec, 400 * kMs);
  slewed.expected.producer_error_max = 60 * kMs;
  to.push_back(slewed);

  Entry zone = Named("wall_clock_set_an_hour_back");
  zone.camera.wall = SetWall(31 * kSec, -kHour);
  zone.expected.anomalies = {kReportInsane, kReportJump};
  zone.expected.flagged_min = 2;
  zone.expected.sane = false;
  to.push_back(zone);

  Entry back_again = Named("wall_clock_set_an_hour_back_and_right_again");
  back_again.camera.lasts = 2 * kMinute;
  back_again.camera.wall = [](Us t) {
    return std::optional(t < 31 * kSec || t >= 71 * kSec ? t : t - kHour);
  };
  back_again.expected.anomalies = {kReportInsane, kReportDoubt, kReportJump};
  back_again.expected.flagged_min = 3;
  to.push_back(back_again);
}

void AddReports(std::vector<Entry>& to) {
  Entry same = Named("reports_are_the_first_again_and_again");
  same.camera.wall = [](Us) { return std::optional(Us{0}); };
  same.camera.report_media = [](Us) { return Us{0}; };
  same.expected.anomalies = {kReportFrozen, kReportDoubt, kReportJump};
  same.expected.flagged_min = 3;
  same.expected.sane = false;
  to.push_back(same);

  Entry wall = Named("reports_whose_wall_clock_stands_still");
  wall.camera.wall = [](Us t) { return std::optional(std::min(t, 20 * kSec)); };
  // The sound's report of 21.3 s is the first that is wrong.
  wall.expected.anomalies = {kReportDoubt, kReportFrozen};
  wall.expected.flagged_min = 6;
  to.push_back(wall);

  Entry media = Named("reports_whose_media_time_stands_still");
  media.camera.report_media = [](Us t) { return std::min(t, 20 * kSec); };
  media.expected.anomalies = {kReportDoubt, kReportJump};
  media.expected.flagged_min = 3;
  media.expected.sane = false;
  to.push_back(media);

  Entry wild = Named("reports_of_any_time_within_5_minutes");
  wild.camera.wall = [](Us t) { return std::optional(t + Noise(t, 10 * kMinute) - 5 * kMinute); };
  wild.expected.anomalies = {kReportDoubt, kReportJump};
  wild.expected.flagged_min = 4;
  wild.expected.sane = false;
  wild.expected.settles = 20 * kSec;
  to.push_back(wild);

  Entry far = Named("reports_of_any_time_within_a_day");
  far.camera.wall = [](Us t) { return std::optional(t + kHour + Noise(t, 23 * kHour)); };
  far.expected.anomalies = {kReportInsane};
  far.expected.sane = false;
  to.push_back(far);

  Entry turns_wild = Named("reports_that_turn_wild");
  turns_wild.camera.wall = [](Us t) {
    return std::optional(t < 25 * kSec ? t : t + Noise(t, 10 * kMinute) - 5 * kMinute);
  };
  turns_wild.expected.anomalies = {kReportDoubt, kReportJump};
  turns_wild.expected.flagged_min = 3;
  turns_wild.expected.sane = false;
  to.push_back(turns_wild);

  Entry jitter = Named("reports_that_jitter_by_100_ms");
  jitter.camera.wall = [](Us t) { return std::optional(t + Noise(t, 200 * kMs) - 100 * kMs); };
  // As much as the first reports are wrong; what follows is slewed.
  jitter.expected.apart_max = 100 * kMs;
  jitter.expected.producer_error_max = 120 * kMs;
  to.push_back(jitter);
}

void AddStamps(std::vector<Entry>& to) {
  struct Leap {
    std::string name;
    Us by;
  };
  for (const Leap& leap : std::vector<Leap>{{"an_hour_forward", kHour},
                                            {"an_hour_back", -kHour},
                                            {"8_s_forward", 8 * kSec},
                                            {"3_s_back", -3 * kSec},
                                            {"1_s_forward", kSec},
                                            {"1_s_back", -kSec},
                                            {"half_of_their_range", (Us{1} << 31) / 90 * kMs}}) {
    Entry both = Named("stamps_set_" + leap.name);
    both.camera.video_clock = both.camera.audio_clock = Set(31 * kSec, leap.by);
    both.expected.anomalies = {kStampLeap};
    both.expected.flagged_min = 1;
    // A leap goes on by arrival, and is as wrong as the network jitters.
    both.camera.delay = Jitter;
    both.expected.too_long_max = 60 * kMs;
    both.expected.apart_max = 95 * kMs;
    both.expected.producer_error_max = 85 * kMs;
    to.push_back(both);

    Entry pictures = Named("stamps_of_pictures_set_" + leap.name + "_without_reports");
    pictures.camera.video_clock = Set(31 * kSec, leap.by);
    pictures.camera.wall = NoReports;
    pictures.expected = both.expected;
    pictures.expected.sane = false;
    pictures.expected.apart_max = 115 * kMs;
    to.push_back(pictures);
  }

  Entry often = Named("stamps_set_back_and_forth_every_ten_seconds_for_an_hour");
  often.camera.lasts = kHour;
  often.camera.video_clock =
      often.camera.audio_clock = [](Us t) { return t + (t / (10 * kSec) % 2 == 0 ? 0 : kMinute); };
  often.expected.anomalies = {kStampLeap};
  often.expected.flagged_min = 359;
  often.camera.delay = Jitter;
  often.expected.too_long_max = 60 * kMs;
  often.expected.apart_max = 95 * kMs;
  often.expected.producer_error_max = 85 * kMs;
  often.expected.duration_error_max = 20 * kSec;
  to.push_back(often);

  Entry alone = often;
  alone.camera.name = "stamps_of_pictures_" + often.camera.name.substr(7) + "_without_reports";
  alone.camera.audio_clock = Honest;
  alone.camera.wall = NoReports;
  alone.expected.sane = false;
  alone.expected.producer_error_max = kSec;
  to.push_back(alone);

  Entry wrap = Named("stamps_that_wrap_at_2_32");
  wrap.camera.first_video_stamp = 0u - 90'000u * 31;
  wrap.camera.first_audio_stamp = 0u - 48'000u * 47;
  to.push_back(wrap);

  Entry wrap_reordered = Named("stamps_that_wrap_among_reordered_pictures");
  wrap_reordered.camera.reordered = true;
  wrap_reordered.camera.first_video_stamp = 0u - 90'000u * 31 - 3600;
  to.push_back(wrap_reordered);

  Entry frozen = Named("stamps_that_stand_still_for_20_s");
  frozen.camera.video_clock = [](Us t) { return t > 20 * kSec && t < 40 * kSec ? 20 * kSec : t; };
  frozen.expected.anomalies = {kStampFrozen, kStampLeap};
  frozen.expected.flagged_min = 10;
  // It takes half a second to be sure.
  frozen.expected.too_long_max = 600 * kMs;
  frozen.expected.apart_max = 600 * kMs;
  frozen.expected.producer_error_max = 600 * kMs;
  to.push_back(frozen);

  Entry zero = Named("stamps_that_are_always_zero");
  zero.camera.first_video_stamp = 0;
  zero.camera.video_clock = [](Us) { return Us{0}; };
  zero.camera.wall = NoReports;
  zero.expected = frozen.expected;
  zero.expected.anomalies = {kStampFrozen};
  zero.expected.flagged_min = 29;
  zero.expected.sane = false;
  to.push_back(zero);

  Entry milliseconds = Named("stamps_in_milliseconds");
  milliseconds.camera.video_clock = [](Us t) { return t / 90; };
  milliseconds.camera.wall = NoReports;
  milliseconds.expected = zero.expected;
  to.push_back(milliseconds);

  Entry zero_dts = Named("decode_times_that_are_zero");
  zero_dts.camera.zero_dts = true;
  zero_dts.expected.anomalies = {"decode_times"};
  zero_dts.expected.flagged_min = 1;
  zero_dts.expected.too_long_max = 120 * kMs;
  to.push_back(zero_dts);
}

void AddRates(std::vector<Entry>& to) {
  // 25 pictures a second, stamped as if they were 30, or 20.
  for (const auto& [name, per_second] :
       std::vector<std::pair<std::string, int64_t>>{{"30", 30}, {"20", 20}}) {
    Entry entry = Named("stamps_of_" + name + "_pictures_a_second_where_25_are_sent");
    entry.camera.lasts = 10 * kMinute;
    entry.camera.video_clock = [n = per_second](Us t) { return t * 25 / n; };
    entry.expected.anomalies = {kStampRate, kReportDoubt, kReportJump};
    entry.expected.flagged_min = 1;
    // Five reports of each track, and until the sound has caught up.
    entry.expected.settles = 30 * kSec;
    entry.expected.too_long_max = 20 * kMs;
    entry.expected.duration_error_max = 5100 * kMs;
    to.push_back(entry);
  }
}

void AddDrift(std::vector<Entry>& to) {
  for (const int64_t ppm : {500, -500}) {
    const std::string name = ppm > 0 ? "sound_500_ppm_fast" : "sound_500_ppm_slow";
    Entry reports = Named(name + "_for_four_hours");
    reports.camera.lasts = 4 * kHour;
    reports.camera.audio_ppm = ppm;
    to.push_back(reports);

    Entry silent = Named(name + "_for_four_hours_without_reports");
    silent.camera = reports.camera;
    silent.camera.name = silent.camera.name + "_without_reports";
    silent.camera.wall = NoReports;
    silent.camera.delay = Jitter;
    silent.expected.sane = false;
    silent.expected.apart_max = 120 * kMs;
    silent.expected.producer_error_max = kSec;
    to.push_back(silent);
  }

  // Both clocks of the camera against the server's.
  Entry all = Named("camera_500_ppm_fast_for_four_hours_without_reports");
  all.camera.lasts = 4 * kHour;
  all.camera.wall = NoReports;
  all.camera.video_clock = all.camera.audio_clock = [](Us t) { return t + t / 2000; };
  all.camera.audio_ppm = 0;
  all.expected.sane = false;
  all.expected.producer_error_max = kSec;
  all.expected.duration_error_max = 4 * kHour / 2000 + kSec;
  to.push_back(all);
}

void AddServerClocks(std::vector<Entry>& to) {
  for (const auto& [name, by] : std::vector<std::pair<std::string, Us>>{{"an_hour_forward", kHour},
                                                                        {"an_hour_back", -kHour},
                                                                        {"5_s_forward", 5 * kSec},
                                                                        {"5_s_back", -5 * kSec}}) {
    Entry entry = Named("server_clock_set_" + name + "_and_no_reports");
    entry.camera.server_clock = Set(31 * kSec + 500 * kMs, by);
    entry.camera.wall = NoReports;
    entry.expected.anomalies = {"server_clock_set"};
    entry.expected.flagged_min = std::abs(by) > 10 * kSec ? 1 : 0;
    entry.expected.sane = false;
    entry.expected.producer_error_max = std::abs(by) + 25 * kMs;
    to.push_back(entry);
  }
}

}  // namespace

std::vector<Entry> Corpus() {
  std::vector<Entry> all;
  AddHonest(all);
  AddWallClocks(all);
  AddReports(all);
  AddStamps(all);
  AddRates(all);
  AddDrift(all);
  AddServerClocks(all);
  return all;
}

}  // namespace penstock::time_corpus
