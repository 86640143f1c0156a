/** The client most Node programs use for Docker, through its own methods: a day of a container and of an image. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { PassThrough, type Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import Docker from 'dockerode';
import { archive, file } from '../support/archives.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { collect } from '../support/http.ts';
import { missing } from '../support/needs.ts';
import { Registry } from '../support/registry.ts';

describe('dockerode', { skip: missing('root', 'busybox') }, () => {
  const daemon = useDaemon();
  const docker = new Docker({ socketPath: daemon.socket, version: 'v1.43' });
  const registry = new Registry();
  before(async () => {
    writeFileSync(`${registry.folder}/users`, `ann:${hashSync('secret', 4)}\n`);
    await registry.start(`--htpasswd=${registry.folder}/users`);
  });
  after(() => registry[Symbol.asyncDispose]());

  const create = async (options: Docker.ContainerCreateOptions): Promise<Docker.Container> => {
    const container = await docker.createContainer({
      Image: 'busybox',
      HostConfig: { NetworkMode: 'none' },
      ...options,
    });
    daemon.containers.made.push(container.id);
    return container;
  };

  /** Progress to its end, as dockerode follows it. */
  const finished = (stream: NodeJS.ReadableStream): Promise<{ status?: string; error?: string }[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status?: string; error?: string }[]>();
    docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output as object[])));
    return promise;
  };

  /** Its multiplexed output taken apart by dockerode itself. */
  const outputOf = async (stream: NodeJS.ReadWriteStream): Promise<{ stdout: string; stderr: string }> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, stdout, stderr);
    stream.on('end', () => {
      stdout.end();
      stderr.end();
    });
    const [out, err] = await Promise.all([collect(stdout), collect(stderr)]);
    return { stdout: out.toString(), stderr: err.toString() };
  };

  test('ping, version, info, df', async () => {
    assert.equal((await docker.ping()).toString(), 'OK');
    assert.equal((await docker.version()).Os, 'linux');
    assert.equal(((await docker.info()) as { OSType: string }).OSType, 'linux');
    const usage = (await docker.df()) as { Images: object[]; LayersSize: number };
    assert.equal(usage.Images.length, 1);
  });

  test('an image is pushed to a registry with a password, removed, and pulled again', async () => {
    const authconfig = { username: 'ann', password: 'secret', serveraddress: registry.address };
    const repository = `${registry.address}/team/app`;
    await docker.getImage('busybox').tag({ repo: repository, tag: '1' });
    const pushed = await finished(await docker.getImage(`${repository}:1`).push({ authconfig }));
    assert.ok(
      pushed.some(({ status }) => status?.includes('digest: sha256:')),
      JSON.stringify(pushed),
    );
    await docker.getImage(`${repository}:1`).remove();
    await assert.rejects(docker.getImage(`${repository}:1`).inspect(), { statusCode: 404 });
    const pulled = await finished(await docker.pull(`${repository}:1`, { authconfig }));
    assert.match(pulled.at(-1)?.status ?? '', /Downloaded newer image|Image is up to date/);
    assert.deepEqual((await docker.getImage(`${repository}:1`).inspect()).RepoTags.includes(`${repository}:1`), true);
    assert.deepEqual(await docker.checkAuth(authconfig), { IdentityToken: '', Status: 'Login Succeeded' });
    const distribution = (await docker.getImage(`${repository}:1`).distribution({ authconfig })) as {
      Descriptor: object;
    };
    assert.ok('digest' in distribution.Descriptor);
    const names = (await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
    assert.ok(names.includes(`${repository}:1`));
    await docker.getImage(`${repository}:1`).remove();
  });

  test('run: attached from the start, with its exit code', async () => {
    const output = new PassThrough();
    const text = collect(output);
    const [result, container] = (await docker.run('busybox', ['sh', '-c', 'echo hi; exit 3'], output, {
      HostConfig: { NetworkMode: 'none' },
      Tty: true,
    })) as [{ StatusCode: number }, Docker.Container];
    daemon.containers.made.push(container.id);
    output.end();
    assert.equal(result.StatusCode, 3);
    assert.equal((await text).toString(), 'hi\r\n');
    await container.remove();
  });

  test('attach: what is typed comes back, and the end of the input is the end', async () => {
    const container = await create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const output = outputOf(stream);
    await container.start();
    stream.write('typed\n');
    (stream as Duplex).end();
    assert.deepEqual(await output, { stdout: 'typed\n', stderr: '' });
    assert.deepEqual(await container.wait(), { StatusCode: 0 });
    await container.remove();
  });

  test('exec, top, stats, logs, changes, files in and out', async () => {
    const container = await create({ Cmd: ['sh', '-c', 'echo out; echo err >&2; exec sleep 600'], name: 'ode' });
    await container.start();
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'cat; echo bad >&2; exit 4'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const session = await exec.start({ hijack: true, stdin: true });
    session.end('fed\n');
    assert.deepEqual(await outputOf(session), { stdout: 'fed\n', stderr: 'bad\n' });
    await eventually('its exit code is known', async () => (await exec.inspect()).ExitCode === 4);

    const top = (await container.top()) as { Processes: string[][] };
    assert.match(JSON.stringify(top.Processes), /sleep 600/);
    const stats = await container.stats({ stream: false });
    assert.ok(stats.memory_stats.usage > 0 && stats.cpu_stats.cpu_usage.total_usage > 0);
    const streamed = await container.stats({ stream: true });
    const [first] = await new Promise<Buffer[]>((resolve) =>
      streamed.once('data', (chunk: Buffer) => resolve([chunk])),
    );
    assert.equal((JSON.parse(first!.toString()) as { name: string }).name, '/ode');
    (streamed as unknown as { destroy(): void }).destroy();

    // Asked for at once they are a buffer, followed they are a stream.
    const logs = await container.logs({ stdout: true, stderr: false });
    assert.match(logs.toString(), /out\n$/);
    const followed = await container.logs({ stdout: true, stderr: true, follow: true });
    const text = outputOf(followed as NodeJS.ReadWriteStream);

    await container.putArchive(archive(file('given', 'by hand')), { path: '/tmp' });
    const got = await collect((await container.getArchive({ path: '/tmp/given' })) as PassThrough);
    assert.ok(got.includes('by hand'));
    const facts = await container.infoArchive({ path: '/tmp/given' });
    assert.ok((facts as unknown as { headers: Record<string, string> }).headers['x-docker-container-path-stat']);
    assert.ok((await container.changes()).some(({ Path }: { Path: string }) => Path === '/tmp/given'));

    await container.stop({ t: 0 });
    assert.deepEqual(await text, { stdout: 'out\n', stderr: 'err\n' });
    await container.remove();
    await assert.rejects(container.inspect(), { statusCode: 404, reason: 'no such container' });
  });

  test('events come as they happen', async () => {
    const events = (await docker.getEvents({ filters: { type: ['container'] } })) as PassThrough;
    const seen: string[] = [];
    events.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n').filter(Boolean))
        seen.push((JSON.parse(line) as { Action: string }).Action);
    });
    const container = await create({ Cmd: ['true'] });
    await container.start();
    await container.wait();
    await container.remove();
    await eventually('all of its life is seen', () => seen.includes('destroy'));
    assert.deepEqual(seen.slice(0, 4), ['create', 'start', 'die', 'destroy']);
    events.destroy();
  });

  test('lifecycle: pause, rename, update, restart, kill, commit, prune', async () => {
    const container = await create({ Cmd: ['sleep', '600'], name: 'first', Labels: { day: 'one' } });
    await container.start();
    await assert.rejects(container.start(), { statusCode: 304 });
    await container.pause();
    assert.equal((await container.inspect()).State.Paused, true);
    await container.unpause();
    await container.rename({ name: 'second' });
    await container.update({ Memory: 64 << 20, MemorySwap: 128 << 20 });
    assert.equal((await container.inspect()).HostConfig.Memory, 64 << 20);
    await container.restart({ t: 0 });
    const [listed] = await docker.listContainers({ filters: { label: ['day=one'] } });
    assert.deepEqual(listed?.Names, ['/second']);
    const { Id } = (await container.commit({ repo: 'kept', tag: '1' })) as { Id: string };
    assert.equal((await docker.getImage('kept:1').inspect()).Id, Id);
    assert.equal((await docker.getImage('kept:1').history()).length, 2);
    await docker.getImage('kept:1').remove();
    const ended = container.wait({ condition: 'next-exit' }) as Promise<{ StatusCode: number }>;
    // The wait has to be there before the end.
    await sleep(100);
    await container.kill();
    assert.equal((await ended).StatusCode, 137);
    const pruned = await docker.pruneContainers({ filters: { label: ['day=one'] } });
    assert.deepEqual(pruned.ContainersDeleted, [container.id]);
  });

  test('an image is saved and loaded', async () => {
    const saved = await collect((await docker.getImage('busybox').get()) as PassThrough);
    const loaded = await collect((await docker.loadImage(saved as unknown as string)) as PassThrough);
    assert.match(loaded.toString(), /Loaded image: busybox:latest/);
  });
});
