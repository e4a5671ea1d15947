"""Answers requests of Redshift as well as Python can, for the bench to compare with.

Reads one command a line and answers each with one line of JSON. A command is a list: what to do, then its operands.
Whatever can be prepared once is prepared before the clock runs, and the clock is the processor's time, so that it does not
matter what else the machine does.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
import time

import pyffx
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from ff3 import FF3Cipher

FF3_TWEAK = "D8E7920AFA330A73"
TRIALS = 1_000


def derive(secret, purpose, token, source, column, length):
    """HKDF-SHA256, as `shared/mask/src/key.rs` documents it."""
    handle = hashlib.sha256(f"{token}:unmask".encode()).hexdigest()
    extracted = hmac.new(handle.encode(), base64.b64decode(secret), hashlib.sha256).digest()
    parts = [part.encode() for part in ("redoubt", "1", purpose, source, column)]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    key, block, count = b"", b"", 1
    while len(key) < length:
        block = hmac.new(extracted, block + info + bytes([count]), hashlib.sha256).digest()
        key, count = key + block, count + 1
    return key[:length]


def mask_regex(arguments, _secret):
    _, pattern, replacement, flags = arguments
    compiled = re.compile(pattern, re.IGNORECASE if "i" in flags else 0)
    count = 0 if "g" in flags else 1
    return lambda value: compiled.sub(replacement, value, count=count)


def mask_reversible(arguments, secret):
    _, token, source, column = arguments
    encrypt = AESSIV(derive(secret, "reversible", token, source, column, 64)).encrypt
    encode, key_id = base64.urlsafe_b64encode, b"\x01"
    return lambda value: encode(key_id + encrypt(value.encode(), [key_id])).rstrip(b"=").decode()


def seconds_for(encrypt, text):
    start = time.thread_time()
    for _ in range(TRIALS):
        encrypt(text)
    return time.thread_time() - start


def mask_format_preserving(arguments, secret):
    """With the faster of two packages. Neither has FF1: pyffx has FFX, which became FF1, and ff3 has its sibling FF3."""
    value, token, source, column, alphabet = arguments
    key = derive(secret, "format-preserving", token, source, column, 32)
    sample = "".join(character for character in value if character in alphabet)
    by_ffx = pyffx.String(key, alphabet=alphabet, length=len(sample)).encrypt
    by_ff3 = FF3Cipher.withCustomAlphabet(key.hex(), FF3_TWEAK, alphabet).encrypt
    encrypt = min((by_ffx, by_ff3), key=lambda encrypt: seconds_for(encrypt, sample))
    inside = frozenset(alphabet)

    def mask(value):
        characters = [character for character in value if character in inside]
        masked = encrypt("".join(characters))
        if len(masked) == len(value):
            return masked
        masked = iter(masked)
        return "".join(next(masked) if character in inside else character for character in value)

    mask.package = "pyffx" if encrypt is by_ffx else "ff3"
    return mask


MASKS = {function.__name__: function for function in (mask_regex, mask_reversible, mask_format_preserving)}


def answer(request, mask):
    """From the bytes of a request to the text of its reply."""
    request = json.loads(request)
    results = [None if row is None or row[0] is None else mask(row[0]) for row in request["arguments"]]
    return json.dumps(
        {"success": True, "num_records": len(results), "results": results},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def main():
    request, mask = b"", None
    for line in sys.stdin:
        command, *operands = json.loads(line)
        if command == "load":
            path, secret = operands
            with open(path, "rb") as file:
                request = file.read()
            content = json.loads(request)
            function = content["external_function"].rsplit(".")[-1]
            mask = MASKS[function](content["arguments"][0], secret)
            result = {"package": getattr(mask, "package", None)}
        else:
            (path,) = operands
            start = time.thread_time_ns()
            reply = answer(request, mask)
            result = {"nanoseconds": time.thread_time_ns() - start}
            with open(path, "w", encoding="utf-8") as file:
                file.write(reply)
        print(json.dumps(result), flush=True)


main()
