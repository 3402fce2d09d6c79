"""Cameras that are not ours to test: the synthetic one (gst-rtsp-server) and the simulator (camsim)."""

from harness import programs


class Camera(programs.Program):
    def __init__(self, program, *options):
        options = list(options)
        if "--port" not in options:
            options += ["--port", "0"]
        super().__init__(programs.ours(program), *options)
        self.url = self.wait_for_line("://", 120)

    @property
    def port(self):
        return int(self.url.split(":")[2].split("/")[0])

    def url_for(self, user, password):
        return self.url.replace("://", f"://{user}:{password}@")


class SyntheticCamera(Camera):
    def __init__(self, *options):
        super().__init__("synthetic_camera", *options)


class Simulator(Camera):
    def __init__(self, *options):
        super().__init__("camsim", *options)

    def camera(self, i):
        return self.url.replace("/c0", f"/c{i}")
