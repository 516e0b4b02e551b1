# SPDX-License-Identifier: BSD-2-Clause
"""The guest's file system, as an archive the kernel unpacks (Documentation: initramfs "newc")."""

import os
import re
import shutil
import stat
import subprocess
import sysconfig
from pathlib import Path

FOLDERS = ["busybox", "dev", "etc", "proc", "run", "sys", "tmp", "usr", "usr/bin", "usr/lib",
           "usr/lib64", "usr/sbin"]
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
CONSOLE = (5, 1)  # /dev/console, which the kernel opens for init
LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
UNUSED_PYTHON = re.compile(r"/(__pycache__|test|idlelib|tkinter|lib2to3|ensurepip|config-[^/]*)/")
DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


class Archive:
    """Entries by their path without the leading slash, as (mode, content, device). Files lie where
    they lie on this machine, so that paths compiled in are right."""

    def __init__(self, build):
        self.build = Path(build)
        self.entries = {name: (stat.S_IFDIR | 0o755, b"", (0, 0)) for name in FOLDERS}
        for name, target in LINKS.items():
            self.link(name, target)
        self.entries["dev/console"] = (stat.S_IFCHR | 0o600, b"", CONSOLE)

    def _place(self, path, mode, content):
        name = str(path).lstrip("/")
        for parent in reversed(Path(name).parents[:-1]):
            self.entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b"", (0, 0)))
        self.entries[name] = (mode, content, (0, 0))

    def file(self, path, content, mode=0o644):
        self._place(path, stat.S_IFREG | mode, content)

    def link(self, path, target):
        self._place(path, stat.S_IFLNK | 0o777, target.encode())

    def copy(self, source, path):
        """Below folders that are what they are called, since /lib and the like are links."""
        path = Path(path)
        real = Path(os.path.realpath(path.parent)) / path.name
        self.file(real, Path(source).read_bytes(), 0o755 if os.access(source, os.X_OK) else 0o644)

    def program(self, name):
        """Of the build, else of this machine; with its libraries. Returns its path."""
        built = self.build / name
        source = str(built) if built.is_file() else shutil.which(name)
        if not source:
            raise FileNotFoundError(f"program {name} is neither built nor installed")
        self.copy(os.path.realpath(source), source)
        self._libraries(source)
        if name == "python3":
            self._python()
        return source

    def _libraries(self, program):
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        for library in LIBRARY.findall(listed.stdout):
            self.copy(library, library)

    def _python(self):
        """Its standard library, without what tests have no use for."""
        folder = Path(sysconfig.get_path("stdlib"))
        for file in folder.rglob("*"):
            if file.is_file() and not UNUSED_PYTHON.search(f"/{file.relative_to(folder)}"):
                self.copy(file, file)
                if file.suffix == ".so":
                    self._libraries(file)

    def tree(self, source):
        """A file or folder."""
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.is_file():
                self.copy(file, file)

    def modules(self, kernel, wanted):
        """Their paths in the guest, each after what it depends on; built-in ones have no file."""
        files = {path.stem: path for path in (kernel / "lib/modules").rglob("*.ko")}
        order = []

        def add(name):
            name = name if name in files else name.replace("_", "-")
            path = f"/modules/{name}.ko"
            if name not in files or path in order:
                return
            content = files[name].read_bytes()
            match = DEPENDS.search(content)
            for needed in filter(None, match[1].decode().split(",") if match else []):
                add(needed)
            self.file(path, content)
            order.append(path)

        for name in wanted:
            add(name)
        return order

    def write(self, path):
        with open(path, "wb") as to:
            for number, name in enumerate(sorted(self.entries)):
                to.write(entry(number + 1, name, *self.entries[name]))
            to.write(entry(0, "TRAILER!!!", 0, b"", (0, 0)))


def padded(octets):
    return octets + bytes(-len(octets) % 4)


def entry(number, name, mode, content, device):
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = [number, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % value for value in fields) + name.encode() + b"\0"
    return padded(head) + padded(content)
