"""A Hugging Face Hub in one file of standard library, for tests: loopback only, atomic commits, faults on demand.

It speaks what `huggingface_hub` calls to push and to load (no Xet). The client library reads `HF_ENDPOINT` when it is
imported, so tests run it in another process.

    with Hub() as hub, hub.client(home) as client:
        hub.faults[3] = Fault(status=503)                    # the third request
        client.run("HfApi().create_repo('org/name')")        # in that process; its answer is what the code prints
        assert ".gitattributes" in hub.files("org/name")
"""

import base64
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from helpers.card_rules import problems
from helpers.fork_server import ForkServer, Process

TOKEN = "hf_" + "T" * 34
OWNER = "ioana-secret"
USER, ORGANIZATIONS = "someone", ["org"]
KINDS = ("model", "dataset", "space")
LARGE = (".safetensors", ".png", ".bin", ".model")
CLIENT = """
import logging, os, time
slept, warned = [], []
time.sleep = slept.append
keeper = logging.Handler(logging.WARNING)
keeper.emit = lambda record: warned.append(record.getMessage())
logging.getLogger().addHandler(keeper)
from huggingface_hub import *
"""


@dataclass
class Fault:
    """What goes wrong with one request: `drop` before it is done, `lose` the answer, a status, or a delay.

    The request waits `until` something is so (asked again and again; after a minute it is done all the same).
    """

    drop: bool = False
    lose: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    until: Callable[[], bool] | None = None

    def hold(self) -> None:
        for _ in range(6000):
            if self.until is None or self.until():
                return
            time.sleep(0.01)


@dataclass
class Repository:
    """Every commit is a whole tree (path -> content), so a branch is moved or it is not."""

    private: bool
    sdk: str | None = None
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, tree: dict[str, bytes], message: str) -> str:
        name = hashlib.sha1(f"{len(self.commits)} {message}".encode()).hexdigest()
        self.commits[name] = tree
        self.messages.append(message)
        self.branches[branch] = name
        return name


class Answer(Exception):
    """An answer that ends the handling of a request early."""

    def __init__(self, status: int, code: str, body: dict | None = None):
        self.status, self.code, self.body = status, code, body


