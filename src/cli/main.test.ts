import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { PassThrough, Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Surroundings } from './command.ts';
import { commandGroups, topCommands } from './command-tree.ts';
import { main } from './main.ts';
import { processSignals } from './streams/signals.ts';
import { userFiles } from './user-files.ts';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function skiff(line: string, environment: Surroundings['environment'] = {}, input = ''): Promise<Outcome> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const chunks = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => (chunks.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (chunks.stderr += chunk.toString()));
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)]);
  const words = line.split(' ').filter((word) => word !== '');
  const code = await main(words, {
    stdin,
    stdout,
    stderr,
    environment,
    workingDirectory: '/',
    files: userFiles,
    signals: processSignals,
  });
  stdout.end();
  stderr.end();
  return { code, ...chunks };
}

/** A daemon of few words, which notes what it is asked in order. */
async function withDaemon(
  options: { readonly startStatus?: number; readonly startMessage?: string },
  run: (environment: Surroundings['environment'], asked: string[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/skiff-cli-`);
  const asked: string[] = [];
  const note = (request: IncomingMessage): string => {
    const what = `${request.method} ${request.url!.split('?')[0]}`;
    asked.push(what);
    return what;
  };
  let end = (): void => {};
  const server = createServer((request, response) => {
    const what = note(request);
    if (what === 'POST /containers/create') {
      void json(request).then((body) => {
        const { Image } = body as { Image: string };
        if (Image === 'none') response.writeHead(404).end('{"message":"No such image: none:latest"}');
        else response.writeHead(201).end('{"Id":"cafe","Warnings":["careful"]}');
      });
    } else if (what === 'POST /containers/cafe/wait') {
      response.flushHeaders();
      end = () => response.end('{"StatusCode":3}');
    } else if (what === 'POST /containers/cafe/start' && options.startStatus !== undefined) {
      response.writeHead(options.startStatus).end(JSON.stringify({ message: options.startMessage }));
    } else {
      response.writeHead(204).end();
      started();
    }
  });
  let started = (): void => {};
  server.on('upgrade', (request: IncomingMessage, socket) => {
    note(request);
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n');
    socket.write('Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    started = () => {
      const text = Buffer.from('hello\n');
      socket.end(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]), text]));
      end();
    };
  });
  await new Promise<void>((resolve) => void server.listen(`${folder}/socket`, resolve));
  try {
    await run({ SKIFF_HOST: `unix://${folder}/socket` }, asked);
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  }
}

test('run watches the streams and the end before it starts, and ends with the exit code', async () => {
  await withDaemon({}, async (environment, asked) => {
    const outcome = await skiff('run img echo hello', environment);
    assert.deepEqual(outcome, { code: 3, stdout: 'hello\n', stderr: 'WARNING: careful\n' });
    assert.equal(asked[0], 'POST /containers/create');
    assert.deepEqual(asked.slice(1, 3).sort(), ['POST /containers/cafe/attach', 'POST /containers/cafe/wait']);
    assert.deepEqual(asked.slice(3), ['POST /containers/cafe/start']);
  });
});

test('run -d prints the id and stays for nothing', async () => {
  await withDaemon({}, async (environment, asked) => {
    const outcome = await skiff('run -d img', environment);
    assert.deepEqual(outcome, { code: 0, stdout: 'cafe\n', stderr: 'WARNING: careful\n' });
    assert.deepEqual(asked, ['POST /containers/create', 'POST /containers/cafe/start']);
  });
});

for (const [message, code] of [
  ['exec: "x": executable file not found in $PATH', 127],
  ['exec: "/x": stat /x: no such file or directory', 127],
  ['exec: "/etc": permission denied', 126],
  ['the cgroup cannot be made', 125],
] as const) {
  test(`run ends with ${code} when the start fails: ${message}`, async () => {
    await withDaemon({ startStatus: 400, startMessage: message }, async (environment, asked) => {
      const outcome = await skiff('run --rm img x', environment);
      assert.equal(outcome.code, code);
      assert.match(outcome.stderr, /skiff: Error response from daemon: /);
      assert.equal(asked.at(-1), 'DELETE /containers/cafe');
    });
  });
}

test('run says what to do about an image that is not there', async () => {
  await withDaemon({}, async (environment) => {
    const outcome = await skiff('run none', environment);
    assert.equal(outcome.code, 125);
    // It pulls, tries once more, and reports what the daemon says then.
    assert.match(outcome.stderr, /^Unable to find image 'none:latest' locally\nskiff: /);
    assert.match(outcome.stderr, /Error response from daemon: No such image: none:latest/);
  });
});

function check(line: string, code: number, stderr: RegExp) {
  test(`skiff ${line} ends with ${code}`, async () => {
    const outcome = await skiff(line, { SKIFF_HOST: 'unix:///nonexistent/socket' });
    assert.equal(outcome.code, code);
    assert.match(outcome.stderr, stderr);
  });
}

check('frobnicate', 1, /^skiff: unknown command: skiff frobnicate\n/);
check('container frobnicate', 1, /^skiff: unknown command: skiff container frobnicate\n/);
check('--frob ps', 125, /^skiff: unknown flag: --frob\n/);
check('ps --frob', 125, /^unknown flag: --frob\n\nUsage: {2}skiff ps \[OPTIONS\]\n\nRun 'skiff ps --help'/);
check('run -p 80:x img', 125, /invalid hostPort|invalid containerPort: x/);
check('run', 1, /^skiff: 'skiff run' requires at least 1 argument\n\nUsage:/);
check('rename a', 1, /requires 2 arguments/);
check('ps x', 1, /accepts no arguments/);
check('images a b', 1, /requires at most 1 argument/);
check('ps', 1, /^Cannot connect to the Skiff daemon at unix:\/\/\/nonexistent\/socket\. Is skiffd running\?\n$/);
check('run img', 125, /^skiff: Cannot connect to the Skiff daemon/);
check('-H foo://x ps', 1, /cannot use the host 'foo:\/\/x'/);
check('-H a -H b ps', 1, /specify only one -H/);
check('run -it img', 1, /^the input device is not a TTY\n$/);
check('run -d -a stdout img', 1, /cannot specify both --attach and --detach/);
check('run --pull always img', 125, /Cannot connect to the Skiff daemon/);
check('run --pull often img', 125, /invalid pull option: 'often'/);
check('update x', 1, /you must provide one or more flags/);
check('start -a x y', 1, /cannot start and attach multiple containers/);
check('kill', 1, /requires at least 1 argument/);

test('every command has a help text from its table, and a summary as in the list', async () => {
  const groups = Object.entries(commandGroups).map(([name, { commands }]) => [`${name} `, commands] as const);
  for (const [prefix, commands] of [['', topCommands] as const, ...groups]) {
    for (const [name, entry] of Object.entries(commands)) {
      const { code, stdout } = await skiff(`${prefix}${name} --help`);
      const command = await entry.load();
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(`Usage:  skiff ${prefix}${name}`), stdout);
      for (const flag of Object.keys(command.flags as object)) assert.ok(stdout.includes(`--${flag}`), flag);
      for (const line of stdout.split('\n')) assert.ok(line.length <= 120, line);
    }
  }
});

test('help, --help and no command at all show the commands', async () => {
  for (const line of ['', '--help', 'help']) {
    const { code, stdout } = await skiff(line);
    assert.equal(code, 0);
    for (const name of Object.keys(topCommands)) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
  }
  assert.match((await skiff('help run')).stdout, /^Usage: {2}skiff run/);
  assert.match((await skiff('container')).stdout, /^Usage: {2}skiff container COMMAND/);
});
