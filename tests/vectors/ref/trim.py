#!/usr/bin/env python3
"""usage: trim.py DIR OUT

Rewrite the published vectors in DIR (Wycheproof, the SFrame working group,
cacophony) as the flat lines of tests/vectors/README, leaving out what SEC
has no use for: other nonce and tag sizes, other Noise patterns, other suites.
"""
import json
import sys

src, dst = sys.argv[1:3]


def load(name):
    return json.load(open(f'{src}/{name}.json'))


def write(name, rows):
    with open(f'{dst}/{name}.json', 'w') as f:
        for row in rows:
            f.write(json.dumps(row) + '\n')


def wycheproof(name):
    for group in load('wycheproof-' + name + '_test')['testGroups']:
        for test in group['tests']:
            yield group, test, {'note': f"tcId {test['tcId']}"}


def refused(row, test):
    if test['result'] == 'invalid':
        row['ok'] = 0
    return row


def aead(name, head):
    for group, t, note in wycheproof(name):
        if group['ivSize'] != 96 or group['tagSize'] != 128:
            continue
        if group['keySize'] not in head:
            continue
        yield refused({**head[group['keySize']], 'key': t['key'],
                       'nonce': t['iv'], 'aad': t['aad'], 'pt': t['msg'],
                       'hex': t['ct'] + t['tag'], **note}, t)


def hmac(name, algo):
    for group, t, note in wycheproof(name):
        if group['tagSize'] == int(algo[3:]):
            yield refused({'object': 'hmac', 'hash': algo, 'key': t['key'],
                           'msg': t['msg'], 'hex': t['tag'], **note}, t)


def hkdf(name, algo):
    for _, t, note in wycheproof(name):
        if t['result'] == 'valid':
            yield {'object': 'hkdf', 'hash': algo, 'salt': t['salt'],
                   'ikm': t['ikm'], 'info': t['info'], 'n': t['size'],
                   'hex': t['okm'], **note}


def x25519():
    for _, t, note in wycheproof('x25519'):
        zero = 'ZeroSharedSecret' in t['flags']
        row = {'object': 'x25519', 'k': t['private'], 'u': t['public'],
               'hex': '' if zero else t['shared'], **note}
        if zero:
            row['ok'] = 0
        yield row


def siphash():
    for _, t, note in wycheproof('siphash_2_4'):
        yield refused({'object': 'siphash', 'key': t['key'], 'msg': t['msg'],
                       'hex': t['tag'], **note}, t)


def sframe():
    rfc, iana = load('sframe-rfc9605'), load('sframe-aes256')
    for t in rfc['aes_ctr_hmac'] + rfc['aes_256_ctr_hmac']:
        if t['cipher_suite'] in (1, 6):
            yield {'object': 'aead', 'suite': t['cipher_suite'],
                   'key': t['key'], 'nonce': t['nonce'], 'aad': t['aad'],
                   'pt': t['pt'], 'hex': t['ct']}
    for t in rfc['sframe'] + iana['sframe_aes_256_ctr_hmac']:
        suite = t['cipher_suite']
        if suite not in (1, 4, 5, 6):
            continue
        yield {'object': 'sframe', 'suite': suite, 'kid': t['kid'],
               'base': t['base_key'],
               'hex': t['sframe_key'] + t['sframe_salt']}
        header = t['aad'][:len(t['aad']) - len(t['metadata'])]
        assert t['ct'].startswith(header)
        yield {'object': 'aead', 'suite': suite, 'key': t['sframe_key'],
               'nonce': t['nonce'], 'aad': t['aad'], 'pt': t['pt'],
               'hex': t['ct'][len(header):]}


def noise():
    for t in load('noise-kk-25519-chachapoly-sha512')['vectors']:
        if t['protocol_name'] != 'Noise_KKpsk2_25519_ChaChaPoly_SHA512':
            continue
        m = t['messages']
        row = {'object': 'noise', 'is': t['init_static'],
               'ie': t['init_ephemeral'], 'rs': t['resp_static'],
               're': t['resp_ephemeral'], 'psk': t['init_psks'][0],
               'prologue': t['init_prologue']}
        for i in range(4):
            row[f'p{i + 1}'] = m[i]['payload']
        row['hex'] = (''.join(m[i]['ciphertext'] for i in range(4)) +
                      t['handshake_hash'])
        yield row


write('aes-gcm', aead('aes_gcm', {128: {'object': 'aead', 'suite': 4},
                                  256: {'object': 'aead', 'suite': 5}}))
write('chachapoly', aead('chacha20_poly1305',
                         {256: {'object': 'chachapoly'}}))
write('hmac-sha256', hmac('hmac_sha256', 'sha256'))
write('hmac-sha512', hmac('hmac_sha512', 'sha512'))
write('hkdf-sha256', hkdf('hkdf_sha256', 'sha256'))
write('hkdf-sha512', hkdf('hkdf_sha512', 'sha512'))
write('x25519', x25519())
write('siphash', siphash())
write('sframe', sframe())
write('noise', noise())
