"""The ways from an IDE to dlv that are not ours, each as its users run it in production.

A way is started for a dlv address and then has `addresses` for the IDE and `roots`, the processes whose
CPU and memory it costs, both ends. TLS ways: TLS 1.3, client certificate required and checked, the
gateway's name checked, ECDSA P-256, the program's own defaults in everything else (session resumption
between the pair included).
"""

import getpass
import os
import subprocess

from processes import Process, free_port


class Way:
    key = ""
    title = ""
    peer = True  # one of those delvegate is compared with

    def __init__(self, tools, folder, dlv):
        self.tools, self.folder, self.dlv = tools, folder, dlv
        self.processes = []
        self.addresses = []
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def run(self, name, *argv, env=None):
        self.processes.append(Process(name, list(argv), self.folder, env))
        return self.processes[-1]

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self):
        raise NotImplementedError

    @property
    def roots(self):
        return [p.child.pid for p in self.processes]

    def check(self):
        for p in self.processes:
            p.check()

    def stop(self):
        for p in self.processes:
            p.stop()


class Bare(Way):
    key, title, peer = "bare", "bare loopback", False

    def start(self):
        self.addresses = [self.dlv]


class Stunnel(Way):
    key, title = "stunnel", "stunnel + stunnel"

    def start(self):
        certs, tls, laptop = self.tools.certs, free_port(), free_port()
        common = "foreground = yes\npid =\ndebug = warning\nsslVersionMin = TLSv1.3\n"
        self.run("stunnel node", "stunnel", self.write("node.conf", f"""{common}
[dlv]
accept = 127.0.0.1:{tls}
connect = {self.dlv}
cert = {certs}/gateway.crt
key = {certs}/gateway.key
CAfile = {certs}/ca.crt
verifyChain = yes
"""))
        self.run("stunnel laptop", "stunnel", self.write("laptop.conf", f"""{common}
[dlv]
client = yes
accept = 127.0.0.1:{laptop}
connect = 127.0.0.1:{tls}
cert = {certs}/dev.crt
key = {certs}/dev.key
CAfile = {certs}/ca.crt
verifyChain = yes
checkHost = localhost
"""))
        self.addresses = [f"127.0.0.1:{laptop}"]


class Haproxy(Way):
    key, title = "haproxy", "haproxy + haproxy"

    def start(self):
        certs, tls, laptop = self.tools.certs, free_port(), free_port()
        common = "defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 12h\n  timeout server 12h\n"
        self.run("haproxy node", "haproxy", "-db", "-f", self.write("node.cfg", f"""{common}
listen dlv
  bind 127.0.0.1:{tls} ssl crt {certs}/gateway.pem ca-file {certs}/ca.crt verify required ssl-min-ver TLSv1.3
  server dlv {self.dlv}
"""))
        self.run("haproxy laptop", "haproxy", "-db", "-f", self.write("laptop.cfg", f"""{common}
listen ide
  bind 127.0.0.1:{laptop}
  server gateway 127.0.0.1:{tls} ssl crt {certs}/dev.pem ca-file {certs}/ca.crt verify required verifyhost localhost sni str(localhost) ssl-min-ver TLSv1.3
"""))
        self.addresses = [f"127.0.0.1:{laptop}"]


class Nginx(Way):
    key, title = "nginx", "nginx stream + nginx stream"

    def start(self):
        certs, tls, laptop = self.tools.certs, free_port(), free_port()
        self._run("node", f"""
    listen 127.0.0.1:{tls} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {certs}/gateway.crt;
    ssl_certificate_key {certs}/gateway.key;
    ssl_client_certificate {certs}/ca.crt;
    ssl_verify_client on;
    proxy_pass {self.dlv};
    proxy_timeout 12h;""")
        self._run("laptop", f"""
    listen 127.0.0.1:{laptop};
    proxy_pass 127.0.0.1:{tls};
    proxy_timeout 12h;
    proxy_ssl on;
    proxy_ssl_protocols TLSv1.3;
    proxy_ssl_certificate {certs}/dev.crt;
    proxy_ssl_certificate_key {certs}/dev.key;
    proxy_ssl_trusted_certificate {certs}/ca.crt;
    proxy_ssl_verify on;
    proxy_ssl_server_name on;
    proxy_ssl_name localhost;""")
        self.addresses = [f"127.0.0.1:{laptop}"]

    def _run(self, end, server):
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        path = self.write(end + ".conf", f"""load_module {self.tools.nginx_stream};
{user}
worker_processes auto;
daemon off;
pid {self.folder}/{end}.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
stream {{
  server {{{server}
  }}
}}
""")
        self.run("nginx " + end, "nginx", "-e", "stderr", "-p", self.folder, "-c", path)


class Ssh(Way):
    key, title = "ssh", "ssh -L"

    def start(self):
        sshd, laptop = free_port(), free_port()
        for name in ("host", "user"):
            key = os.path.join(self.folder, name)
            if not os.path.exists(key):
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        os.replace(self.folder + "/user.pub", self.folder + "/authorized_keys")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # root's sshd insists on it
        self.run("sshd", self.tools.sshd, "-D", "-e", "-f", self.write("sshd_config", f"""
Port {sshd}
ListenAddress 127.0.0.1
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
LogLevel ERROR
"""))
        self.run("ssh", "ssh", "-N", "-F", self.write("ssh_config", f"""
Host node
  HostName 127.0.0.1
  Port {sshd}
  User {getpass.getuser()}
  IdentityFile {self.folder}/user
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  GlobalKnownHostsFile /dev/null
  Ciphers {self.tools.ssh_cipher}
  ConnectionAttempts 50
  ExitOnForwardFailure yes
  LogLevel ERROR
  LocalForward 127.0.0.1:{laptop} {self.dlv}
"""), "node")
        self.addresses = [f"127.0.0.1:{laptop}"]


PEERS = [Stunnel, Haproxy, Nginx, Ssh]
