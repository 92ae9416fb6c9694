"""Certificates of one test: a CA, the gateway's, and people's. Made with the openssl command."""

import os
import subprocess

from . import tools


class Certificate:
    def __init__(self, certificate, key, ca):
        self.certificate = certificate
        self.key = key
        self.ca = ca

    def locked(self, directory, passphrase):
        """The same with an encrypted key, in that directory."""
        key = os.path.join(directory, "locked.key")
        subprocess.run([tools.find("DELVEGATE_OPENSSL", "openssl"), "pkcs8", "-topk8", "-in", self.key, "-out", key, "-v2", "aes256",
                        "-passout", f"pass:{passphrase}"], check=True, capture_output=True)
        return Certificate(self.certificate, key, self.ca)


class Authority:
    def __init__(self, directory, name="test CA"):
        self.directory = directory
        self.prefix = name.replace(" ", "-")
        self.openssl = tools.find("DELVEGATE_OPENSSL", "openssl")
        os.makedirs(directory, exist_ok=True)
        self.key = self._path("ca.key")
        self.certificate = self._path("ca.crt")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                  "-out", self.certificate, "-days", "2", "-subj", f"/CN={name}",
                  "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _path(self, name):
        return os.path.join(self.directory, f"{self.prefix}-{name}")

    def _run(self, *arguments):
        result = subprocess.run([self.openssl, *arguments], capture_output=True, text=True)
        if result.returncode:
            raise AssertionError(f"openssl {' '.join(arguments)}\n{result.stderr}")

    def issue(self, name, subject, purpose, alternative_names=(), not_after=None):
        """purpose is serverAuth or clientAuth; not_after as YYYYMMDDHHMMSSZ."""
        key, request, certificate = (self._path(f"{name}.{ending}") for ending in ("key", "csr", "crt"))
        extensions = self._path(f"{name}.ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                       f"extendedKeyUsage={purpose}\n")
            if alternative_names:
                file.write("subjectAltName=" + ",".join(alternative_names) + "\n")
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                  "-out", request, "-subj", subject)
        # "ca" rather than "x509 -req": only it can date a certificate into the past.
        if not_after:
            self._issue_dated(request, certificate, extensions, not_after)
        else:
            self._run("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                      "-out", certificate, "-days", "1", "-extfile", extensions)
        return Certificate(certificate, key, self.certificate)

    def _issue_dated(self, request, certificate, extensions, not_after):
        database = self._path("index.txt")
        with open(database, "w", encoding="ascii"):
            pass
        configuration = self._path("ca.cnf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}\nnew_certs_dir={self.directory}\n"
                       f"rand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                       "[p]\ncommonName=supplied\norganizationName=optional\n")
        self._run("ca", "-batch", "-notext", "-config", configuration, "-in", request, "-out", certificate,
                  "-cert", self.certificate, "-keyfile", self.key, "-extfile", extensions,
                  "-startdate", "20200101000000Z", "-enddate", not_after)

    def serial(self, certificate):
        """As `openssl` and the gateway write it: upper-case hex."""
        text = subprocess.run([self.openssl, "x509", "-in", certificate, "-noout", "-serial"], capture_output=True, text=True,
                              check=True).stdout
        return text.strip().partition("=")[2]

    def revocation_list(self, path, *certificates):
        """Writes this CA's list of these certificates, beside and renamed."""
        database, configuration = self._path("revoked.txt"), self._path("crl.cnf")
        with open(database, "w", encoding="ascii") as file:
            for one in certificates:
                file.write(f"R\t400101000000Z\t200101000000Z\t{self.serial(one.certificate)}\tunknown\t/CN=x\n")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}\ndefault_md=sha256\n")
        self._run("ca", "-gencrl", "-config", configuration, "-cert", self.certificate, "-keyfile", self.key,
                  "-crldays", "1", "-out", path + ".new")
        os.rename(path + ".new", path)

    def person(self, name, groups=("developers",), **more):
        subject = f"/CN={name}" + "".join(f"/O={group}" for group in groups)
        return self.issue(name, subject, "clientAuth", **more)

    def gateway(self, components=()):
        names = ["DNS:localhost", "IP:127.0.0.1", "DNS:gateway.test"]
        names += [f"DNS:{component}.gateway.test" for component in components]
        return self.issue("gateway", "/CN=gateway.test", "serverAuth", names)
