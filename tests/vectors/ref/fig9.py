#!/usr/bin/env python3
"""usage: fig9.py make | check | verify <LINES

The oracle of Fig. 9, literally (SECURITY.md 1d, 1e, 3.7): block ciphers from
openssl, hashes from python.  Writes, or compares, ../fig9.json; the format is
that of ../README:

fig9_raw  suite(T) key ctr (all counters) q(I) ind (indices, 4 bytes each)
          msg; hex: C
fig9_mac  suite(T) key t msg; hex: the tag's first 16 bytes
fig9      suite(T) ke q(I) time(I) first(I: index of the first block) msg;
          hex: the payload
"""
import hashlib
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import sec  # noqa: E402

T = 12
FILE = os.path.join(sec.VECTORS, "fig9.json")
BLOCK = {"des": 8, "aes128": 16}


def cipher(suite):
    return suite.split("-")[1]


def block(suite, key, text):
    if cipher(suite) == "aes128":
        return sec.aes("ecb", key, b"", text)
    return subprocess.run(
        ["openssl", "enc", "-des-ecb", "-nopad", "-K", key.hex(),
         "-provider", "legacy", "-provider", "default"],
        input=text, stdout=subprocess.PIPE, check=True).stdout


def sequence(suite, key, ctr, index, count):
    size = BLOCK[cipher(suite)]
    start = int.from_bytes(ctr, "big")
    return block(suite, key, b"".join(
        ((start + index + i) % (1 << 8 * size)).to_bytes(size, "big")
        for i in range(count)))


def pads(suite, key, chosen, n):
    "chosen: pairs of starting counter and index"
    size = BLOCK[cipher(suite)]
    count = -(-n // size)
    out = bytes(n)
    for ctr, index in chosen:
        out = sec.xor(out, sequence(suite, key, ctr, index, count)[:n])
    return out


def mac(suite, key, t, msg):
    hash_ = hashlib.md5 if cipher(suite) == "des" else hashlib.sha256
    inner = hash_(msg + t + key).digest()
    return hash_(msg + t + inner).digest()[:16]


def raw(suite, key, ctr, q, ind, msg):
    size = BLOCK[cipher(suite)]
    chosen = [(ctr[i * size:(i + 1) * size],
               int.from_bytes(ind[4 * i:4 * i + 4], "big"))
              for i in range(len(ctr) // size) if q >> i & 1]
    return sec.xor(msg, pads(suite, key, chosen, len(msg)))


def payload(suite, ke, q, time, first, msg):
    size = BLOCK[cipher(suite)]
    key = sec.kdf(ke, b"fig9 key", sec.be32(0), size)
    q = (q >> 24 & 15) << 8 | q & 255
    alt = suite.startswith("fig9alt")
    which = [q] if alt else [i for i in range(T) if q >> i & 1]
    chosen = [(sec.kdf(ke, b"fig9 ctr", sec.be32(i), size), first)
              for i in which]
    head = sec.be32(q) + (b"" if alt else bytes([T])) + \
        sec.be32(first) * len(which)
    stamp = sec.be64(time)
    plain = mac(suite, key, stamp, msg) + stamp + msg
    return head + sec.xor(plain, pads(suite, key, chosen, len(plain)))


def line(object_, result, **fields):
    def show(v):
        if isinstance(v, bytes):
            v = v.hex()
        return str(v) if isinstance(v, int) else '"%s"' % v
    fields = dict(object=object_, **fields, hex=result)
    return "{%s}\n" % ", ".join('"%s": %s' % (k, show(v))
                                for k, v in fields.items())


def make():
    text = b"Fig. 9 of the seed: M = M_1 .. M_c"
    keys = {"des": bytes.fromhex("133457799bbcdff1"),
            "aes128": bytes(range(16))}
    out = []
    for suite in ("fig9-des", "fig9-aes128"):
        c = cipher(suite)
        size = BLOCK[c]
        ctr = b"".join(bytes(0x10 * i + j & 255 for j in range(size))
                       for i in range(1, 4))
        wrap = ctr[:2 * size] + b"\xff" * size
        for q, ind, counters in ((5, 1, ctr), (7, 300, ctr), (2, 1, ctr),
                                 (4, 1, wrap), (8, 1, ctr)):
            f = dict(suite=suite, key=keys[c], ctr=counters, q=q,
                     ind=sec.be32(ind) * 3, msg=text)
            out.append(line("fig9_raw", raw(**f), **f))
        for msg, t in ((b"Fig. 9", bytes.fromhex("000000ea3a45cc00")),
                       (b"pay 1", b"00:00"), (b"pay 100", b":00"),
                       (b"", b"")):
            f = dict(suite=suite, key=keys[c], t=t, msg=msg)
            out.append(line("fig9_mac", mac(**f), **f))
    for suite in ("fig9-des", "fig9-aes128", "fig9alt-des",
                  "fig9alt-aes128"):
        for q, msg in ((0x01000007, text), (0x0f0000ff, bytes(160)),
                       (0x02000001, b"")):
            f = dict(suite=suite, ke=hashlib.sha256(suite.encode()).digest(),
                     q=q, time=1795358000123, first=1, msg=msg)
            out.append(line("fig9", payload(**f), **f))
    return "".join(out)


COMPUTE = {
    "fig9_raw": (raw, ("suite", "key", "ctr", "q", "ind", "msg")),
    "fig9_mac": (mac, ("suite", "key", "t", "msg")),
    "fig9": (payload, ("suite", "ke", "q", "time", "first", "msg")),
}


def verify(lines):
    n = 0
    for n, text in enumerate(lines, 1):
        row = json.loads(text)
        compute, names = COMPUTE[row["object"]]
        values = [row[k] if k == "suite" or isinstance(row[k], int)
                  else bytes.fromhex(row[k]) for k in names]
        if compute(*values).hex() != row["hex"]:
            sys.exit("fig9.py: line %d is wrong: %s" % (n, text))
    if n == 0:
        sys.exit("fig9.py: nothing to verify")
    print("# -: %d lines, 0 wrong" % n)


def main():
    made = make()
    # What SECURITY.md 3.7 and FIPS 81 print.
    for known in ("f8deeb044f089349003a79b31e787d863a0a92c40328ac3204d0a8"
                  "9e8d59f1f92650",
                  "a86112c4ad0a563ad5f2e8552bb8bce5072c5f15525604d3bea670"
                  "1b1b4652223cfb", "e5be94293fb3ef07f12beeff3a0df234"):
        if '"%s"' % known not in made:
            sys.exit("fig9.py: a printed vector is not among ours")
    if block("x-des", bytes.fromhex("133457799bbcdff1"), bytes.fromhex(
            "0123456789abcdef")).hex() != "85e813540f0ab405":
        sys.exit("fig9.py: openssl's DES is not DES")
    if sys.argv[1:] == ["make"]:
        with open(FILE, "w") as file:
            file.write(made)
    elif sys.argv[1:] == ["check"]:
        with open(FILE) as file:
            if file.read() != made:
                sys.exit("fig9.py: fig9.json is not what it would make")
        print("# fig9.json: %d lines, as made" % made.count("\n"))
    elif sys.argv[1:] == ["verify"]:
        verify(sys.stdin)
    else:
        sys.exit(__doc__)


main()
