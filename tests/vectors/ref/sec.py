#!/usr/bin/env python3
"""The oracle: every object of SEC's wire made once more, in another language.

Written from the description of the protocol alone, for python3 and the
command openssl; it shares no code with the library, and no test of the
library makes its own expected values.  AES and ChaCha20 come from openssl,
hashes from python; everything built of them is here.  Keys stand on the
command line of openssl: use it for test vectors only.

usage: sec.py make [OBJECT]    one object's lines, or all files
       sec.py check            the files are what make would write
       sec.py verify FILE      lines made by C; - is standard input
       sec.py selftest         published vectors

The format and the inputs of each object are in ../README.
"""
import glob
import hashlib
import hmac as hmac_
import json
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.dirname(HERE)


class Refused(Exception):
    "The inputs must not be accepted."


be16 = struct.Struct(">H").pack
be32 = struct.Struct(">I").pack
be64 = struct.Struct(">Q").pack


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def openssl(cipher, key, iv, text):
    if not text:
        return b""
    args = ["openssl", "enc", "-" + cipher, "-K", key.hex(), "-nopad"]
    if iv:
        args += ["-iv", iv.hex()]
    return subprocess.run(args, input=text, stdout=subprocess.PIPE,
                          check=True).stdout


def aes(mode, key, iv, text):
    return openssl("aes-%d-%s" % (len(key) * 8, mode), key, iv, text)


def sha512(*parts):
    return hashlib.sha512(b"".join(parts)).digest()


def hmac(hash_, key, *parts):
    return hmac_.new(key, b"".join(parts), hash_).digest()


def hkdf_expand(hash_, prk, info, n):
    out = block = b""
    i = 0
    while len(out) < n:
        i += 1
        if i > 255:
            raise Refused("too long")
        block = hmac(hash_, prk, block, info, bytes([i]))
        out += block
    return out[:n]


def hkdf(hash_, salt, ikm, info, n):
    return hkdf_expand(hash_, hmac(hash_, salt, ikm), info, n)


def kdf(k, label, ctx, n, salt=b"SEC1"):
    return hkdf("sha512", salt, k, b"SEC1 " + label + b"\0" + ctx, n)


# AEADs: suite -> (cipher key bytes, hash, tag bytes, is GCM)
SUITES = {
    1: (16, "sha256", 10, False),
    4: (16, "sha256", 16, True),
    5: (32, "sha512", 16, True),
    6: (32, "sha512", 10, False),
    0xF00C: (32, "sha512", 16, True),  # no HMAC, as GCM
}


def suite_nk(suite):
    nka, hash_, _, gcm = SUITES[suite]
    return nka if gcm else nka + hashlib.new(hash_).digest_size


def ghash(h, data):
    """NIST SP 800-38D 6.4; data is a whole number of blocks."""
    h = int.from_bytes(h, "big")
    table = []                          # h times x^0 .. x^127
    for _ in range(128):
        table.append(h)
        h = h >> 1 ^ (0xE1 << 120 if h & 1 else 0)
    y = 0
    for i in range(0, len(data), 16):
        y ^= int.from_bytes(data[i:i + 16], "big")
        z = 0
        for bit in range(128):
            if y >> (127 - bit) & 1:
                z ^= table[bit]
        y = z
    return y.to_bytes(16, "big")


def pad16(data):
    return data + bytes(-len(data) % 16)


def gcm_crypt(key, nonce, aad, text, opening):
    """Returns the other text and the tag."""
    count = (len(text) + 15) // 16
    blocks = bytes(16) + b"".join(nonce + be32(1 + i)
                                  for i in range(count + 1))
    stream = aes("ecb", key, b"", blocks)
    other = xor(text, stream[32:])
    ct = text if opening else other
    s = ghash(stream[:16], pad16(aad) + pad16(ct) + be64(len(aad) * 8) +
              be64(len(ct) * 8))
    return other, xor(s, stream[16:32])


def ctr_hmac_crypt(suite, key, nonce, aad, text, opening):
    nka, hash_, nt, _ = SUITES[suite]
    other = aes("ctr", key[:nka], nonce + bytes(4), text)
    ct = text if opening else other
    tag = hmac(hash_, key[nka:], be64(len(aad)), be64(len(ct)), be64(nt),
               nonce, aad, ct)
    return other, tag[:nt]


def poly1305(key, msg):
    """RFC 8439 2.5."""
    p = (1 << 130) - 5
    r = int.from_bytes(key[:16], "little") & \
        0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(msg), 16):
        block = msg[i:i + 16] + b"\1"
        acc = (acc + int.from_bytes(block, "little")) * r % p
    acc = acc + int.from_bytes(key[16:], "little") & (1 << 128) - 1
    return acc.to_bytes(16, "little")


