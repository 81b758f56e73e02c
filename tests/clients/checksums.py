"""The ten checksum algorithms of S3 as the tests compute them: from Python's own library, from
libxxhash, and, where neither has one, bit by bit. Values are in base64, as S3 spells them."""

import base64
import ctypes
import hashlib
import zlib


def text(value):
    return base64.b64encode(value).decode()


def raw(value):
    return base64.b64decode(value)


def reflected_crc(polynomial, width):
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
        table.append(byte)
    ones = (1 << width) - 1

    def crc(data):
        state = ones
        for byte in data:
            state = state >> 8 ^ table[(state ^ byte) & 255]
        return (state ^ ones).to_bytes(width // 8, "big")

    return crc


class Xxh128(ctypes.Structure):
    _fields_ = (("low", ctypes.c_uint64), ("high", ctypes.c_uint64))


def xxhash_functions():
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH64.restype = ctypes.c_uint64
    library.XXH64.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
    for name, result in (("XXH3_64bits", ctypes.c_uint64), ("XXH3_128bits", Xxh128)):
        getattr(library, name).restype = result
        getattr(library, name).argtypes = (ctypes.c_char_p, ctypes.c_size_t)

    def xxh128(data):
        value = library.XXH3_128bits(data, len(data))
        return value.high.to_bytes(8, "big") + value.low.to_bytes(8, "big")

    return {"XXHASH64": lambda data: library.XXH64(data, len(data), 0).to_bytes(8, "big"),
            "XXHASH3": lambda data: library.XXH3_64bits(data, len(data)).to_bytes(8, "big"),
            "XXHASH128": xxh128}


# By the name that S3 has for them: from bytes to the raw value.
DIGESTS = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": reflected_crc(0x82F63B78, 32),
    "CRC64NVME": reflected_crc(0x9A6C9329AC4BC9B5, 64),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA512": lambda data: hashlib.sha512(data).digest(),
    "MD5": lambda data: hashlib.md5(data).digest(),
    **xxhash_functions(),
}
NAMES = tuple(DIGESTS)
FULL_OBJECT = ("CRC32", "CRC32C", "CRC64NVME")
COMPOSITE = tuple(name for name in NAMES if name != "CRC64NVME")


def of(name, data):
    return text(DIGESTS[name](data))


def header(name):
    return f"x-amz-checksum-{name.lower()}"


def composite(name, values):
    """Of the parts' values: that of their bytes one after another, and how many there were."""
    return of(name, b"".join(map(raw, values))) + f"-{len(values)}"
