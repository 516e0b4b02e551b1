# SPDX-License-Identifier: BSD-2-Clause
"""Folders of the machine that a test may write to as it likes, in its own namespace of mounts."""

import ctypes
import os
import stat
import sys

import netns


def mount(kind, folder, options):
    if netns.LIBC.mount(kind, folder.encode(), kind, ctypes.c_ulong(0), options.encode()) != 0:
        print(f"skipped: a layer over {folder}: {os.strerror(ctypes.get_errno())}")
        sys.exit(77)


def lay_over(folder):
    """For this process and what it starts: the folder has what it has, and what is made, changed and
    removed in it from now on is theirs alone, and ends with them. Nothing is to be made and removed
    where others see it: who removes a folder takes away what they have mounted there."""
    below = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    mode = stat.S_IMODE(os.fstat(below).st_mode)
    mount(b"tmpfs", folder, "mode=755")
    upper, work = f"{folder}/upper", f"{folder}/work"
    for name in (upper, work):
        os.mkdir(name)
    os.chmod(upper, mode)
    mount(b"overlay", folder, f"lowerdir=/proc/self/fd/{below},upperdir={upper},workdir={work}")
    os.close(below)
