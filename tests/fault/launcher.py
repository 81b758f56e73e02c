"""Runs a command with less than it is used to, for the tests of refusals:

    launcher.py no-io-uring|few-files|user COMMAND...

no-io-uring: io_uring_setup fails with EPERM, as a container's seccomp profile has it. few-files:
the hard limit of descriptors is 64. user: neither root nor any capability."""

import ctypes
import os
import resource
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
IO_URING_SETUP, EPERM = 425, 1  # the number is the same on every architecture
FILES = 64
NOBODY = 65534
# struct sock_filter of linux/filter.h: load the call's number; equal: fail; else allow.
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ERRNO, ALLOW = 0x00050000 | EPERM, 0x7FFF0000


def forbid_io_uring():
    rows = ((LOAD_WORD, 0, 0, 0), (JUMP_EQUAL, 0, 1, IO_URING_SETUP), (RETURN, 0, 0, ERRNO),
            (RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rows),
                                                      ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                 (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
        if libc.prctl(*call) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")


def main():
    restriction, *command = sys.argv[1:]
    if restriction == "no-io-uring":
        forbid_io_uring()
    elif restriction == "few-files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    elif restriction == "user":
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    else:
        sys.exit(__doc__)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
