"""Writes archives and compressed files of the same 20,000 lines into the folder that it is given."""

import bz2
import gzip
import io
import json
import pathlib
import random
import sys
import tarfile
import zipfile
import zlib

random.seed(7)
folder = pathlib.Path(sys.argv[1])
words = ["alpha", "beta", "gamma", "delta", "ö", "東京", "x" * 300]


def lines(first, count):
    records = ({"id": n, "text": " ".join(random.choices(words, k=n % 40))} for n in range(first, first + count))
    return "".join(json.dumps(record) + "\n" for record in records).encode()


parts = {
    "a.jsonl": lines(0, 9000),
    "folder/b.jsonl": lines(9000, 9000),
    "folder/" + "long-" * 18 + "/" + "name-" * 18 + ".jsonl": lines(18000, 2000),
}
whole = b"".join(parts.values())


class Pipe(io.BytesIO):
    """What is written cannot be mended: sizes stand after the data."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation()


def write_zip(name, target, method):
    with zipfile.ZipFile(target, "w", method) as archive:
        for part, data in parts.items():
            with archive.open(part, "w", force_zip64=True) as entry:
                entry.write(data)
    (folder / name).write_bytes(target.getvalue())


def write_tar(name, form, mode):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode, format=form) as archive:
        for part, data in parts.items():
            info = tarfile.TarInfo(part)
            info.size = len(data)
            if form == tarfile.PAX_FORMAT:
                info.pax_headers = {"comment": "ü" * 600}
            archive.addfile(info, io.BytesIO(data))
    (folder / name).write_bytes(target.getvalue())


(folder / "gzip").write_bytes(gzip.compress(whole))
(folder / "gzip-members").write_bytes(b"".join(gzip.compress(part) for part in parts.values()))
(folder / "bzip2").write_bytes(bz2.compress(whole))
(folder / "bzip2-level-1").write_bytes(bz2.compress(whole, 1))
(folder / "bzip2-streams").write_bytes(b"".join(bz2.compress(part) for part in parts.values()))
(folder / "zlib").write_bytes(zlib.compress(whole))
deflate = zlib.compressobj(wbits=-15)
(folder / "deflate").write_bytes(deflate.compress(whole) + deflate.flush())
for method in ["STORED", "DEFLATED", "BZIP2"]:
    write_zip(f"zip-{method.lower()}", io.BytesIO(), getattr(zipfile, f"ZIP_{method}"))
write_zip("zip-streamed", Pipe(), zipfile.ZIP_DEFLATED)
for form in ["USTAR", "GNU", "PAX"]:
    for mode in ["", "gz", "bz2"]:
        write_tar(f"tar-{form.lower()}{mode and '-' + mode}", getattr(tarfile, f"{form}_FORMAT"), f"w:{mode}")
