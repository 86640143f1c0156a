/**
 * The bodies and refusals of testdata/docker-*.json were recorded from the real `docker` CLI (28.2) talking to a
 * server that only kept what it got. `changed` is what differs from the body of `docker run img`.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toggle } from '../flag-types.ts';
import { parseFlags } from '../flags.ts';
import { toCreateBody } from './create-body.ts';
import { containerFlags } from './flags.ts';
import { userFiles } from '../user-files.ts';

interface Body {
  readonly HostConfig?: object;
}

interface Golden {
  readonly base: Body;
  readonly cases: readonly { readonly args: readonly string[]; readonly name?: string; readonly changed: Body }[];
}

const folder = `${import.meta.dirname}/testdata`;
const read = (name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
const flags = { ...containerFlags, detach: toggle({ short: 'd', help: '' }), 'sig-proxy': toggle({ help: '' }) };

/** Files of the recording lie in testdata. */
function placed(args: readonly string[]): string[] {
  return args.map((arg) => arg.replace(/^(seccomp=)?(env\.list|labels\.list|seccomp\.json)$/, `$1${folder}/$2`));
}

function bodyOf(args: readonly string[]) {
  const table = { ...flags, 'detach-keys': containerFlags.name };
  const { values, given, positionals } = parseFlags(table, placed(args), { interspersed: false });
  const [image = '', ...command] = positionals;
  const environment = { HOME: '/home/someone' };
  const { detach } = values;
  const common = { given, image, command, environment, files: userFiles, detach, workingDirectory: '/here/there' };
  return { name: values.name, body: toCreateBody({ flags: values, ...common }) };
}

/** A body with what Docker always sends; a list or object that is empty or null is the same as none. */
function completed(base: Body, body: Body): unknown {
  const merged = { ...base, ...body, HostConfig: { ...base.HostConfig, ...body.HostConfig } };
  const plain = JSON.parse(JSON.stringify(merged)) as Record<string, unknown>;
  const empty = (value: unknown): boolean =>
    value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  const withoutEmpty = (object: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(object).filter(
        ([key, value]) => !empty(value) || key === 'MaskedPaths' || key === 'ReadonlyPaths',
      ),
    );
  return withoutEmpty({ ...plain, HostConfig: withoutEmpty(plain['HostConfig'] as Record<string, unknown>) });
}

const golden = read('docker-create.json') as Golden;

for (const { args, name = '', changed } of golden.cases) {
  test(`toCreateBody() makes what docker sends for: ${args.join(' ')}`, () => {
    const made = bodyOf(args);
    // compat: docker sends the network's default name, PidMode and the like even when empty; LogConfig too.
    assert.deepEqual(completed(golden.base, made.body as Body), completed(golden.base, changed));
    assert.equal(made.name, name);
  });
}

/** Where our words differ on purpose, or where the daemon refuses instead. */
const ours: Readonly<Record<string, string>> = {
  '--sysctl x': `invalid argument "x" for "--sysctl" flag: sysctl 'x' is not allowed: write name=value`,
  '--env-file nope': 'open nope: no such file or directory',
};
const elsewhere = /^(-d --attach|--rm --restart|--cidfile|--pid|--uts|--cgroupns|--pull|img:bad)/;

for (const { args, message } of read('docker-refusals.json') as { args: string[]; message: string }[]) {
  if (elsewhere.test(args.join(' '))) continue;
  test(`what docker refuses is refused in the same words: ${args.join(' ')}`, () => {
    const expected = ours[args.slice(0, 2).join(' ')] ?? message;
    assert.throws(
      () => bodyOf(args),
      (error: Error) => error.message.trimEnd() === expected,
      expected,
    );
  });
}

test('consoleSize is sent for a container with a terminal', () => {
  const { values, given } = parseFlags(containerFlags, ['-t', 'img'], { interspersed: false });
  const common = {
    given,
    image: 'img',
    command: [],
    environment: {},
    detach: false,
    files: userFiles,
    workingDirectory: '/',
  };
  const body = toCreateBody({ flags: values, ...common, consoleSize: [24, 80] });
  assert.deepEqual((body.HostConfig as { ConsoleSize?: unknown }).ConsoleSize, [24, 80]);
});

test('limits of networks are sent as they were given, links on a network of the user with its endpoint', () => {
  const { body } = bodyOf([
    '--network',
    'n',
    '--link',
    'a:b',
    '--network-rate-in',
    '1mbit',
    '--network-burst-in=64k',
    'img',
  ]);
  const { HostConfig, NetworkingConfig } = body as Record<string, Record<string, unknown>>;
  assert.deepEqual(HostConfig!['NetworkLimits'], { RateIn: '1mbit', BurstIn: '64k' });
  assert.deepEqual(HostConfig!['Links'], ['a:b']);
  assert.deepEqual(NetworkingConfig!['EndpointsConfig'], { n: { Links: ['a:b'] } });
});
