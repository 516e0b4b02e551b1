# SPDX-License-Identifier: BSD-2-Clause
"""System calls that fail in a child, as the kernel or a container would let them fail: seccomp."""

import ctypes
import os
import platform
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
RETURN_ERRNO, RETURN_ALLOW = 0x00050000, 0x7FFF0000
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
AT_NUMBER, AT_FIRST_ARGUMENT = 0, 16
NUMBERS = {
    "x86_64": {"bpf": 321, "membarrier": 324, "sched_setaffinity": 203},
    "aarch64": {"bpf": 280, "membarrier": 283, "sched_setaffinity": 122},
}.get(platform.machine())
MAP_CREATE, TEST_RUN = 0, 10  # commands of bpf(2)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _step(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def call(name, error, command=None):
    """For preexec_fn: from then on this call, with this first argument if one is given, fails."""
    steps = [_step(LOAD, AT_NUMBER)]
    if command is None:
        steps.append(_step(EQUAL, NUMBERS[name], 0, 1))
    else:
        steps += [_step(EQUAL, NUMBERS[name], 0, 3), _step(LOAD, AT_FIRST_ARGUMENT),
                  _step(EQUAL, command, 0, 1)]  # fmt: skip
    steps += [_step(RETURN, RETURN_ERRNO | error), _step(RETURN, RETURN_ALLOW)]
    program = Program(len(steps), b"".join(steps))
    libc = ctypes.CDLL(None, use_errno=True)

    def apply():
        if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
                or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return apply
