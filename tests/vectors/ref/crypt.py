#!/usr/bin/env python3
"""usage: crypt.py seal KEYFILE Q SUITE COUNTER AGE
       crypt.py open KEYFILE

The stream of sec-crypt(1), written from its manual: seals standard input as
if AGE seconds ago (three chunks and the last), or opens it.
"""
import os
import struct
import sys
import time

sys.dont_write_bytecode = True
import sec  # noqa: E402


def keys(key, head):
    _, suite, _, q, _, counter, salt = struct.unpack(">4sHHIIQ32s", head)
    base = sec.kdf(key, b"crypt filter", b"", 32, salt)
    both = sec.sframe(suite, q, base)
    return suite, counter, both[:-12], both[-12:]


def nonce(salt, counter):
    return sec.xor(salt, counter.to_bytes(12, "big"))


def seal(key, q, suite, counter, age):
    text = sys.stdin.buffer.read()
    at = int((time.time() - age) * 1000)
    head = struct.pack(">4sHHIIQ32s", b"SCF1", suite, 0, q, 0, counter,
                       os.urandom(32))
    out = [head]
    suite, counter, k, salt = keys(key, head)
    step = max(1, min(65536, len(text) // 3 + 1))
    chunks = [text[i:i + step] for i in range(0, len(text), step)] + [b""]
    for i, chunk in enumerate(chunks):
        last = 1 << 31 if i == len(chunks) - 1 else 0
        mark = struct.pack(">IQ", len(chunk) | last, at)
        out += [mark, sec.seal(suite, k, nonce(salt, counter + i),
                               head + mark, chunk)]
    sys.stdout.buffer.write(b"".join(out))


def opened(key):
    data = sys.stdin.buffer.read()
    head, at = data[:56], 56
    suite, counter, k, salt = keys(key, head)
    size, last = 0, 0
    while not last:
        mark = data[at:at + 12]
        size = struct.unpack(">IQ", mark)[0]
        last, size = size >> 31, size & 0x7fffffff
        size += sec.SUITES[suite][2]
        sys.stdout.buffer.write(sec.opens(
            suite, k, nonce(salt, counter), head + mark,
            data[at + 12:at + 12 + size]))
        at += 12 + size
        counter += 1
    return 0 if at == len(data) else 1


def main(args):
    if len(args) < 2:
        sys.stderr.write(__doc__)
        return 2
    with open(args[1], "rb") as file:
        key = file.read()
    if args[0] == "seal":
        seal(key, int(args[2]), int(args[3], 0), int(args[4]),
             int(args[5]))
        return 0
    return opened(key)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
