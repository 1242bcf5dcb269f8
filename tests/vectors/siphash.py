#!/usr/bin/env python3
"""Make siphash.h from wycheproof's siphash_2_4_test.json.

usage: siphash.py siphash_2_4_test.json >siphash.h

The designers' 64 vectors (key 00..0f, message 00..len-1) are computed here
by an independent implementation; the first and last are asserted against
the values printed in the paper and in the reference distribution.
"""
import json
import struct
import sys

M = (1 << 64) - 1


def rotl(x, n):
    return ((x << n) | (x >> (64 - n))) & M


def siphash24(key, msg):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def sipround():
        v[0] = (v[0] + v[1]) & M
        v[1] = rotl(v[1], 13) ^ v[0]
        v[0] = rotl(v[0], 32)
        v[2] = (v[2] + v[3]) & M
        v[3] = rotl(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & M
        v[3] = rotl(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & M
        v[1] = rotl(v[1], 17) ^ v[2]
        v[2] = rotl(v[2], 32)

    whole = len(msg) // 8 * 8
    last = msg[whole:].ljust(7, b"\0") + bytes([len(msg) & 255])
    for i in range(0, whole + 8, 8):
        m, = struct.unpack("<Q", (msg[:whole] + last)[i:i + 8])
        v[3] ^= m
        sipround()
        sipround()
        v[0] ^= m
    v[2] ^= 255
    for _ in range(4):
        sipround()
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def main():
    key = bytes(range(16))
    designers = [siphash24(key, bytes(range(n))) for n in range(64)]
    assert designers[0].hex() == "310e0edd47db6f72"
    assert designers[15].hex() == "e545be4961ca29a1"  # appendix A
    assert designers[63].hex() == "724506eb4c328a95"
    print("/* Made by siphash.py: the designers' 64 vectors, then those of\n"
          " * Project Wycheproof. */\n")
    print("static const char *const siphash_designers[64] = {")
    for t in designers:
        print('\t"%s",' % t.hex())
    print("};\n")
    print("static const struct {\n\tconst char\t*key, *msg, *tag;\n"
          "\tint\t\t valid;\n} siphash_wycheproof[] = {")
    for group in json.load(open(sys.argv[1]))["testGroups"]:
        for t in group["tests"]:
            msg = " ".join(t["msg"][i:i + 56]
                           for i in range(0, len(t["msg"]), 56))
            print('\t{ "%s",\n\t    "%s",\n\t    "%s", %d },' % (
                t["key"], msg.replace(" ", '"\n\t    "'), t["tag"],
                t["result"] == "valid"))
    print("};")


main()
