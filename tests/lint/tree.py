"""Which files are ours, and how a rule says what it found."""

import dataclasses
import os
import pathlib

NOT_OURS = {".git", "build", "node_modules", "__pycache__", "penstock-data", "corpus", "golden"}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)

    def files(self, *suffixes):
        """Paths relative to the root, sorted, of our files with one of these suffixes ("" for all)."""
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in NOT_OURS]
            for name in names:
                if name.endswith(suffixes or ("",)):
                    found.append((pathlib.Path(folder) / name).relative_to(self.root).as_posix())
        return sorted(found)

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def lines(self, path):
        """Pairs of line number and text."""
        return enumerate(self.read(path).splitlines(), start=1)

    def exists(self, path):
        return (self.root / path).exists()