def chachapoly_crypt(key, nonce, aad, text, opening):
    """RFC 8439 2.8: block 0 is the one-time key, the text starts at 1."""
    stream = openssl("chacha20", key, bytes(4) + nonce,
                     bytes(64 + len(text)))
    other = xor(text, stream[64:])
    ct = text if opening else other
    lens = struct.pack("<QQ", len(aad), len(ct))
    return other, poly1305(stream[:32], pad16(aad) + pad16(ct) + lens)


def crypt(suite, key, nonce, aad, text, opening=False):
    if suite in ("chachapoly", 0xF00C):
        return chachapoly_crypt(key, nonce, aad, text, opening)
    if len(key) != suite_nk(suite) or len(nonce) != 12:
        raise Refused("size of key or nonce")
    if SUITES[suite][3]:
        return gcm_crypt(key, nonce, aad, text, opening)
    return ctr_hmac_crypt(suite, key, nonce, aad, text, opening)


def seal(suite, key, nonce, aad, pt):
    return b"".join(crypt(suite, key, nonce, aad, pt))


def opens(suite, key, nonce, aad, sealed):
    """The plaintext of sealed, or Refused."""
    nt = 16 if suite == "chachapoly" else SUITES[suite][2]
    if len(sealed) < nt:
        raise Refused("short")
    ct, tag = sealed[:-nt], sealed[-nt:]
    pt, want = crypt(suite, key, nonce, aad, ct, True)
    if tag != want:
        raise Refused("tag")
    return pt


def sframe(suite, kid, base):
    """RFC 9605 4.4.2."""
    hash_ = SUITES[suite][1]
    secret = hmac(hash_, b"", base)
    tail = be64(kid) + be16(suite)
    return hkdf_expand(hash_, secret, b"SFrame 1.0 Secret key " + tail,
                       suite_nk(suite)) + \
        hkdf_expand(hash_, secret, b"SFrame 1.0 Secret salt " + tail, 12)


def x25519(k, u):
    """RFC 7748 5, zeros included."""
    p = 2 ** 255 - 19
    k = int.from_bytes(k, "little")
    k = k & ~7 & ~(1 << 255) | 1 << 254
    x1 = int.from_bytes(u, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b = x2 + z2, x2 - z2
        aa, bb = a * a % p, b * b % p
        e = aa - bb
        da, cb = (x3 - z3) * a, (x3 + z3) * b
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def public(k):
    return x25519(k, bytes([9]) + bytes(31))


def dh(k, u):
    z = x25519(k, u)
    if z == bytes(32):
        raise Refused("low order")
    return z


def siphash(key, msg):
    """SipHash-2-4."""
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    a, b, c, d = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
                  k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)

    def rot(v, n):
        return (v << n | v >> (64 - n)) & mask

    def rounds(a, b, c, d, n):
        for _ in range(n):
            a = a + b & mask
            b = rot(b, 13) ^ a
            c = c + d & mask
            d = rot(d, 16) ^ c
            a = rot(a, 32) + d & mask
            d = rot(d, 21) ^ a
            c = c + b & mask
            b = rot(b, 17) ^ c
            c = rot(c, 32)
        return a, b, c, d

    tail = bytes(7 - len(msg) % 8) + bytes([len(msg) & 255])
    for m, in struct.iter_unpack("<Q", msg + tail):
        a, b, c, d = rounds(a, b, c, d ^ m, 2)
        a ^= m
    a, b, c, d = rounds(a, b, c ^ 0xFF, d, 4)
    return struct.pack("<Q", a ^ b ^ c ^ d)


# Noise_KKpsk2_25519_ChaChaPoly_SHA512.

