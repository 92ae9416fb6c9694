"""One throw-away CA, a gateway's and a developer's certificate: ECDSA P-256, the same for every way."""

import os
import subprocess


def _openssl(*args, folder):
    done = subprocess.run(["openssl", *args], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("openssl " + args[0] + ": " + done.stderr.strip())


def _leaf(folder, name, subject, extensions):
    with open(os.path.join(folder, name + ".ext"), "w") as f:
        f.write(extensions + "\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n")
    _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name + ".key",
             "-out", name + ".csr", "-subj", subject, folder=folder)
    _openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
             "2", "-sha256", "-extfile", name + ".ext", "-out", name + ".crt", folder=folder)
    # haproxy wants both in one file.
    with open(os.path.join(folder, name + ".pem"), "w") as out:
        for part in (".crt", ".key"):
            with open(os.path.join(folder, name + part)) as f:
                out.write(f.read())


def make(folder, components):
    """ca.crt, gateway.{crt,key,pem} and dev.{crt,key,pem} in `folder`."""
    os.makedirs(folder, mode=0o700)
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
             "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=bench CA", "-addext",
             "keyUsage=critical,keyCertSign,cRLSign", folder=folder)
    names = ["DNS:localhost", "IP:127.0.0.1"] + [f"DNS:{c}.localhost" for c in components]
    _leaf(folder, "gateway", "/CN=localhost", "extendedKeyUsage=serverAuth\nsubjectAltName=" + ",".join(names))
    _leaf(folder, "dev", "/CN=dev/O=developers", "extendedKeyUsage=clientAuth")
    return folder
