# SPDX-License-Identifier: MIT
"""Signing with Ed25519, as RFC 8032 section 5.1 writes it down. Pure; verifying is a backend's affair (`openpgp`).

Why this is here although there are libraries: what signs must be told the time of the signature and must give the same
bytes on every machine (see docs/adr/0017-re-signing.md), and of the OpenPGP libraries and programs at hand none does.

A signature takes about 3 ms. The same steps are done whatever the secret is, but Python's numbers are not constant in
time: whoever can measure this process to a microsecond, millions of times, might learn from it. A few dozen signatures
for the life of a key, made for the local machine, are no such thing.
"""

import hashlib

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P

_Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x * y = T/Z."""

_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
_NEUTRAL: _Point = (0, 1, 1, 0)


def public_key(seed: bytes) -> bytes:
    """The 32 bytes that belong to the secret 32 bytes."""
    scalar, _ = _expanded(seed)
    return _encoded(_times_base(scalar))


def sign(seed: bytes, message: bytes) -> bytes:
    """64 bytes: R and S of RFC 8032 5.1.6."""
    scalar, prefix = _expanded(seed)
    public = _encoded(_times_base(scalar))
    nonce = _number(prefix + message) % _ORDER
    r = _encoded(_times_base(nonce))
    s = (nonce + _number(r + public + message) * scalar) % _ORDER
    return r + s.to_bytes(32, "little")


def _expanded(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & (2**254 - 8) | 2**254, digest[32:]


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


def _times_base(scalar: int) -> _Point:
    result, point = [_NEUTRAL, _NEUTRAL], _BASE
    for at in range(255):
        bit = scalar >> at & 1
        result[bit] = _sum(result[bit], point)  # result[0] is thrown away: an addition for each bit, set or not
        point = _sum(point, point)
    return result[1]


def _sum(p: _Point, q: _Point) -> _Point:
    """RFC 8032 5.1.4; complete: it holds for equal points too."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _encoded(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")