class Noise:
    """Both sides at once: they hold the same state after each message."""

    def __init__(self, is_, ie, rs, re, psk, prologue):
        self.i, self.r, self.psk = (is_, ie), (rs, re), psk
        self.h = b"Noise_KKpsk2_25519_ChaChaPoly_SHA512".ljust(64, b"\0")
        self.ck, self.k, self.n = self.h, None, 0
        for part in (prologue, public(is_), public(rs)):
            self.mix_hash(part)

    def mix_hash(self, part):
        self.h = sha512(self.h, part)

    def derive(self, ikm, n):
        temp, out = hmac("sha512", self.ck, ikm), [b""]
        for i in range(1, n + 1):
            out.append(hmac("sha512", temp, out[-1], bytes([i])))
        return out[1:]

    def mix_key(self, ikm):
        self.ck, k = self.derive(ikm, 2)
        self.k, self.n = k[:32], 0

    def mix_key_and_hash(self, ikm):
        self.ck, h, k = self.derive(ikm, 3)
        self.mix_hash(h)
        self.k, self.n = k[:32], 0

    def message(self, e, secrets, psk, payload):
        pub = public(e)
        self.mix_hash(pub)
        self.mix_key(pub)              # in patterns with a psk, 9.2
        for mine, theirs in secrets:
            self.mix_key(dh(mine, public(theirs)))
        if psk:
            self.mix_key_and_hash(self.psk)
        sealed = noise_seal(self.k, self.n, self.h, payload)
        self.n += 1
        self.mix_hash(sealed)
        return pub + sealed

    def first(self, payload):
        (s, e), (rs, _) = self.i, self.r
        return self.message(e, ((e, rs), (s, rs)), False, payload)

    def second(self, payload):
        (s, e), (_, re) = self.i, self.r
        return self.message(re, ((re, e), (re, s)), True, payload)

    def split(self):
        return (k[:32] for k in self.derive(b"", 2))


def noise_seal(k, n, *rest):
    return seal("chachapoly", k, bytes(4) + struct.pack("<Q", n), *rest)


# Objects: each takes a row's fields and returns its bytes.

def noise(f):
    n = Noise(f.is_, f.ie, f.rs, f.re, f.psk, f.prologue)
    m1, m2 = n.first(f.p1), n.second(f.p2)
    k1, k2 = n.split()
    return m1 + m2 + noise_seal(k1, 0, b"", f.p3) + \
        noise_seal(k2, 0, b"", f.p4) + n.h


def both(f):
    return be16(min(f.a, f.b)) + be16(max(f.a, f.b))


def hello_tag(f, head):
    key = kdf(f.base, b"hello", f.from_id + f.to_id, 64)
    return head + hmac("sha512", key, head)[:16]


def hello_c1(f):
    return hello_tag(f, b"\xC5\x01\x20" + bytes([f.tt]) + be16(f.by) +
                     be32(f.keyid) + be16(f.to) + f.nonce + be64(f.time))


def hello_c2(f):
    return hello_tag(f, b"\xC5\x01\x21" + bytes([f.tt]) + be16(f.by) +
                     be32(f.keyid) + be16(f.from_) + f.nonce +
                     be64(f.time) + f.nonce_a)


def record_key(f):
    ctx = bytes([f.type, f.dir]) + f.from_id + f.to_id + f.nonce_a + \
        f.nonce_b
    return kdf(f.base, b"rec key", ctx, 32) + \
        kdf(f.base, b"rec salt", ctx, 12)


def put_record(type_, dir_, keyid, seq, time, keys, ctx, pt):
    """keys: key[32] || salt[12]"""
    head = b"\xC5\x01" + bytes([type_, dir_]) + be32(keyid) + be64(seq) + \
        be64(time) + be32(len(pt))
    nonce = xor(keys[32:], bytes(4) + be64(seq))
    return head + seal(5, keys[:32], nonce, head + ctx, pt)


def reg_request(f):
    keys = kdf(f.prf, b"reg c2s", sha512(f.apreq, f.ec), 44)
    return b"SR01" + f.ec + put_record(6, 0, 0, 1, f.time, keys, b"", f.rows)


def reg_answer(f):
    ep = public(f.ep_secret)
    th = sha512(b"SEC1 reg", f.apreq, f.ec, f.aprep, ep)
    keys = kdf(dh(f.ep_secret, f.ec), b"reg s2c", th, 44, salt=f.prf)
    return b"SR02" + be16(len(f.aprep)) + f.aprep + ep + \
        put_record(6, 1, 0, 1, f.time, keys, b"", f.pt)


def grant(f):
    return b"SCK1" + f.conf + be32(f.epoch) + be32(f.q) + \
        be16(f.media_suite) + be16(f.text_suite) + be64(f.not_before) + \
        be64(f.not_after) + f.key + (f.hop or bytes(32)) + be32(f.hopid)


def wrap(f):
    keys = kdf(f.kc, b"conf wrap", b"", 44, f.salt)
    ctx = (f.recipient + f.conf).encode()
    return f.salt + put_record(4, 1, f.keyid, 0, f.time, keys, ctx, f.plain)


def file_wrap(f):
    """FK on its way: up (dir 0) or down (dir 1)."""
    keys = kdf(f.kc, b"file wrap", b"", 44, f.salt)
    ctx = (f.file + f.conf).encode()
    return f.salt + put_record(4, f.dir, f.keyid, 0, f.time, keys, ctx,
                               f.plain)


