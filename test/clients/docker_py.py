"""A day of docker-py, the client of Python programs. Run by docker-py.test.ts; says what it saw as one line of JSON."""

import io
import json
import sys
import tarfile
import time

import docker

client = docker.from_env(timeout=30)
seen = {}

seen["ping"] = client.ping()
seen["api"] = client.version()["ApiVersion"] != ""
seen["output"] = client.containers.run("busybox", ["echo", "hello"], network_mode="none", remove=True).decode()
try:
    client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], network_mode="none", remove=True)
except docker.errors.ContainerError as error:
    seen["failed"] = [error.exit_status, error.stderr.decode()]
try:
    client.images.get("nosuch")
except docker.errors.ImageNotFound as error:
    seen["missing"] = error.status_code

volume = client.volumes.create("py-volume", labels={"by": "python"})
container = client.containers.create(
    "busybox",
    ["sh", "-c", "echo begun; trap 'exit 5' TERM; while :; do sleep 0.1; done"],
    name="py",
    network_mode="none",
    labels={"by": "python"},
    environment={"A": "b"},
    volumes={"py-volume": {"bind": "/data", "mode": "rw"}},
    mem_limit="64m",
    healthcheck={"test": ["CMD", "true"], "interval": 500_000_000},
)
container.start()
seen["status"] = client.containers.get("py").status
code, output = container.exec_run(["sh", "-c", "echo $A; id -u; touch /data/here"], user="0")
seen["exec"] = [code, output.decode()]
code, (out, err) = container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
seen["demux"] = [out.decode(), err.decode()]
socket = container.exec_run(["cat"], stdin=True, socket=True).output
socket._sock.sendall(b"through a socket\n")
socket._sock.shutdown(1)
received = b""
while chunk := socket.read(4096):
    received += chunk
seen["socket"] = received[8:].decode()

archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    facts = tarfile.TarInfo("from-python")
    facts.size = 5
    tar.addfile(facts, io.BytesIO(b"bytes"))
seen["put"] = container.put_archive("/tmp", archive.getvalue())
stream, stat = container.get_archive("/tmp/from-python")
with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
    seen["got"] = [stat["size"], tar.extractfile("from-python").read().decode()]
seen["diff"] = {"Path": "/tmp/from-python", "Kind": 1} in container.diff()
seen["stats"] = container.stats(stream=False)["memory_stats"]["limit"]
seen["top"] = len(container.top()["Processes"]) >= 1
container.pause()
container.reload()
seen["paused"] = container.status
container.unpause()
image = container.commit("py-image", changes=["CMD echo committed"])
seen["committed"] = client.containers.run("py-image", network_mode="none", remove=True).decode()
container.rename("py-renamed")
container.stop(timeout=5)
seen["code"] = container.wait()["StatusCode"]
seen["logs"] = container.logs().decode()
seen["timestamps"] = container.logs(timestamps=True).decode()[:2] == "20"
seen["listed"] = [each.name for each in client.containers.list(all=True, filters={"label": "by=python"})]
container.remove(v=True)

built, lines = client.images.build(
    fileobj=io.BytesIO(b"FROM busybox\nARG WHO\nRUN echo built for $WHO > /who\nCMD cat /who\n"),
    tag="py-built",
    buildargs={"WHO": "python"},
    rm=True,
)
seen["steps"] = sum("Step" in line.get("stream", "") for line in lines)
seen["built"] = client.containers.run("py-built", network_mode="none", remove=True).decode()
seen["tagged"] = built.tag("py-other", "v1") and client.images.get("py-other:v1").id == built.id
saved = b"".join(built.save())
client.images.remove("py-built", force=True)
client.images.remove("py-other:v1", force=True)
seen["loaded"] = len(client.images.load(saved)) == 1
seen["kinds"] = sorted({event["Type"] for event in client.events(since=0, until=int(time.time()), decode=True)})
seen["df"] = client.df()["VolumeUsage"]["TotalCount"]
volume.remove()
# The image of the commit has the volume of the container, so that its own container had one, too.
seen["volumes"] = len(client.volumes.list())
seen["reclaimed"] = len(client.volumes.prune()["VolumesDeleted"])
seen["pruned"] = client.images.prune(filters={"dangling": False})["SpaceReclaimed"] > 0

print(json.dumps(seen))
sys.exit(0)
