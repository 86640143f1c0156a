/**
 * The whole of the Engine API against its description: every operation is called, every answer is held against its
 * schema read strictly, and what is not there yet says so. See engine-api/README.md.
 */
import assert from 'node:assert/strict';
import { createReadStream, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { archive, file } from '../support/archives.ts';
import { Daemon, useDaemon } from '../support/daemon.ts';
import { demultiplex } from '../support/http.ts';
import { missing } from '../support/needs.ts';
import { PrivateNetwork } from '../support/network.ts';
import { Registry } from '../support/registry.ts';
import { busyboxTar } from '../support/rootfs.ts';
import {
  coreOperations,
  type Operation,
  operationOf,
  pluginOperations,
  swarmOperations,
} from './engine-api/description.ts';
import { Contract } from './engine-api/exchange.ts';
import { operationsNotYet } from './engine-api/later.ts';

const NOT_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** A container of busybox that waits to be ended. */
const waiting = { Image: 'busybox', Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } };

describe('the Engine API', { skip: missing('root', 'busybox') }, () => {
  const daemon = useDaemon();
  const api = new Contract(daemon.socket);
  const registry = new Registry();
  const credentials = { username: 'ann', password: 'secret' };
  const auth = (): Record<string, string> => ({
    'X-Registry-Auth': Buffer.from(JSON.stringify({ ...credentials, serveraddress: registry.address })).toString(
      'base64url',
    ),
  });

  before(async () => {
    writeFileSync(`${registry.folder}/users`, `ann:${hashSync('secret', 4)}\n`);
    await registry.start(`--htpasswd=${registry.folder}/users`);
  });
  after(() => registry[Symbol.asyncDispose]());

  const create = async (body: object, name = ''): Promise<string> => {
    const query = name === '' ? '' : `name=${name}`;
    const { value } = await api.call<{ Id: string }>('ContainerCreate', { query, body, status: 201 });
    daemon.containers.made.push(value.Id);
    return value.Id;
  };
  const begin = async (body: object = waiting, name = ''): Promise<{ id: string }> => {
    const id = await create(body, name);
    await api.call('ContainerStart', { params: { id }, status: 204 });
    return { id };
  };
  const remove = (params: { id: string }) => api.call('ContainerDelete', { params, query: 'force=1&v=1', status: 204 });

  test('system: ping, version, info, disk usage', async () => {
    for (const version of ['', '/v1.24', '/v1.55']) {
      assert.equal((await api.call('SystemPing', { version })).text, 'OK');
      await api.call('SystemPingHead', { version });
    }
    await api.call('SystemVersion');
    const { value } = await api.call<{ ID: string }>('SystemInfo');
    assert.match(value.ID, /^[0-9a-f-]{36}$/);
    const params = await begin();
    await api.call('SystemDataUsage');
    const verbose = await api.call<Record<string, { Items: object[] }>>('SystemDataUsage', { query: 'verbose=1' });
    assert.deepEqual(api.problems('ContainerList', verbose.value['ContainerUsage']!.Items), []);
    assert.deepEqual(api.problems('ImageList', verbose.value['ImageUsage']!.Items), []);
    const one = await api.call<object>('SystemDataUsage', { query: 'type=image&type=volume' });
    assert.deepEqual(Object.keys(one.value), ['ImageUsage', 'VolumeUsage']);
    await api.call('SystemDataUsage', { query: 'type=everything', status: 400 });
    await remove(params);
  });

  test('containers: what there is to see, of one with all settings and of one with none', async () => {
    const full = {
      Image: 'busybox',
      Cmd: ['sh', '-c', 'echo out; echo err >&2; touch /made; exec sleep 600'],
      Hostname: 'full',
      Domainname: 'test.example',
      User: '0:0',
      Env: ['A=1'],
      Labels: { 'com.example': 'yes' },
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      WorkingDir: '/tmp',
      StopSignal: 'SIGKILL',
      StopTimeout: 3,
      OnBuild: ['RUN true'],
      Shell: ['/bin/sh', '-ec'],
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000, Retries: 2 },
      HostConfig: {
        NetworkMode: 'none',
        Binds: ['/tmp:/host:ro'],
        Mounts: [{ Type: 'tmpfs', Target: '/scratch', TmpfsOptions: { SizeBytes: 1 << 20, Mode: 0o700 } }],
        Tmpfs: { '/run': 'size=1m' },
        CapAdd: ['NET_ADMIN'],
        CapDrop: ['MKNOD'],
        GroupAdd: ['50'],
        Memory: 64 << 20,
        NanoCpus: 500_000_000,
        PidsLimit: 50,
        Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
        Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nil', CgroupPermissions: 'rwm' }],
        Sysctls: { 'kernel.shmmax': '1000000' },
        ExtraHosts: ['one:10.0.0.1'],
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
        Init: true,
      },
    };
    const plain = await begin();
    const params = await begin(full, 'full');
    for (const each of [plain, params]) {
      await api.call('ContainerInspect', { params: each });
      await api.call('ContainerInspect', { params: each, query: 'size=1' });
      await api.call('ContainerTop', { params: each });
      await api.call('ContainerTop', { params: each, query: 'ps_args=-o%20pid,comm' });
      await api.call('ContainerStats', { params: each, query: 'stream=false&one-shot=true' });
    }
    const { value } = await api.call<{ Config: Record<string, unknown> }>('ContainerInspect', { params });
    const { ExposedPorts, OnBuild, Shell } = full;
    assert.deepEqual(
      [value.Config['ExposedPorts'], value.Config['OnBuild'], value.Config['Shell']],
      [ExposedPorts, OnBuild, Shell],
    );
    await api.call('ContainerList', { query: 'all=1&size=1' });
    await api.call('ContainerStats', { params, query: 'stream=false' });
    await api.follow('ContainerStats', { params }, (text) => {
      const lines = text.split('\n').slice(0, -1);
      for (const line of lines) assert.deepEqual(api.problems('ContainerStats', JSON.parse(line)), []);
      return lines.length > 1;
    });
    const changes = await api.call<{ Path: string }[]>('ContainerChanges', { params });
    assert.ok(changes.value.some(({ Path }) => Path === '/made'));
    assert.equal((await api.call('ContainerExport', { params })).headers['content-type'], 'application/octet-stream');
    const logs = await api.call('ContainerLogs', { params, query: 'stdout=1&stderr=1&timestamps=1&tail=5' });
    assert.equal(logs.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
    assert.match(demultiplex(logs.bytes).stdout.toString(), /^\d{4}-.* out\n$/);
    await api.call('ContainerLogs', { params, status: 400 });
    await remove(plain);
    await remove(params);
  });

  test('containers: from life to death', async () => {
    const params = await begin(waiting, 'life');
    await api.call('ContainerStart', { params, status: 304 });
    await api.call('ContainerPause', { params, status: 204 });
    await api.call('ContainerUnpause', { params, status: 204 });
    await api.call('ContainerUnpause', { params, status: 409 });
    await api.call('ContainerRename', { params, query: 'name=other', status: 204 });
    await api.call('ContainerRename', { params, status: 400 });
    await api.call('ContainerUpdate', { params, body: { Memory: 64 << 20, PidsLimit: 0 }, status: 200 });
    await api.call('ContainerUpdate', { params, body: { IOMaximumIOps: 1 }, status: 400 });
    await api.call('ContainerKill', { params, query: 'signal=NOSUCH', status: 400 });
    await api.call('ContainerRestart', { params, query: 't=0', status: 204 });
    const waited = api.call<{ StatusCode: number }>('ContainerWait', { params, query: 'condition=next-exit' });
    await api.call('ContainerKill', { params, query: 'signal=KILL', status: 204 });
    assert.equal((await waited).value.StatusCode, 137);
    await api.call('ContainerKill', { params, status: 409 });
    await api.call('ContainerStop', { params, status: 304 });
    await api.call('ContainerWait', { params, query: 'condition=never', status: 400 });
    await api.call('ContainerStart', { params, status: 204 });
    await api.call('ContainerDelete', { params, status: 409 });
    await api.call('ContainerStop', { params, query: 't=0', status: 204 });
    await api.call('ContainerPrune', { query: `filters=${encodeURIComponent('{"label":["x"]}')}` });
    const { value } = await api.call<{ ContainersDeleted: string[] }>('ContainerPrune');
    assert.deepEqual(value.ContainersDeleted, [params.id]);
    await api.call('ContainerInspect', { params, status: 404 });
    await api.call('ContainerStart', { params, status: 404 });
    await api.call('ContainerDelete', { params, status: 404 });
    await api.call('ContainerCreate', { body: { ...waiting, Image: 'nowhere' }, status: 404 });
    await api.call('ContainerCreate', { body: waiting, query: 'platform=linux/s390x', status: 404 });
    await api.call('ContainerCreate', { body: { Image: 'busybox', Cmd: 5 }, status: 400 });
  });

  test('containers: files in and out', async () => {
    const params = await begin();
    const query = 'path=/etc/passwd';
    const facts = (await api.call('ContainerArchiveInfo', { params, query })).headers['x-docker-container-path-stat'];
    const { name, size } = JSON.parse(Buffer.from(String(facts), 'base64').toString()) as Record<string, unknown>;
    assert.equal(name, 'passwd');
    assert.ok(Number(size) > 0);
    assert.equal((await api.call('ContainerArchive', { params, query })).headers['content-type'], 'application/x-tar');
    const stream = Readable.from([archive(file('new', 'text'))]);
    await api.call('PutContainerArchive', { params, query: 'path=/tmp', stream, status: 200 });
    await api.call('ContainerArchive', { params, query: 'path=/nowhere', status: 404 });
    await api.call('ContainerArchive', { params, status: 400 });
    await remove(params);
  });

  test('attach and exec', async () => {
    const params = await begin({ ...waiting, Cmd: ['cat'], OpenStdin: true, Tty: true });
    await api.call('ContainerResize', { params, query: 'h=20&w=60', status: 200 });
    const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
    const attached = await api.open(operationOf('ContainerAttach'), {
      params,
      query: 'stream=1&stdout=1',
      headers: upgrade,
    });
    assert.equal(attached.statusCode, 101);
    assert.equal(attached.headers['content-type'], 'application/vnd.docker.raw-stream');
    api.succeeded.add('ContainerAttach');
    const webSocket = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const joined = await api.open(operationOf('ContainerAttachWebsocket'), {
      params,
      query: 'stream=1&stdout=1',
      headers: { ...webSocket, 'Sec-WebSocket-Version': '13' },
    });
    assert.equal(joined.statusCode, 101);
    // spec: RFC 6455, section 1.3.
    assert.equal(joined.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    api.succeeded.add('ContainerAttachWebsocket');
    await api.call('ContainerAttachWebsocket', { params, status: 400 });
    await api.call('ContainerExec', { params, body: {}, status: 400 });
    const body = { Cmd: ['sh', '-c', 'echo hi; exit 3'], AttachStdout: true, AttachStderr: true, User: '1000' };
    const exec = { id: (await api.call<{ Id: string }>('ContainerExec', { params, body, status: 201 })).value.Id };
    await api.call('ExecInspect', { params: exec });
    const output = await api.call('ExecStart', { params: exec, body: { Detach: false }, status: 200 });
    assert.equal(output.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
    assert.equal(demultiplex(output.bytes).stdout.toString(), 'hi\n');
    assert.equal(await daemon.containers.execExit(exec.id), 3);
    const ended = await api.call<{ ExitCode: number }>('ExecInspect', { params: exec });
    assert.equal(ended.value.ExitCode, 3);
    const shell = { Cmd: ['cat'], AttachStdin: true, AttachStdout: true, Tty: true };
    const long = { id: (await api.call<{ Id: string }>('ContainerExec', { params, body: shell })).value.Id };
    const held = await api.open(operationOf('ExecStart'), { params: long, body: { Tty: true }, headers: upgrade });
    assert.equal(held.headers['content-type'], 'application/vnd.docker.raw-stream');
    await api.call('ExecResize', { params: long, query: 'h=20&w=60', status: 200 });
    await api.call('ExecInspect', { params: { id: 'nowhere' }, status: 404 });
    api.hangUp();
    await remove(params);
  });

  test('images: made, seen, named, removed', async () => {
    const imported = await api.call('ImageCreate', {
      query: `fromSrc=-&repo=made&tag=1&message=m&changes=${encodeURIComponent('CMD ["sh"]')}`,
      stream: createReadStream(busyboxTar()),
      status: 200,
    });
    assert.match(imported.text, /sha256:/);
    const params = { name: 'made:1' };
    await api.call('ImageInspect', { params });
    await api.call('ImageInspect', { params, query: 'manifests=1' });
    await api.call('ImageHistory', { params });
    for (const query of ['', 'all=1&digests=1&shared-size=1', 'manifests=1']) await api.call('ImageList', { query });
    await api.call('ImageTag', { params, query: 'repo=made&tag=2', status: 201 });
    const saved = await api.call('ImageGet', { params });
    assert.equal(saved.headers['content-type'], 'application/x-tar');
    await api.call('ImageGetAll', { query: 'names=made:1&names=made:2' });
    const loaded = await api.call('ImageLoad', { stream: Readable.from([saved.bytes]), query: 'quiet=1' });
    assert.match(loaded.text, /Loaded image/);
    const container = await begin({ ...waiting, Image: 'made:1' });
    const commit = { query: `container=${container.id}&repo=made&tag=3&comment=c&author=a&changes=USER%20nobody` };
    await api.call('ImageCommit', { ...commit, body: { Labels: { a: 'b' } }, status: 201 });
    await remove(container);
    await api.call('ImageHistory', { params: { name: 'made:3' } });
    await api.call('ImageDelete', { params: { name: 'made:3' }, status: 200 });
    await api.call('ImageDelete', { params: { name: 'nowhere' }, status: 404 });
    await api.call('ImageInspect', { params: { name: 'nowhere' }, status: 404 });
    await api.call('ImagePrune', { query: `filters=${encodeURIComponent('{"dangling":["true"]}')}` });
    await api.call('ImageAttestations', { params: { name: 'nowhere' }, status: 404 });
    await api.call('ImageAttestations', { params });
  });

  test('a build, and what is kept of it', async () => {
    const tar = archive(file('Dockerfile', 'FROM busybox\nRUN true\n'));
    const built = await api.call('ImageBuild', { stream: Readable.from([tar]), query: 't=built:1', status: 200 });
    assert.match(built.text, /Successfully tagged built:1/);
    await api.call('SystemDataUsage', { query: 'type=build-cache&verbose=1', status: 200 });
    await api.call('BuildPrune', { query: 'all=1', status: 200 });
    await api.call('ImageDelete', { params: { name: 'built:1' }, status: 200 });
  });

  test('registries: log in, push, pull, inspect, search', async () => {
    const name = `${registry.address}/team/app`;
    await api.call('SystemAuth', { body: { ...credentials, serveraddress: registry.address }, status: 200 });
    const wrong = { ...credentials, password: 'wrong', serveraddress: registry.address };
    await api.call('SystemAuth', { body: wrong, status: 401 });
    await api.call('ImageTag', { params: { name: 'busybox' }, query: `repo=${name}&tag=1`, status: 201 });
    const pushed = await api.call('ImagePush', { params: { name }, query: 'tag=1', headers: auth(), status: 200 });
    assert.match(pushed.text, /digest: sha256:/);
    await api.call('DistributionInspect', { params: { name: `${name}:1` }, headers: auth() });
    await api.call('DistributionInspect', { params: { name: `${name}:1` }, status: 401 });
    const pulled = await api.call('ImageCreate', { query: `fromImage=${name}&tag=1`, headers: auth(), status: 200 });
    assert.match(pulled.text, /Status: Image is up to date/);
    const results = [{ name: 'x', description: 'd', star_count: 3, is_official: false, is_automated: false }];
    const index = createServer((_request, response) => response.end(JSON.stringify({ results })));
    await new Promise<void>((resolve) => void index.listen(0, '127.0.0.1', resolve));
    try {
      const term = `127.0.0.1:${(index.address() as AddressInfo).port}/x`;
      assert.deepEqual((await api.call('ImageSearch', { query: `term=${term}&limit=5` })).value, results);
      const official = `filters=${encodeURIComponent('{"is-official":["true"]}')}`;
      assert.deepEqual((await api.call('ImageSearch', { query: `term=${term}&${official}` })).value, []);
    } finally {
      index.close();
    }
  });

  test('events, as lines and as a sequence', async () => {
    const params = await begin();
    await remove(params);
    const until = Math.ceil(Date.now() / 1000);
    const query = `since=0&until=${until}`;
    for (const [accept, type] of [
      ['', 'application/json'],
      ['application/x-ndjson', 'application/x-ndjson'],
      ['application/jsonl, application/json', 'application/jsonl'],
      ['application/json-seq', 'application/json-seq'],
    ] as const) {
      const { text, headers } = await api.call('SystemEvents', { query, headers: accept ? { Accept: accept } : {} });
      assert.equal(headers['content-type'], type);
      const lines = text.split('\n').slice(0, -1);
      assert.ok(lines.length > 5);
      for (const line of lines) {
        assert.equal(line.startsWith('\x1e'), type === 'application/json-seq');
        assert.deepEqual(api.problems('SystemEvents', JSON.parse(line.replace('\x1e', ''))), [], line);
      }
    }
    await api.call('SystemEvents', { query: 'since=20&until=10', status: 400 });
  });

  test('versions out of range are refused', async () => {
    const check = async (version: string, status: number, message: RegExp): Promise<void> => {
      const { text } = await api.call('SystemInfo', { version, status });
      assert.match(text, message);
    };
    await check('/v1.23', 400, /client version 1\.23 is too old\. Minimum supported API version is 1\.24/);
    await check('/v1.99', 400, /client version 1\.99 is too new\. Maximum supported API version is 1\.55/);
    await check('/v1', 400, /client version 1 is too old/);
    await check('/vx', 404, /page not found/);
  });

  const someone = { id: 'x', name: 'x' };
  const probe = (operation: Operation, status: number) =>
    api.call<{ message: string }>(operation.id, { params: someone, query: 'version=1', body: {}, status });

  for (const operation of swarmOperations) {
    test(`${operation.id} is answered as by an engine that is in no swarm`, async () => {
      const isWayIn = operation.id === 'SwarmInit' || operation.id === 'SwarmJoin';
      const { value } = await probe(operation, isWayIn ? 501 : 503);
      if (operation.id === 'SwarmLeave') assert.equal(value.message, 'This node is not part of a swarm');
      else if (!isWayIn) assert.equal(value.message, NOT_MANAGER);
    });
  }

  for (const operation of pluginOperations) {
    test(`${operation.id} is answered as by an engine without plugins`, async () => {
      if (operation.id === 'PluginList') await api.call(operation.id, { status: 200 });
      else await probe(operation, operation.path.includes('{name}') ? 404 : 501);
    });
  }

  for (const id of operationsNotYet) {
    test(`${id} is refused until it is there`, async () => {
      const { value } = await probe(operationOf(id), 501);
      assert.match(value.message, /is not supported by this version of Skiff/);
    });
  }

  test('the session of a build is another protocol; it has a name, which no other has meanwhile', async () => {
    await api.call('Session', { status: 400 });
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    await api.call('Session', { headers, status: 400 });
    const named = { ...headers, 'X-Docker-Expose-Session-Uuid': 'one' };
    const session = await api.open(operationOf('Session'), { headers: named });
    assert.equal(session.statusCode, 101);
    assert.equal(session.headers.upgrade, 'h2c');
    api.succeeded.add('Session');
    await api.call('Session', { headers: named, status: 409 });
    session.destroy();
  });

  test('networks: made, seen, joined, left, removed', async () => {
    await using network = new PrivateNetwork();
    await network.ready();
    await using bridged = new Daemon(network.enter);
    await bridged.start('--bridge=skiff0');
    await bridged.import();
    const nets = new Contract(bridged.socket);
    const body = {
      Name: 'team',
      Labels: { role: 'x' },
      Internal: true,
      Options: { 'com.docker.network.bridge.name': 'team0' },
      IPAM: {
        Driver: 'default',
        Config: [{ Subnet: '10.77.0.0/24', Gateway: '10.77.0.9', IPRange: '10.77.0.128/25' }],
      },
    };
    const { value } = await nets.call<{ Id: string }>('NetworkCreate', { body, status: 201 });
    await nets.call('NetworkCreate', { body, status: 409 });
    await nets.call('NetworkCreate', { body: { Name: 'other', IPAM: { Config: [{ Subnet: 'x' }] } }, status: 400 });
    const params = { id: value.Id };
    await nets.call('NetworkList');
    await nets.call('NetworkList', { query: `filters=${encodeURIComponent('{"label":["role=x"]}')}` });
    const create = { ...waiting, HostConfig: { NetworkMode: 'bridge' } };
    const { value: box } = await nets.call<{ Id: string }>('ContainerCreate', { body: create, status: 201 });
    bridged.containers.made.push(box.Id);
    await nets.call('ContainerStart', { params: { id: box.Id }, status: 204 });
    const EndpointConfig = { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.77.0.20' } };
    await nets.call('NetworkConnect', { params, body: { Container: box.Id, EndpointConfig } });
    await nets.call('NetworkConnect', { params, body: { Container: 'nobody' }, status: 404 });
    for (const query of ['', 'verbose=1', 'scope=local']) await nets.call('NetworkInspect', { params, query });
    await nets.call('NetworkInspect', { params: { id: 'nothing' }, status: 404 });
    await nets.call('ContainerInspect', { params: { id: box.Id } });
    await nets.call('ContainerList');
    await nets.call('NetworkDelete', { params, status: 403 });
    await nets.call('NetworkDisconnect', { params, body: { Container: box.Id } });
    await nets.call('NetworkDelete', { params, status: 204 });
    await nets.call('NetworkCreate', { body: { Name: 'unused' }, status: 201 });
    await nets.call('NetworkPrune', { query: `filters=${encodeURIComponent('{"label":["none"]}')}` });
    await nets.call('NetworkPrune');
    await nets.call('ContainerDelete', { params: { id: box.Id }, query: 'force=1', status: 204 });
    for (const id of nets.succeeded) api.succeeded.add(id);
  });

  test('volumes: made, seen, used, removed', async () => {
    const filters = (wish: object): string => `filters=${encodeURIComponent(JSON.stringify(wish))}`;
    type Volume = { Name: string; Labels: object | null };
    const made = await api.call<Volume>('VolumeCreate', { body: { Name: 'data', Labels: { a: 'b' } }, status: 201 });
    assert.deepEqual(made.value.Labels, { a: 'b' });
    const anonymous = await api.call<Volume>('VolumeCreate', { body: {}, status: 201 });
    const params = { name: 'data' };
    await api.call('VolumeCreate', { body: { Name: '../data' }, status: 400 });
    await api.call('VolumeCreate', { body: { Name: 'other', Driver: 'nosuch' }, status: 404 });
    await api.call('VolumeInspect', { params });
    await api.call('VolumeInspect', { params: { name: 'nosuch' }, status: 404 });
    const names = async (wish: object): Promise<string[]> =>
      (await api.call<{ Volumes: Volume[] }>('VolumeList', { query: filters(wish) })).value.Volumes.map(
        ({ Name }) => Name,
      );
    await api.call('VolumeList');
    assert.deepEqual(await names({ label: ['a=b'] }), ['data']);
    assert.deepEqual(await names({ name: ['^dat'], driver: ['local'] }), ['data']);
    const Mounts = [{ Type: 'volume', Source: 'data', Target: '/data', VolumeOptions: { NoCopy: true } }];
    const container = await begin({ ...waiting, HostConfig: { NetworkMode: 'none', Mounts } });
    await api.call('ContainerInspect', { params: container });
    await api.call('ContainerList', { query: filters({ volume: ['data'] }) });
    assert.deepEqual(await names({ dangling: ['false'] }), ['data']);
    await api.call('VolumeDelete', { params, query: 'force=1', status: 409 });
    await api.call('SystemDataUsage', { query: 'type=volume&verbose=1' });
    await remove(container);
    await api.call('VolumePrune', { query: filters({ label: ['x'] }) });
    const pruned = await api.call<{ VolumesDeleted: string[] }>('VolumePrune');
    assert.deepEqual(pruned.value.VolumesDeleted, [anonymous.value.Name]);
    await api.call('VolumeDelete', { params, status: 204 });
    await api.call('VolumeDelete', { params, status: 404 });
    await api.call('VolumeDelete', { params, query: 'force=1', status: 204 });
    await api.call('VolumeCreate', { body: { Name: 'named' }, status: 201 });
    const all = await api.call<{ VolumesDeleted: string[] }>('VolumePrune', { query: filters({ all: ['true'] }) });
    assert.deepEqual(all.value.VolumesDeleted, ['named']);
  });

  test('nothing of the description is left out', () => {
    const missed = coreOperations.filter(({ id }) => !api.succeeded.has(id) && !operationsNotYet.has(id));
    assert.deepEqual(
      missed.map(({ id }) => id),
      [],
    );
  });
});