def chunk(f):
    keys = kdf(f.fk, b"file chunk", b"", 44, f.salt)
    aad = f.file.encode() + be64(f.n) + bytes([f.last])
    return f.salt + seal(5, keys[:32], keys[32:], aad, f.pt)


def text(f):
    keys = kdf(f.te, b"text", be32(f.q), 44)
    return be32(f.q) + put_record(3, 0, f.epoch, f.seq, f.time, keys,
                                  f.conf + be32(f.q), f.pt)


def put_noise(kind, from_, to, body):
    return b"\xC5\x01" + bytes([kind, 0]) + be16(4 + len(body)) + \
        be16(from_) + be16(to) + body


def deal(f):
    return b"SJK1" + be32(f.epoch) + be64(f.not_before) + \
        be64(f.not_after) + be64(f.time) + f.k + \
        be16(len(f.pairs) // 34) + f.pairs


def put_ack(epoch, m3hash):
    return b"SJA1" + be32(epoch) + m3hash


def put_prologue(number, canonical):
    return b"SEC1 keygen" + be16(1) + be16(number) + sha512(canonical)


def keygen(f):
    n = Noise(f.is_, f.ie, f.rs, f.re, f.psk,
              put_prologue(f.to, f.canonical))
    m1 = put_noise(0x10, f.from_, f.to, sha512(f.canonical)[:8] +
                   n.first(be64(f.time1)))
    m2 = put_noise(0x11, f.to, f.from_,
                   n.second(be64(f.time2) + be32(f.last_epoch)))
    k1, k2 = n.split()
    m3 = put_noise(0x12, f.from_, f.to, noise_seal(k1, 0, b"", f.deal))
    epoch, = struct.unpack(">I", f.deal[4:8])
    ack = put_ack(epoch, sha512(m3)[:32])
    return m1 + m2 + m3 + put_noise(0x13, f.to, f.from_,
                                    noise_seal(k2, 0, b"", ack))


def blob(f):
    keys = kdf(f.dbk, b"blob", b"", 44, salt=f.salt)
    return f.salt + put_record(5, 0, 0, 0, f.time, keys, f.ctx, f.pt)


def rtp(f):
    """A voice packet as its device sends it (hop tag: up)."""
    ntp = f.time // 1000 + 2208988800 << 32 | \
        ((f.time % 1000 << 32) + 999) // 1000
    head = bytes([0x90, f.marker << 7 | f.type]) + be16(f.seq) + \
        be32(f.ts) + be32(f.q) + bytes.fromhex("bede0008") + \
        b"\x17" + f.conf + b"\x27" + be16(f.epoch & 0xFFFF) + \
        be64(f.counter)[2:] + b"\x37" + be64(ntp & (1 << 64) - 1) + \
        b"\x40" + bytes([f.voice << 7 | f.level]) + bytes(3)
    keys = sframe(f.suite, f.epoch << 32 | f.q, f.ke)
    nonce = xor(keys[-12:], bytes(4) + be64(f.counter))
    sealed = seal(f.suite, keys[:-12], nonce, head, f.pt)
    hop = kdf(f.hq, b"hop up", b"", 16)
    return head + sealed + siphash(hop, head + sealed[-10:])


OBJECTS = {
    "hkdf": lambda f: hkdf(f.hash, f.salt, f.ikm, f.info, f.n),
    "hmac": lambda f: hmac(f.hash, f.key, f.msg),
    "kdf": lambda f: kdf(f.key, f.label.encode(), f.ctx, f.n, f.salt),
    "aead": lambda f: seal(f.suite, f.key, f.nonce, f.aad, f.pt),
    "ctr": lambda f: aes("ctr", f.key, f.nonce + bytes(4), bytes(f.n)),
    "chachapoly": lambda f: seal("chachapoly", f.key, f.nonce, f.aad, f.pt),
    "sframe": lambda f: sframe(f.suite, f.kid, f.base),
    "x25519": lambda f: dh(f.k, f.u),
    "siphash": lambda f: siphash(f.key, f.msg),
    "noise": noise,
    "pair": lambda f: kdf(f.dealer, b"pair", both(f), 32),
    "link": lambda f: kdf(f.k + f.pair, b"link", be32(f.epoch) + both(f),
                          32),
    "id_server": lambda f: be16(f.number),
    "id_user": lambda f: be16(0) + be16(len(f.principal)) +
    f.principal.encode(),
    "id_device": lambda f: be16(0xFFFF) + f.conf + be32(f.q),
    "hello_c1": hello_c1,
    "hello_c2": hello_c2,
    "hello_no": lambda f: b"\xC5\x01\x7F\0" + be32(f.keyid) + bytes(20),
    "record_key": record_key,
    "record": lambda f: put_record(f.type, f.dir, f.keyid, f.seq, f.time,
                                   f.key + f.salt, f.ctx, f.pt),
    "reg_request": reg_request,
    "reg_answer": reg_answer,
    "reg_session": lambda f: f.kc + be32(f.keyid) + be64(f.not_after) +
    be64(f.time) + f.rows,
    "grant": grant,
    "wrap": wrap,
    "file_wrap": file_wrap,
    "chunk": chunk,
    "ratchet": lambda f: kdf(f.ke, b"ratchet", f.conf + be32(f.epoch), 32),
    "text_epoch": lambda f: kdf(f.ke, b"text epoch", f.conf + be32(f.epoch),
                                32),
    "text": text,
    "rtp": rtp,
    "message": lambda f: be16(f.type) + be32(0) + be32(f.to) + f.text,
    "noise_msg": lambda f: put_noise(f.kind, f.from_, f.to, f.body),
    "deal": deal,
    "ack": lambda f: put_ack(f.epoch, f.m3hash),
    "prologue": lambda f: put_prologue(f.number, f.canonical),
    "keygen": keygen,
    "blob": blob,
}

TEXTS = {"object", "hash", "label", "principal", "recipient", "file", "note"}


class Fields:
    """A row with its hex decoded; names that python keeps get a `_`."""

    def __init__(self, row):
        for name, value in row.items():
            if isinstance(value, str) and name not in TEXTS and not (
                    name == "conf" and row["object"].endswith("wrap")):
                value = bytes.fromhex(value)
            setattr(self, name + "_" * (name in ("is", "from")), value)


def compute(row):
    return OBJECTS[row["object"]](Fields(row)).hex()


def cases(wanted):
    """The rows of the file `cases` that are about one object."""
    with open(os.path.join(HERE, "cases")) as file:
        for line in file:
            name, _, case = line.partition(" ")
            if name == wanted:
                yield case


def case_row(name, number, case):
    row = {"object": name}
    for word in case.split():
        end = min(word.find(c) for c in "=:.#" if c in word)
        field, kind, value = word[:end], word[end], word[end + 1:]
        if kind == "=":
            row[field] = int(value)
        elif kind == ":":
            seed = "%s %d %s" % (name, number, field)
            row[field] = hashlib.shake_256(seed.encode()).hexdigest(
                int(value))
        else:
            row[field] = value
    row["hex"] = compute(row)
    return row


def make(name):
    return "".join(json.dumps(case_row(name, i, case)) + "\n"
                   for i, case in enumerate(cases(name)))


def is_right(row):
    """A line that says "ok": 0 must be refused instead."""
    want = row["hex"]
    if row.get("ok", 1):
        return compute(row) == want
    f = Fields(row)
    try:
        if row["object"] not in ("aead", "chachapoly"):
            return compute(row) != want
        opens(row.get("suite", "chachapoly"), f.key, f.nonce, f.aad, f.hex)
        return False
    except Refused:
        return True


def verify(path):
    """Prints what is wrong; returns the number of wrong lines."""
    wrong = number = 0
    with sys.stdin if path == "-" else open(path) as file:
        for number, line in enumerate(file, 1):
            row = json.loads(line)
            try:
                ok = is_right(row)
            except (Refused, AttributeError, KeyError, ValueError) as e:
                print("# %r" % e)
                ok = False
            if not ok:
                print("not ok - line %d: %s" % (number, row.get("object")))
                wrong += 1
    print("# %s: %d lines, %d wrong" % (path, number, wrong))
    return wrong + (number == 0)


def check():
    status = 0
    for name in OBJECTS:
        with open(os.path.join(VECTORS, name + ".json")) as file:
            same = file.read() == make(name)
        if not same:
            print("not ok - %s.json is not what make writes" % name)
            status = 1
    return status


def main(args):
    if args == ["make"]:
        for name in OBJECTS:
            with open(os.path.join(VECTORS, name + ".json"), "w") as file:
                file.write(make(name))
        return 0
    if args[:1] == ["make"] and len(args) == 2 and args[1] in OBJECTS:
        sys.stdout.write(make(args[1]))
        return 0
    if args == ["check"]:
        return check()
    if args[:1] == ["verify"] and len(args) > 1:
        return any([verify(path) for path in args[1:]])
    if args == ["selftest"]:
        published = os.path.join(VECTORS, "published", "*.json")
        return any([verify(path) for path in sorted(glob.glob(published))])
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