class Hub:
    """A running server; `log` holds `METHOD path` of every request, `faults` is keyed by request number from 1."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.large_files: dict[str, bytes] = {}
        self.log: list[str] = []
        self.faults: dict[int, Fault] = {}
        self.down_from: int | None = None  # every request from this number on is dropped
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        if "fork_server" in vars(self):
            self.fork_server.close()
        self.server.shutdown()
        self.server.server_close()

    def environment(self, home: Path, token: str | None = TOKEN) -> dict[str, str]:
        """The environment of a client process: this Hub, an empty home of its own, Xet off."""
        names = ("HF_", "HUGGING", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
        # Not the cache of modules that evaluate put there, if it ran in this process: the client has its own.
        path = [entry for entry in sys.path if entry and not Path(entry, "evaluate_modules").is_dir()]
        return {
            **kept,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "huggingface"),
            "HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # by evaluate, on a server that is not this one
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": os.pathsep.join(path),
            **({"HF_TOKEN": token} if token else {}),
        }

    @contextmanager
    def client(self, home: Path, token: str | None = TOKEN) -> Iterator[Process]:
        """Another process with this Hub for its Hub, that does not really sleep.

        It keeps the seconds in `slept` and the warnings in `warned`.
        """
        with self.fork_server.fork(self.environment(home, token)) as process:
            process.run(CLIENT)
            yield process

    @cached_property
    def fork_server(self) -> ForkServer:
        """Where its clients come from; the first one pays for the imports."""
        return ForkServer(self.environment(Path(os.sep, "home", "nobody"), None))

    def forget_requests(self) -> None:
        """Start counting requests at 1 again, without faults."""
        self.log, self.faults, self.down_from = [], {}, None

    def clear(self) -> None:
        """Be as new."""
        self.forget_requests()
        self.repositories.clear()
        self.large_files.clear()

    def files(self, name: str, kind: str = "model", revision: str = "main") -> dict[str, bytes]:
        """The tree at the head of a branch, or nothing where there is no repository or branch."""
        repository = self.repositories.get((kind, name))
        return dict(repository.commits[repository.branches[revision]]) if repository else {}

    def next_fault(self, request: str) -> Fault:
        with self.lock:
            self.log.append(request)
            number = len(self.log)
        down = self.down_from is not None and number >= self.down_from
        return Fault(drop=True) if down else self.faults.get(number, Fault())


class Handler(BaseHTTPRequestHandler):
    """One request: count it, let the fault act, find the route, answer."""

    hub: Hub
    protocol_version = "HTTP/1.1"
    routes = [
        (r"POST /api/repos/create", "create"),
        (r"GET /api/whoami-v2", "whoami"),
        (r"POST /api/validate-yaml", "validate"),
        (r"POST /api/(model|dataset|space)s/(.+)/branch/([^/]+)", "create_branch"),
        (r"POST /api/(model|dataset|space)s/(.+)/preupload/([^/]+)", "preupload"),
        (r"POST /api/(model|dataset|space)s/(.+)/commit/([^/]+)", "commit"),
        (r"POST /(?:(dataset|space)s/)?(.+)\.git/info/lfs/objects/batch", "large_file_batch"),
        (r"PUT /large/([0-9a-f]{64})", "put_large_file"),
        (r"GET /api/(model|dataset|space)s/(.+)/tree/([^/]+)(?:/.*)?", "tree"),
        (r"GET /api/(model|dataset|space)s/(.+)/revision/([^/]+)", "info"),
        (r"GET /api/(model|dataset|space)s/([^/]+/[^/]+)", "info"),
        (r"(?:GET|HEAD) /(?:(dataset|space)s/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
    ]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        target = urlsplit(self.path)
        if target.path == "/api/agent-harnesses":  # the client's own housekeeping, once a day: not counted
            return self.answer(200, b'{"standardEnvVars": [], "harnesses": {}}', {})
        fault = self.hub.next_fault(f"{self.command} {target.path}")
        fault.hold()
        if fault.drop:
            self.rfile.read(length // 2)
            return self.hang_up()
        self.body, self.query = self.rfile.read(length), parse_qs(target.query)
        if fault.status:
            return self.answer(fault.status, b"<html>trouble</html>", fault.headers | {"Content-Type": "text/html"})
        try:
            status, content, headers = 200, *self.handle_route(f"{self.command} {target.path}")
        except Answer as early:
            status, headers = early.status, {"X-Error-Code": early.code, "X-Error-Message": early.code}
            content = early.body or {"error": early.code}
        if fault.lose:
            return self.hang_up()
        if not isinstance(content, bytes):
            headers, content = headers | {"Content-Type": "application/json"}, json.dumps(content).encode()
        self.answer(status, content, headers)

    do_POST = do_PUT = do_HEAD = do_GET

    def handle_route(self, request: str) -> tuple:
        for pattern, name in self.routes:
            if found := re.fullmatch(pattern, request):
                with self.hub.lock:
                    result = getattr(self, name)(*(unquote(group) if group else group for group in found.groups()))
                return result if isinstance(result, tuple) else (result, {})
        raise Answer(404, "EntryNotFound")

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments: object) -> None:
        """Keep the test output clean; `Hub.log` has the requests."""

    # --- who may do what ---

    def signed_in(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def may_write(self, name: str) -> None:
        if not self.signed_in():
            raise Answer(401, "Unauthorized")
        if name.split("/")[0] not in [USER, *ORGANIZATIONS]:
            raise Answer(403, "Forbidden")

    def repository(self, kind: str | None, name: str) -> Repository:
        repository = self.hub.repositories.get((kind or "model", name))
        owned = name.split("/")[0] in [USER, *ORGANIZATIONS] and self.signed_in()
        if repository is None or (repository.private and not owned):
            raise Answer(404 if self.signed_in() else 401, "RepoNotFound")
        return repository

    def revision(self, repository: Repository, revision: str) -> str:
        name = repository.branches.get(revision, revision)
        if name not in repository.commits:
            raise Answer(404, "RevisionNotFound")
        return name

    # --- the endpoints ---

    def whoami(self) -> dict:
        if not self.signed_in():
            raise Answer(401, "Unauthorized")
        return {"type": "user", "name": USER, "orgs": [{"name": name} for name in ORGANIZATIONS]}

    def validate(self) -> dict:
        asked = json.loads(self.body)
        found = problems(asked["content"], asked["repoType"])
        errors, warnings = ([{"message": message} for message in messages] for messages in found)
        if errors:
            raise Answer(400, "BadRequest", {"errors": errors, "warnings": warnings})
        return {"errors": [], "warnings": warnings}

    def create(self) -> dict:
        wanted = json.loads(self.body)
        kind, name = wanted.get("type") or "model", f"{wanted['organization'] or USER}/{wanted['name']}"
        self.may_write(name)
        answer = {"url": f"{self.hub.url}/{'' if kind == 'model' else kind + 's/'}{name}", "name": name}
        if (kind, name) in self.hub.repositories:
            raise Answer(409, "Conflict", answer)
        repository = Repository(wanted.get("visibility") == "private", wanted.get("sdk"))
        repository.commit("main", {".gitattributes": b"*.safetensors filter=lfs\n"}, "initial commit")
        self.hub.repositories[kind, name] = repository
        return answer

    def create_branch(self, kind: str, name: str, branch: str) -> dict:
        repository = self.repository(kind, name)
        self.may_write(name)
        if branch in repository.branches:
            raise Answer(409, "Conflict")
        start = json.loads(self.body or b"{}").get("startingPoint", "main")
        repository.branches[branch] = self.revision(repository, start)
        return {}

    def preupload(self, kind: str, name: str, revision: str) -> dict:
        repository = self.repository(kind, name)
        self.may_write(name)
        tree = repository.commits[self.revision(repository, revision)]
        files = []
        for path in (file["path"] for file in json.loads(self.body)["files"]):
            identity = content_hash(path, tree[path]) if path in tree else None
            mode = "lfs" if path.endswith(LARGE) else "regular"
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": identity})
        return {"files": files}

    def large_file_batch(self, kind: str | None, name: str) -> dict:
        self.repository(kind, name)
        self.may_write(name)
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            upload = {"upload": {"href": f"{self.hub.url}/large/{wanted['oid']}", "header": {}}}
            objects.append(wanted | ({} if wanted["oid"] in self.hub.large_files else {"actions": upload}))
        return {"transfer": "basic", "objects": objects}

    def put_large_file(self, identity: str) -> dict:
        if hashlib.sha256(self.body).hexdigest() != identity:
            raise Answer(400, "BadDigest")
        self.hub.large_files[identity] = self.body
        return {}

    def commit(self, kind: str, name: str, revision: str) -> dict:
        repository = self.repository(kind, name)
        self.may_write(name)
        head = self.revision(repository, revision)
        tree, header = dict(repository.commits[head]), {}
        for line in self.body.splitlines():
            key, value = (entry := json.loads(line))["key"], entry["value"]
            if key == "header":
                header = value
            elif key == "file":
                tree[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if value["oid"] not in self.hub.large_files:
                    raise Answer(400, "MissingLargeFile")
                tree[value["path"]] = self.hub.large_files[value["oid"]]
            elif key == "deletedFile":
                del tree[value["path"]]
        if header.get("parentCommit", head) != head:
            raise Answer(412, "PreconditionFailed")
        identity = repository.commit(revision, tree, header["summary"])
        return {"commitUrl": f"{self.hub.url}/{name}/commit/{identity}", "commitOid": identity, "success": True}

    def info(self, kind: str, name: str, revision: str = "main") -> dict:
        repository = self.repository(kind, name)
        commit = self.revision(repository, revision)
        siblings = [{"rfilename": path} for path in sorted(repository.commits[commit])]
        return {"id": name, "modelId": name, "sha": commit, "private": repository.private, "siblings": siblings}

    def tree(self, kind: str, name: str, revision: str) -> list:
        repository = self.repository(kind, name)
        entries = []
        for path, content in sorted(repository.commits[self.revision(repository, revision)].items()):
            identity = content_hash(path, content)
            large = (
                {"lfs": {"oid": identity, "size": len(content), "pointerSize": 130}} if path.endswith(LARGE) else {}
            )
            entries.append({"type": "file", "path": path, "size": len(content), "oid": identity, **large})
        return entries

    def resolve(self, kind: str | None, name: str, revision: str, path: str) -> tuple[bytes, dict[str, str]]:
        repository = self.repository(kind, name)
        commit = self.revision(repository, revision)
        if path not in repository.commits[commit]:
            raise Answer(404, "EntryNotFound")
        content = repository.commits[commit][path]
        return content, {"ETag": f'"{content_hash(path, content)}"', "X-Repo-Commit": commit, "Accept-Ranges": "none"}


def content_hash(path: str, content: bytes) -> str:
    """SHA-256 of a large file, the git blob hash of any other: what the client compares with its own."""
    if path.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
