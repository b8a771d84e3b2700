"""`archive.py LEVEL ARCHIVE NAME=FILE…`: a zip whose bytes depend on nothing but the files.

The first file is the provider's binary and gets its executable bit, which Terraform keeps when it unpacks.
"""

import sys
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip can hold


def main(level: str, archive: str, *entries: str) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=int(level)) as packed:
        for number, entry in enumerate(entries):
            name, _, file = entry.partition("=")
            about = zipfile.ZipInfo(name, EPOCH)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.create_system = 3  # Unix, so that the mode counts
            about.external_attr = (0o100755 if number == 0 else 0o100644) << 16
            with open(file, "rb") as content:
                packed.writestr(about, content.read(), compresslevel=int(level))


if __name__ == "__main__":
    main(*sys.argv[1:])
