"""What docker/ asks of /metrics is there: the alerts' and the dashboard's metrics, their labels, and the key with which Prometheus comes."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import cameras, programs
from harness.server import ServerTest

DOCKER = programs.ROOT / "docker"
METRIC = re.compile(r"\bpenstock_[a-z0-9_]+")


def alerts():
    """[(name, query, its annotations)]"""
    text = (DOCKER / "prometheus/alerts.yaml").read_text()
    return re.findall(r"- alert: (\w+)\n +expr: (.*)\n(?: +for: .*\n)? +annotations: (.*)", text)


def panels():
    return [panel for path in sorted((DOCKER / "grafana/dashboards").glob("*.json")) for panel in json.loads(path.read_text())["panels"]]


def queries():
    """[(where, query, the labels that what shows its answer names)]"""
    found = [(name, query, re.findall(r"\$labels\.(\w+)", annotations)) for name, query, annotations in alerts()]
    for panel in panels():
        found += [(panel["title"], target["expr"], re.findall(r"{{(\w+)}}", target["legendFormat"])) for target in panel["targets"]]
    return found


class Metrics(ServerTest):
    def exported(self, headers=None):
        """{metric: names of its labels}"""
        status, text = self.penstock.call("GET", "/metrics", headers=headers)
        self.assertEqual(status, 200, text)
        found = {}
        for name, labels in re.findall(r"^(\w+)(?:{(.*)})? \S+$", text.decode(), re.MULTILINE):
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
        return found

    def test_alerts_and_panels_ask_for_what_a_server_with_a_camera_exports(self):
        camera = self.start(cameras.Simulator)
        self.penstock.add_source("yard", camera.url)
        self.penstock.wait_for_fragments("yard", 1)
        exported = self.exported()
        self.assertEqual(len(alerts()), (DOCKER / "prometheus/alerts.yaml").read_text().count("alert:"))
        for where, query, shown in queries():
            labels = set(re.findall(r"by \((\w+)\)", query)) | set(shown)
            metrics = METRIC.findall(query)
            self.assertTrue(metrics or "up{" in query, f"{where}: {query} asks for nothing of ours")
            for metric in metrics:
                self.assertIn(metric, exported, where)
                self.assertLessEqual(labels, exported[metric], f"{where}: labels of {metric}")

    def test_a_counter_that_is_watched_is_there_before_it_first_counts(self):
        """Prometheus sees no increase in one that comes into the world as 1."""
        exported = self.exported()
        watched = {metric for where, query, shown in queries() for metric in re.findall(r"(?:rate|increase)\((\w+)\[", query)}
        self.assertIn("penstock_fragments_dropped_total", watched)
        self.assertEqual(watched - exported.keys(), set())

    def test_prometheus_comes_from_elsewhere_with_a_key_that_is_made_for_it(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-key-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        target = re.search(r'targets: \["(.*)"\]', (DOCKER / "prometheus/prometheus.yaml").read_text()).group(1)
        elsewhere = {"Host": target}
        self.assertEqual(self.penstock.call("GET", "/metrics", headers=elsewhere)[0], 401)
        secrets = [self.make_key(folder / "secret") for _ in range(2)]
        self.assertEqual(self.penstock.call("GET", "/metrics", headers={**elsewhere, "Authorization": f"Bearer {secrets[0]}"})[0], 401)
        self.assertIn("penstock_info", self.exported({**elsewhere, "Authorization": f"Bearer {secrets[1]}"}))
        self.assertEqual(os.listdir(folder), ["secret"])

    def make_key(self, file):
        environment = {**os.environ, "PATH": f"{programs.BIN}:{os.environ['PATH']}", "PENSTOCK_DATA": self.penstock.data}
        done = subprocess.run([DOCKER / "prometheus/make_key", file], env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(file.stat().st_mode & 0o777, 0o444)
        return file.read_text()


class Dashboard(unittest.TestCase):
    def test_every_panel_has_a_place_of_its_own_and_the_source_that_is_provisioned(self):
        provisioned = (DOCKER / "grafana/provisioning/datasources/prometheus.yaml").read_text()
        taken = set()
        for panel in panels():
            uid = panel["datasource"]["uid"]
            self.assertIn(f"uid: {uid},", provisioned)
            self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])
            references = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(references), len(set(references)), panel["title"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
        ids = [panel["id"] for panel in panels()]
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main()
