"""Compares answer.c with NIST's test vectors and with kyber-py: `vectors.py PROGRAM ASSETS`."""

import json
import os
import subprocess
import sys

from kyber_py.ml_kem import ML_KEM_768

program, assets = sys.argv[1:]
COEFFICIENTS, Q = 768, 3329
questions, answers = [], []


def ask(key, seed, answer):
    questions.append(f"{key.hex()} {seed.hex()}\n")
    answers.append(answer)


def with_coefficient(key, index, value):
    changed = bytearray(key)
    at = index // 2 * 3
    if index % 2 == 0:
        changed[at] = value & 255
        changed[at + 1] = changed[at + 1] & 0xF0 | value >> 8
    else:
        changed[at + 1] = changed[at + 1] & 0x0F | (value & 15) << 4
        changed[at + 2] = value >> 4
    return bytes(changed)


# NIST's own: ACVP, ML-KEM-encapDecap-FIPS203.
with open(f"{assets}/ML-KEM-encapDecap-FIPS203/internalProjection.json", encoding="utf-8") as file:
    groups = json.load(file)["testGroups"]
vectors = [
    test for group in groups if (group["parameterSet"], group["function"]) == ("ML-KEM-768", "encapsulation")
    for test in group["tests"]
]
assert len(vectors) >= 25, len(vectors)
for test in vectors:
    ask(bytes.fromhex(test["ek"]), bytes.fromhex(test["m"]), f"{test['c']} {test['k']}".lower())

# kyber-py computes the same ciphertext, and decapsulates it to the same secret.
KEYS = 100
for number in range(KEYS):
    public, private = ML_KEM_768.keygen()
    seed = bytes([255 * number]) * 32 if number < 2 else os.urandom(32)
    secret, ciphertext = ML_KEM_768._encaps_internal(public, seed)
    assert ML_KEM_768.decaps(private, ciphertext) == secret
    ask(public, seed, f"{ciphertext.hex()} {secret.hex()}")

# In each place a coefficient of q or more is refused, and q - 1 is not.
for index in range(COEFFICIENTS):
    for value in (Q, 4095):
        ask(with_coefficient(public, index, value), seed, "refused")
    ask(with_coefficient(public, index, Q - 1), seed, None)

result = subprocess.run([program], input="".join(questions), capture_output=True, text=True, check=True)
lines = result.stdout.splitlines()
assert len(lines) == len(answers), (len(lines), result.stderr)
for number, (line, answer) in enumerate(zip(lines, answers)):
    assert line == answer if answer else line != "refused", (number, line[:80], (answer or "")[:80])
print(f"ML-KEM-768: {len(vectors)} vectors of NIST, {KEYS} keys of kyber-py, {3 * COEFFICIENTS} borderline keys")
