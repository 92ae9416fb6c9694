"""Programs everybody has, as the laptop's side of the gateway."""

import os
import re
import ssl
import socket

from . import process, tools


def listening_port(pid):
    """The TCP port on which a process listens, or None."""
    inodes = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                continue
            if found:
                inodes.add(found[1])
    except FileNotFoundError:
        return None
    with open("/proc/net/tcp", encoding="ascii") as table:
        for row in list(table)[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in inodes:
                return int(fields[1].rpartition(":")[2], 16)
    return None


class Socat:
    def __init__(self, test, serve, person, component=None):
        address = (f"OPENSSL:127.0.0.1:{serve.port},cert={person.certificate},key={person.key},cafile={person.ca},verify=1")
        if component:
            name = f"{component}.gateway.test"
            address += f",snihost={name},commonname={name}"
        else:
            address += ",no-sni=1,commonname=localhost"
        self.process = process.Process(test, "socat", [
            tools.find("DELVEGATE_SOCAT", "socat"), "TCP-LISTEN:0,bind=127.0.0.1,fork,nodelay", address + ",nodelay"])
        port = self.process.wait_for("it listens", lambda: listening_port(self.process.pid))
        self.address = f"127.0.0.1:{port}"


class Stunnel:
    def __init__(self, test, serve, person, component=None):
        configuration = os.path.join(test.directory, "stunnel.conf")
        name = f"{component}.gateway.test" if component else "gateway.test"
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f"foreground = yes\npid =\n[delve]\nclient = yes\naccept = 127.0.0.1:0\n"
                       f"connect = 127.0.0.1:{serve.port}\ncert = {person.certificate}\nkey = {person.key}\n"
                       f"CAfile = {person.ca}\nverifyChain = yes\ncheckHost = {name}\nsni = {name}\n"
                       "sslVersionMin = TLSv1.3\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n")
        self.process = process.Process(test, "stunnel", [tools.find("DELVEGATE_STUNNEL", "stunnel", "stunnel4"), configuration])
        port = self.process.wait_for("it listens", lambda: listening_port(self.process.pid))
        self.address = f"127.0.0.1:{port}"


def tls(serve, person, server_name=None, alpn=None):
    """A TLS connection made here, to say things no tool would."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(serve.authority.certificate)
    if person:
        context.load_cert_chain(person.certificate, person.key)
    if alpn:
        context.set_alpn_protocols(alpn)
    raw = socket.create_connection(("127.0.0.1", serve.port))
    try:
        return context.wrap_socket(raw, server_hostname=server_name or "gateway.test")
    except BaseException:
        raw.close()
        raise
