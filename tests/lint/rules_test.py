"""Each rule speaks about a bad sample and is silent about a good one."""

import pathlib
import tempfile
import unittest

import rule_coroutines
import rule_format
import rule_headers
import rule_layering
import rule_length
import rule_links
import rule_metrics
import rule_operations
import rule_proofs
import rule_words
from tree import Tree


def findings(rule, files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            target = pathlib.Path(root) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return [f"{finding.path}:{finding.line}" for finding in sorted(rule.check(Tree(root)))]


class Proofs(unittest.TestCase):
    def test_a_test_that_is_not_there_is_found(self):
        files = {"tests/a_test.py": "    def test_one(self):\n", "docs/compatibility.md": "[a](../tests/a_test.py) `test_one`\n`test_two`\n"}
        self.assertEqual(findings(rule_proofs, files), ["docs/compatibility.md:2"])


class Operations(unittest.TestCase):
    SERVED = {f"server/operations/video/{i}.cc": f'constinit const Operation kX{{\n    "{name}", "/x"}};\n' for i, name in enumerate(("GetA", "GetB"))}

    def document(self, *rows):
        return {**self.SERVED, "docs/compatibility.md": "\n".join(("## Other", "| GetC |", rule_operations.HEADING, *rows)) + "\n"}

    def test_a_row_for_each_operation_is_silent(self):
        proof = "yes | [a](../a_test.py) `test_one` |"
        self.assertEqual(findings(rule_operations, self.document("| operation | a | proof |", f"| GetA | {proof}", f"| GetB | {proof}")), [])

    def test_missing_unknown_double_empty_and_unproven_rows_are_found(self):
        proof = "yes | [a](../a_test.py) `test_one` |"
        bad = self.document(f"| GetA | {proof}", f"| GetA | {proof}", f"| GetD | {proof}", f"| GetA | | {proof}", "| GetA | yes |")
        at = [f"docs/compatibility.md:{line}" for line in (3, 5, 6, 7, 7, 8, 8)]
        self.assertEqual(sorted(findings(rule_operations, bad)), sorted(at))


class Metrics(unittest.TestCase):
    def test_a_metric_that_nobody_counts_is_found(self):
        files = {"store/a.cc": '"penstock_a_total"\n"penstock_b_seconds"\n', "docs/a.md": "`penstock_a_total`, penstock_gone_total\n",
                 "docker/a.json": '"rate(penstock_b_seconds_bucket[1m])"\n"penstock_a_total_bucket_more"\n'}
        self.assertEqual(findings(rule_metrics, files), ["docker/a.json:2", "docs/a.md:1"])


class Layering(unittest.TestCase):
    def test_an_include_that_points_up_is_found(self):
        self.assertEqual(findings(rule_layering, {"store/a.cc": '#include "base/x.h"\n#include "net/tcp.h"\n'}), ["store/a.cc:2"])

    def test_a_neighbour_that_must_not_be_known_is_found(self):
        self.assertEqual(findings(rule_layering, {"playback/a.h": '#include "ingest/b.h"\n'}), ["playback/a.h:1"])

    def test_the_bench_must_not_share_code_with_what_it_measures(self):
        self.assertEqual(findings(rule_layering, {"bench/camsim/a.h": '#include "ingest/rtsp/b.h"\n'}), ["bench/camsim/a.h:1"])

    def test_a_program_folder_must_not_include_tests(self):
        self.assertEqual(findings(rule_layering, {"base/a.cc": '#include "tests/testing/temp_dir.h"\n'}), ["base/a.cc:1"])

    def test_a_heavy_library_outside_its_home_is_found(self):
        bad = {"net/a.h": "#include <boost/asio.hpp>\n", "ingest/b.cc": "#include <gst/gst.h>\n", "store/c.cc": "#include <rocksdb/db.h>\n"}
        self.assertEqual(findings(rule_layering, bad), ["ingest/b.cc:1", "net/a.h:1", "store/c.cc:1"])

    def test_relative_includes_are_found(self):
        self.assertEqual(findings(rule_layering, {"base/a.cc": '#include "a.h"\n#include "../base/b.h"\n'}), ["base/a.cc:1", "base/a.cc:2"])

    def test_what_the_table_allows_passes(self):
        good = {"server/a.cc": '#include "ingest/a.h"\n#include <vector>\n', "net/b.cc": "#include <boost/beast/core.hpp>\n",
                "store/index/c.cc": "#include <rocksdb/db.h>\n", "tests/unit/d.cc": '#include "net/a.h"\n#include "store/b.h"\n'}
        self.assertEqual(findings(rule_layering, good), [])


class Headers(unittest.TestCase):
    def test_a_header_that_forgot_an_include_is_found(self):
        self.assertEqual(findings(rule_headers, {"base/a.h": "#pragma once\nstd::string Name();\n"}), ["base/a.h:1"])

    def test_a_complete_header_passes(self):
        self.assertEqual(findings(rule_headers, {"base/a.h": "#pragma once\n#include <string>\nstd::string Name();\n"}), [])


class Coroutines(unittest.TestCase):
    def bad(self, body):
        found = rule_coroutines.check_text("Task<int> F() {\n" + body + "\n}\n")
        self.assertEqual([line for line, _ in found], [2], body)

    def good(self, body):
        self.assertEqual(rule_coroutines.check_text("Task<int> F() {\n" + body + "\n}\n"), [], body)

    def test_braces_in_the_awaited_expression_are_found(self):
        self.bad("auto page = co_await Fetch({.from = start});")
        self.bad("co_return HttpResponse{200, co_await Render(page)};")
        self.bad("if (co_await Send(Bytes{})) { return; }")
        self.bad("std::vector<int> all{co_await One()};")
        self.bad("for (auto x : co_await List(Filter{})) Use(x);")
        self.bad('PS_CO_TRY(auto x, co_await F("{", {1}));')

    def test_a_capturing_lambda_in_the_awaited_expression_is_found(self):
        self.bad("co_await RunBlocking(pool, [this] { Sync(); });")

    def test_a_coroutine_lambda_with_captures_is_found(self):
        self.bad("auto run = [&]() -> Task<void> { co_await Next(); };")
        self.bad("group.Spawn([this] { co_return; }());")

    def test_named_values_pass(self):
        self.good("Options options{.from = start}; auto page = co_await Fetch(std::move(options));")
        self.good("auto work = [this] { Sync(); }; co_await RunBlocking(pool, std::move(work));")
        self.good("std::string body = co_await Render(page); co_return Response{200, body};")

    def test_blocks_are_not_initializers(self):
        self.good("while (true) { if (co_await Done()) { break; } else { co_await Next(); } }")
        self.good("for (int i = 0; i < 3; ++i) { co_await Next(); }")
        self.good("switch (co_await Kind()) { case 1: { co_await Next(); break; } default: break; }")
        self.good("try { co_await Next(); } catch (const std::exception& e) { Log(e); }")

    def test_a_lambda_body_is_judged_for_itself(self):
        self.good("auto run = [](int n) -> Task<void> { co_await Next(n); }; std::vector<int> v{1};")
        self.good("auto make = [this] { return Options{.from = 1}; };")

    def test_comments_strings_and_subscripts_do_not_disturb(self):
        self.good('auto x = co_await F("[&] {", table[i][j]);  // {')
        self.good("const auto [a, b] = co_await Pair();")
        self.good("co_await Write(buffer[0], 'x', 1'000);")


class Links(unittest.TestCase):
    def test_a_link_to_nowhere_is_found(self):
        files = {"docs/a.md": "# A\n[b](b.md) [gone](gone.md)\n", "docs/b.md": "# B\n"}
        self.assertEqual(findings(rule_links, files), ["docs/a.md:2"])

    def test_a_missing_heading_is_found(self):
        files = {"a.md": "# A\n[b](b.md#the-end) [c](b.md#the-start)\n", "b.md": "# B\n## The start\n"}
        self.assertEqual(findings(rule_links, files), ["a.md:2"])

    def test_code_and_the_web_are_left_alone(self):
        self.assertEqual(findings(rule_links, {"a.md": "`[x](y)` [z](https://example.com/)\n```\n[q](r)\n```\n"}), [])


class Length(unittest.TestCase):
    def test_a_long_file_is_found(self):
        self.assertEqual(findings(rule_length, {"base/a.cc": "int x;\n" * 451, "base/b.cc": "int x;\n" * 450}), ["base/a.cc:451"])


class Words(unittest.TestCase):
    def test_unfinished_business_is_found(self):
        self.assertEqual(findings(rule_words, {"base/a.cc": "int x;\n// TODO: more\n"}), ["base/a.cc:2"])

    def test_a_sleeping_test_is_found(self):
        bad = {"tests/a_test.cc": "std::this_thread::sleep_for(1s);\n", "tests/b.py": "time.sleep(1)\n"}
        self.assertEqual(findings(rule_words, bad), ["tests/a_test.cc:1", "tests/b.py:1"])

    def test_a_test_that_is_switched_off_is_found(self):
        self.assertEqual(findings(rule_words, {"tests/a_test.cc": "TEST(A, DISABLED_B) {}\n"}), ["tests/a_test.cc:1"])

    def test_ordinary_words_pass(self):
        self.assertEqual(findings(rule_words, {"base/a.cc": "Sleep(10ms);\n", "tests/b.cc": "co_await Sleep(10ms);\n"}), [])


class Format(unittest.TestCase):
    def test_an_unformatted_file_is_found(self):
        self.assertEqual(findings(rule_format, {"a.cc": "int   x ;\n", "b.cc": "int x;\n"}), ["a.cc:1"])


if __name__ == "__main__":
    unittest.main()
