"""What the recipe reads of ELF files and ar archives: the bytes of code, and those of data."""
import struct

EXEC, NOBITS = 4, 8


def sections(image):
    """(name, flags, type, bytes) of each section of an ELF file; nothing if it is none."""
    if image[:4] != b"\x7fELF" or len(image) < 52:
        return
    wide, order = image[4] == 2, "<" if image[5] == 1 else ">"
    if wide:
        table, = struct.unpack_from(order + "Q", image, 40)
        size, count, names = struct.unpack_from(order + "HHH", image, 58)
    else:
        table, = struct.unpack_from(order + "I", image, 32)
        size, count, names = struct.unpack_from(order + "HHH", image, 46)

    def row(index):
        at = table + index * size
        if wide:
            name, kind, flags, _, start, length = struct.unpack_from(order + "IIQQQQ", image, at)
        else:
            name, kind, flags, _, start, length = struct.unpack_from(order + "IIIIII", image, at)
        return name, kind, flags, start, length

    try:
        if count == 0 or names >= count:
            return
        _, _, _, strings, length = row(names)
        texts = image[strings:strings + length]
        for index in range(count):
            name, kind, flags, start, length = row(index)
            if kind not in (0, NOBITS) and length:
                end = texts.find(b"\0", name)
                yield texts[name:end].decode("latin-1"), flags, kind, image[start:start + length]
    except struct.error:
        return


def code(image):
    """All code of an ELF file. Tables of jumps through which programs call libraries are left out: they are one pattern over and over."""
    parts = [body for name, flags, kind, body in sections(image) if kind == 1 and flags & EXEC and not name.startswith(".plt")]
    return b"".join(parts)


def data(image):
    """(what, bytes) of the sections that hold no code."""
    for name, flags, kind, body in sections(image):
        if not (kind == 1 and flags & EXEC) and len(body) >= 2048:
            yield name, body


def members(archive):
    """The files of an ar archive."""
    if archive[:8] != b"!<arch>\n":
        return
    at = 8
    while at + 60 <= len(archive):
        name, size = archive[at:at + 16], int(archive[at + 48:at + 58])
        if not name.startswith((b"/ ", b"// ", b"/SYM64/")):
            yield name.strip(b" /").decode("latin-1"), archive[at + 60:at + 60 + size]
        at += 60 + size + size % 2
