"""The data types of RFC 4251, section 5."""

import struct


def byte(value):
    return bytes([value])


def boolean(value):
    return b"\1" if value else b"\0"


def uint32(value):
    return struct.pack(">I", value)


def uint64(value):
    return struct.pack(">Q", value)


def string(value):
    value = value.encode() if isinstance(value, str) else value
    return uint32(len(value)) + value


def mpint(value):
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def raw(self, count):
        if self.at + count > len(self.data):
            raise ValueError("a message is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self):
        return self.raw(1)[0]

    def boolean(self):
        return self.byte() != 0

    def uint32(self):
        return struct.unpack(">I", self.raw(4))[0]

    def uint64(self):
        return struct.unpack(">Q", self.raw(8))[0]

    def string(self):
        return self.raw(self.uint32())

    def text(self):
        return self.string().decode()

    def mpint(self):
        return int.from_bytes(self.string(), "big")
