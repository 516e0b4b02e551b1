# SPDX-License-Identifier: BSD-2-Clause
"""Certificates made by openssl, and listeners for TLS and DTLS that share no code with weir:
openssl s_server, and Python's ssl."""

import os
import select
import socket
import ssl
import subprocess
import threading
import time

import netns
from netns import WAIT_S, wait_for

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Certificates:
    """Files NAME.pem and NAME.key in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def at(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr}")

    def authority(self, name):
        self.openssl("req", "-x509", *CURVE, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                     "-subj", f"/CN={name}", "-days", "30")

    def issue(self, name, authority, holders, days=30):
        """For the holders, as in "DNS:x,IP:y"; one of less than no days has expired."""
        with open(self.at(f"{name}.ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={holders}\n")
        self.openssl("req", *CURVE, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                     f"/CN={name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
                     f"{authority}.key", "-CAcreateserial", "-out", f"{name}.pem", "-extfile",
                     f"{name}.ext", "-days", str(days))


class Server:
    """openssl s_server; what it got is in a file, as far as it has read it."""

    def __init__(self, certificates, place, *options, certificate="collector"):
        self.path = certificates.at(f"received-{time.monotonic_ns()}")
        dtls = any(option.startswith("-dtls") for option in options)
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                ["openssl", "s_server", "-accept", place, "-quiet", "-cert", f"{certificate}.pem",
                 "-key", f"{certificate}.key", *options],
                stdin=subprocess.PIPE, stdout=out,
                stderr=subprocess.DEVNULL, cwd=certificates.folder,
                preexec_fn=netns.end_with_parent)  # fmt: skip
        port = int(place.rpartition(":")[2])
        try:
            wait_for(lambda: self.process.poll() is not None or is_bound(port, dtls),
                     f"s_server at {place}")
        except BaseException:
            self.kill()
            raise

    def octets(self):
        with open(self.path, "rb") as file:
            return file.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def is_bound(port, datagrams):
    """Whether anybody listens there, of this namespace."""
    for table in ("udp", "udp6") if datagrams else ("tcp", "tcp6"):
        with open(f"/proc/self/net/{table}", encoding="ascii") as file:
            for line in list(file)[1:]:
                words = line.split()
                listens = datagrams or words[3] == "0A"
                if listens and int(words[1].rpartition(":")[2], 16) == port:
                    return True
    return False


class Listener(threading.Thread):
    """Python's ssl. It ends its side without a close-notify, as many do."""

    def __init__(self, certificates, port, mutual=False):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.at("collector.pem"),
                                     certificates.at("collector.key"))
        if mutual:
            self.context.load_verify_locations(certificates.at("good.pem"))
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.sessions = []  # of octets
        self.versions = []
        self.holders = []  # of the certificates shown
        self.socket = socket.create_server(("127.0.0.1", port))
        self.start()

    def run(self):
        while True:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) as session:
                    self.serve(session)
            except OSError:
                plain.close()

    def serve(self, session):
        self.versions.append(session.version())
        self.holders.append(session.getpeercert())
        self.sessions.append(b"")
        while octets := session.recv(65536):
            self.sessions[-1] += octets

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join(WAIT_S)


class Relay(threading.Thread):
    """Passes datagrams to and fro; that nobody listens behind it, it tells nobody."""

    def __init__(self, port, behind):
        super().__init__(daemon=True)
        self.behind = ("127.0.0.1", behind)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", port))
        self.peers = {}  # a socket by the address of each exporter
        self.end = os.pipe()
        self.start()

    def run(self):
        while True:
            ready, _, _ = select.select([self.end[0], self.front, *self.peers.values()], [], [])
            if self.end[0] in ready:
                return
            for one in ready:
                try:
                    self.pass_on(one)
                except (ConnectionRefusedError, BlockingIOError):
                    pass  # an error makes it ready, and may be told elsewhere

    def pass_on(self, one):
        octets, source = one.recvfrom(65535, socket.MSG_DONTWAIT)
        if one is not self.front:
            self.front.sendto(octets, next(at for at, peer in self.peers.items() if peer is one))
            return
        if source not in self.peers:
            self.peers[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.peers[source].connect(self.behind)
        self.peers[source].send(octets)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self.end[1], b".")
        self.join(WAIT_S)
        for one in (self.front, *self.peers.values()):
            one.close()
        for end in self.end:
            os.close(end)
