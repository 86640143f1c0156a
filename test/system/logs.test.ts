/** Logs in Docker's json-file format: what is written, and how it is read back. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { collect, demultiplex } from '../support/http.ts';
import { missing } from '../support/needs.ts';

interface Line {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

describe('logs', { skip: missing('root', 'busybox'), timeout: 90_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;

  const ended = async (script: string, options: Record<string, string> = {}): Promise<string> => {
    const HostConfig = { LogConfig: { Type: 'json-file', Config: options } };
    const id = await containers.begin({ Cmd: sh(script), HostConfig });
    await containers.wait(id);
    return id;
  };

  const fileOf = async (id: string): Promise<string> => (await containers.inspect(id)).LogPath;

  const linesOf = (path: string): Line[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);

  const numbers = (from: number, to: number): string =>
    Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('');

  test('each line is an object with its stream and its time', async () => {
    const before = new Date().toISOString();
    const id = await ended('echo one; echo two >&2; sleep 0.05; printf "three <&> \\"q\\" \\\\ \\t\\n"');
    const path = await fileOf(id);
    const lines = linesOf(path);
    assert.deepEqual(
      new Set(lines.map(({ log, stream }) => `${stream} ${log}`)),
      new Set(['stdout one\n', 'stderr two\n', 'stdout three <&> "q" \\ \t\n']),
    );
    for (const { time } of lines) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z$/);
      assert.ok(time >= before && time <= new Date().toISOString(), time);
    }
    assert.ok(readFileSync(path, 'utf8').includes('\\u003c\\u0026\\u003e'), 'escaped as Go does it');
    assert.equal(statSync(path).mode & 0o777, 0o640);
    const { stdout, stderr } = await containers.logs(id);
    assert.deepEqual([stdout, stderr], ['one\nthree <&> "q" \\ \t\n', 'two\n']);
    assert.deepEqual(await containers.logs(id, 'stderr=1'), { stdout: '', stderr: 'two\n' });
    assert.equal((await http.send('GET', `/containers/${id}/logs`)).status, 400, 'a stream has to be chosen');
    await containers.remove(id);
    assert.equal(existsSync(path), false);
  });

  test('tail, since, until and timestamps choose and mark lines', async () => {
    const id = await ended('seq 1 50; sleep 0.3; seq 51 100');
    const read = async (query: string): Promise<string> => (await containers.logs(id, `stdout=1&${query}`)).stdout;
    assert.equal(await read('tail=all'), numbers(1, 100));
    assert.equal(await read('tail=3'), numbers(98, 100));
    assert.equal(await read('tail=0'), '');
    assert.equal(await read('tail=1000'), numbers(1, 100));
    assert.equal(await read('tail=-1'), numbers(1, 100));
    const lines = linesOf(await fileOf(id));
    const seconds = (time: string): string => {
      const fraction = /\.(\d+)Z$/.exec(time)![1]!.padEnd(9, '0');
      return `${Math.floor(Date.parse(time) / 1000)}.${fraction}`;
    };
    const later = lines[50]!.time;
    assert.equal(await read(`since=${seconds(later)}`), numbers(51, 100));
    assert.equal(await read(`since=${seconds(later)}&tail=2`), numbers(99, 100));
    assert.equal(await read(`until=${seconds(lines[49]!.time)}`), numbers(1, 50));
    assert.equal(await read(`since=${encodeURIComponent(later)}`), numbers(51, 100));
    const stamped = (await read('timestamps=1&tail=2')).trim().split('\n');
    assert.match(stamped[0]!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 99$/);
    await containers.remove(id);
  });

  test('follow gives what is there, then what comes, and ends with the container', async () => {
    const id = await containers.begin({ Cmd: sh('for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done') });
    const stream = await http.stream(`/containers/${id}/logs?stdout=1&follow=1`);
    let firstAt = 0;
    stream.once('data', () => (firstAt = performance.now()));
    const { stdout } = demultiplex(await collect(stream));
    assert.equal(stdout.toString(), numbers(1, 6));
    assert.ok(performance.now() - firstAt > 200, 'lines come when they are written, not at the end');
    assert.equal((await containers.inspect(id)).State.Status, 'exited');
    const again = await http.stream(`/containers/${id}/logs?stdout=1&follow=1&tail=2`);
    assert.equal(demultiplex(await collect(again)).stdout.toString(), numbers(5, 6), 'at once for one that has ended');
    await containers.remove(id);
  });

  test('follow begun before the first line, or before the start, misses nothing', async () => {
    const id = await containers.create({ Cmd: sh('sleep 0.2; seq 1 100') });
    await containers.start(id);
    const stream = await http.stream(`/containers/${id}/logs?stdout=1&follow=1&tail=0`);
    assert.equal(demultiplex(await collect(stream)).stdout.toString(), numbers(1, 100));
    await containers.remove(id);
  });

  test('a follower that goes away leaves no watcher behind', async () => {
    const id = await containers.begin({ Cmd: sh('while :; do echo x; sleep 0.05; done') });
    const stream = await http.stream(`/containers/${id}/logs?stdout=1&follow=1`);
    stream.on('error', () => {});
    await new Promise((done) => stream.once('data', done));
    stream.destroy();
    await containers.remove(id);
  });

  test('files are rotated at max-size and kept up to max-file; what is kept has no gap', async () => {
    const id = await ended('seq 1 3000', { 'max-size': '20k', 'max-file': '3' });
    const path = await fileOf(id);
    const files = [`${path}.2`, `${path}.1`, path];
    for (const file of files) assert.ok(statSync(file).size <= 20 * 1024, `${file}: ${statSync(file).size}`);
    assert.equal(existsSync(`${path}.3`), false);
    const kept = files.flatMap(linesOf).map(({ log }) => Number(log));
    assert.equal(kept.at(-1), 3000);
    assert.deepEqual(
      kept,
      Array.from({ length: kept.length }, (_, index) => 3001 - kept.length + index),
    );
    assert.equal((await containers.logs(id)).stdout, numbers(kept[0]!, 3000));
    assert.equal(
      (await containers.logs(id, 'stdout=1&tail=500')).stdout,
      numbers(2501, 3000),
      'tail over several files',
    );
    await containers.remove(id);
    for (const file of files) assert.equal(existsSync(file), false);
  });

  test('old files are compressed, by whatever daemon is there, and read as others are', async () => {
    const options = { 'max-size': '20k', 'max-file': '200', compress: 'true' };
    const LogConfig = { Type: 'json-file', Config: options };
    const script = 'trap "seq 3001 6000; exit" TERM; seq 1 3000; while :; do sleep 0.05; done';
    const id = await containers.begin({ Cmd: sh(script), HostConfig: { LogConfig } });
    const path = await fileOf(id);
    const plain = (): string[] => globSync(`${path}.*[0-9]`);
    await eventually('all old files are compressed', () => existsSync(`${path}.8.gz`) && plain().length === 0);
    const { Pid } = (await containers.inspect(id)).State;
    // What happens while nobody is there to compress is made up for.
    await daemon.end('SIGKILL');
    process.kill(Pid, 'SIGTERM');
    await eventually('lines of its end are written', () => plain().length > 5);
    await daemon.start();
    await eventually('those too', () => plain().length === 0 && existsSync(`${path}.20.gz`));
    assert.equal((await containers.logs(id)).stdout, numbers(1, 6000));
    for (const tail of [10, 1234, 4321])
      assert.equal((await containers.logs(id, `stdout=1&tail=${tail}`)).stdout, numbers(6001 - tail, 6000));
    assert.equal(
      gunzipSync(readFileSync(`${path}.1.gz`))
        .toString()
        .split('\n')
        .at(0)!
        .startsWith('{"log":'),
      true,
    );
    assert.deepEqual(globSync(`${path}.gz-*`), []);
    await containers.remove(id);
  });

  test('neither follow nor a plain read loses lines to rotations and compression at once', async () => {
    const LogConfig = { Type: 'local', Config: { 'max-size': '10k', 'max-file': '400' } };
    const id = await containers.create({
      Cmd: sh('sleep 0.1; for i in $(seq 0 19); do seq $((i*1000+1)) $((i*1000+1000)); sleep 0.05; done'),
      HostConfig: { LogConfig },
    });
    await containers.start(id);
    const following = collect(await http.stream(`/containers/${id}/logs?stdout=1&follow=1`));
    const reads: string[] = [];
    const over = containers.wait(id).then(() => true);
    while (!(await Promise.race([over, pause(1).then(() => false)]))) {
      reads.push((await containers.logs(id, 'stdout=1')).stdout);
    }
    assert.equal(demultiplex(await following).stdout.toString(), numbers(1, 20000));
    for (const text of reads) assert.equal(text, numbers(1, text.split('\n').length - 1));
    const compressed = (): number => globSync(`${daemon.dataRoot}/containers/${id}/*.gz`).length;
    for (const end = Date.now() + 20_000; compressed() <= 5 && Date.now() < end; ) await pause(20);
    assert.ok(compressed() > 5);
    await containers.remove(id);
  });

  test('a single file starts anew at max-size', async () => {
    const id = await ended('seq 1 1000', { 'max-size': '10k', 'max-file': '1' });
    const path = await fileOf(id);
    assert.ok(statSync(path).size <= 10 * 1024);
    assert.equal(existsSync(`${path}.1`), false);
    assert.match((await containers.logs(id)).stdout, /(^|\n)1000\n$/);
    await containers.remove(id);
  });

  test('follow goes through rotations without a gap', async () => {
    const id = await containers.begin({
      Cmd: sh('for i in $(seq 1 60); do seq $((i*10-9)) $((i*10)); sleep 0.02; done'),
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '4k', 'max-file': '20' } } },
    });
    const stream = await http.stream(`/containers/${id}/logs?stdout=1&follow=1`);
    assert.equal(demultiplex(await collect(stream)).stdout.toString(), numbers(1, 600));
    await containers.remove(id);
  });

  test('neither follow nor a plain read loses lines to a burst of rotations', async () => {
    const HostConfig = { LogConfig: { Type: 'json-file', Config: { 'max-size': '10k', 'max-file': '400' } } };
    // It goes on once a reader has seen what the burst left, however long that takes.
    const waits = 'while [ -z "$go" ]; do sleep 0.05; done';
    const Cmd = sh(`trap go=1 USR1; sleep 0.1; seq 1 20000; ${waits}; seq 20001 20010`);
    const id = await containers.create({ Cmd, HostConfig });
    await containers.start(id);
    const stream = await http.stream(`/containers/${id}/logs?stdout=1&follow=1`);
    const reads: string[] = [];
    const following = collect(stream);
    const over = containers.wait(id).then(() => true);
    while (!(await Promise.race([over, pause(1).then(() => false)]))) {
      const { stdout } = await containers.logs(id, 'stdout=1');
      reads.push(stdout);
      if (stdout.length > 100_000) await http.send('POST', `/containers/${id}/kill?signal=USR1`);
    }
    assert.equal(demultiplex(await following).stdout.toString(), numbers(1, 20010));
    for (const text of reads) assert.equal(text, numbers(1, text.split('\n').length - 1));
    assert.ok(reads.some((text) => text.length > 100_000));
    await containers.remove(id);
  });

  test('follow goes on when a single file starts anew', async () => {
    const id = await containers.begin({
      Cmd: sh('for i in $(seq 1 40); do seq $((i*10-9)) $((i*10)); sleep 0.03; done'),
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '8k', 'max-file': '1' } } },
    });
    const stream = await http.stream(`/containers/${id}/logs?stdout=1&follow=1`);
    assert.equal(demultiplex(await collect(stream)).stdout.toString(), numbers(1, 400));
    await containers.remove(id);
  });

  test('a line longer than 16 KiB is kept in parts and read back whole; the last one may lack its end', async () => {
    const id = await ended('head -c 40000 /dev/zero | tr "\\0" x; echo; printf tail');
    const parts = linesOf(await fileOf(id)).map(({ log }) => log.length);
    assert.deepEqual(parts, [16384, 16384, 40000 - 2 * 16384 + 1, 4]);
    assert.equal((await containers.logs(id)).stdout, `${'x'.repeat(40000)}\ntail`);
    await containers.remove(id);
  });

  test('bytes that are no text do no harm', async () => {
    const id = await ended(
      'printf "a\\377b\\000c\\033[0m\\n"; printf "\\342\\202\\254\\n"; head -c 1000 /dev/urandom; echo; echo end',
    );
    const lines = linesOf(await fileOf(id));
    assert.equal(lines[0]!.log, 'a\ufffdb\u0000c\u001b[0m\n');
    assert.equal(lines[1]!.log, '€\n');
    assert.match((await containers.logs(id)).stdout, /\nend\n$/);
    await containers.remove(id);
  });

  test('the driver "none" writes nothing and says so', async () => {
    const id = await containers.begin({ Cmd: ['echo', 'x'], HostConfig: { LogConfig: { Type: 'none' } } });
    await containers.wait(id);
    assert.equal(await fileOf(id), '');
    const { status, text } = await http.send('GET', `/containers/${id}/logs?stdout=1`);
    assert.match(text, /configured logging driver does not support reading/);
    assert.equal(status, 501);
    await containers.remove(id);
  });

  test('logs of a container with a terminal come raw', async () => {
    const id = await containers.begin({ Cmd: sh('echo one; echo two >&2'), Tty: true });
    await containers.wait(id);
    const bytes = await collect(await http.stream(`/containers/${id}/logs?stdout=1&stderr=1`));
    assert.equal(bytes.toString(), 'one\r\ntwo\r\n');
    await containers.remove(id);
  });

  test('300,000 lines are written and read back', { timeout: 60_000 }, async () => {
    const id = await ended('seq 1 300000');
    await eventually(
      'the log is whole',
      async () => (await containers.logs(id, 'stdout=1&tail=1')).stdout === '300000\n',
    );
    assert.equal((await containers.logs(id)).stdout, numbers(1, 300000));
    await containers.remove(id);
  });
});
