# SPDX-License-Identifier: Apache-2.0
"""confine.py UNIT PROGRAM ARGUMENT… runs a program with the system calls and address families that a systemd unit allows,
as systemd would restrict them (seccomp(2)), without systemd. What is not allowed ends the program with SIGSYS."""

import ctypes
import errno
import os
import re
import socket
import struct
import subprocess
import sys

LOAD, JUMP_EQUAL, JUMP_SET, RETURN, AND = 0x20, 0x15, 0x45, 0x06, 0x54  # linux/bpf_common.h
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # linux/seccomp.h
NUMBER, ARGUMENT = 0, 16  # offsets in struct seccomp_data
PROT_WRITE, PROT_EXEC = 2, 4


def members(name, known={}):
    """The system calls of a set such as @basic-io, sets in it resolved."""
    if not name.startswith("@"):
        return {name}
    if name not in known:
        text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True,
                              timeout=60).stdout
        lines = [line.strip() for line in text.splitlines()[1:]]
        known[name] = set().union(*(members(line) for line in lines if line and not line.startswith("#")))
    return known[name]


def unit_values(unit, name):
    return [line.split("=", 1)[1].strip() for line in open(unit, encoding="utf-8") if line.startswith(name + "=")]


def numbers():
    text = subprocess.run(["cc", "-dM", "-E", "-include", "sys/syscall.h", "-"], input="", capture_output=True, text=True,
                          check=True, timeout=60).stdout
    return {name: int(value) for name, value in re.findall(r"#define __NR_(\w+) (\d+)\b", text)}


def instruction(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, value)


def argument(index):
    return ARGUMENT + 8 * index


def rules(unit):
    allowed = set()
    for value in unit_values(unit, "SystemCallFilter"):
        names = set().union(*(members(name) for name in value.lstrip("~").split()))
        allowed = allowed - names if value.startswith("~") else allowed | names
    number = numbers()
    load = instruction(LOAD, NUMBER)
    out = [load]
    # MemoryDenyWriteExecute
    if unit_values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        out += [instruction(JUMP_EQUAL, number["mmap"], 0, 4), instruction(LOAD, argument(2)),
                instruction(AND, PROT_WRITE | PROT_EXEC), instruction(JUMP_EQUAL, PROT_WRITE | PROT_EXEC, 0, 1),
                instruction(RETURN, KILL), load]
        out += [instruction(JUMP_EQUAL, number["mprotect"], 0, 3), instruction(LOAD, argument(2)),
                instruction(JUMP_SET, PROT_EXEC, 0, 1), instruction(RETURN, KILL), load]
    families = [int(getattr(socket, name)) for name in " ".join(unit_values(unit, "RestrictAddressFamilies")).split()]
    out += [instruction(JUMP_EQUAL, number["socket"], 0, 2 + 2 * len(families)), instruction(LOAD, argument(0))]
    for family in families:
        out += [instruction(JUMP_EQUAL, family, 0, 1), instruction(RETURN, ALLOW)]
    out += [instruction(RETURN, ERRNO | errno.EAFNOSUPPORT)]
    for name in sorted(allowed & number.keys()):
        out += [instruction(JUMP_EQUAL, number[name], 0, 1), instruction(RETURN, ALLOW)]
    return b"".join(out + [instruction(RETURN, KILL)])


def main():
    unit, argv = sys.argv[1], sys.argv[2:]
    program = rules(unit)
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    no_new_privs, set_seccomp, filter_mode = 38, 22, 2
    if libc.prctl(no_new_privs, 1, 0, 0, 0) != 0 or libc.prctl(set_seccomp, filter_mode, header, 0, 0) != 0:
        sys.exit(f"confine.py: {os.strerror(ctypes.get_errno())}")
    os.execv(argv[0], argv)


main()
