/** `skiff build`: an image from a Dockerfile and a folder. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SkiffError } from '#base';
import { isRefusal } from '#client';
import { openContext } from '../build/local-context.ts';
import { type ProgressMode, progressMode, showBuild } from '../build/show-build.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { parseExtraHost } from '../container-options/extra-hosts.ts';
import { distinctUlimits, parseUlimit } from '../container-options/limits.ts';
import { CommandFailure, errors, fileError } from '../errors.ts';
import { bytes, integer, list, text, toggle, values } from '../flag-types.ts';

/** What this builder does not do, and what to do instead. */
const NOT_YET: Readonly<Record<string, string>> = {
  'cache-from': 'what was built here before is found without it',
  'cache-to': 'the cache stays with this daemon',
  output: 'build the image, then use skiff save, or skiff create and skiff cp',
  secret: 'secrets need a session with the daemon, which comes with a later one',
  ssh: 'agents need a session with the daemon, which comes with a later one',
  'build-context': 'copy the files into the context, or build an image of them',
  'no-cache-filter': 'use --no-cache',
  allow: 'steps cannot be given more rights',
  attest: 'no attestations are made',
  sbom: 'no attestations are made',
  provenance: 'no attestations are made',
  annotation: 'use --label',
  'metadata-file': 'use --iidfile',
};

const later = (name: string) => list({ help: `Not in this version: ${NOT_YET[name]}` });

export const build = defineCommand({
  usage: '[OPTIONS] PATH|URL|-',
  summary: 'Build an image from a Dockerfile',
  flags: {
    'add-host': list({ help: 'A name and address for /etc/hosts, as name:address', parse: parseExtraHost }),
    allow: later('allow'),
    annotation: later('annotation'),
    attest: later('attest'),
    'build-arg': list({ help: 'Value of an ARG, as NAME=VALUE, or NAME for that of the environment' }),
    'build-context': later('build-context'),
    'cache-from': later('cache-from'),
    'cache-to': later('cache-to'),
    'cgroup-parent': text({ help: 'Cgroup above those of steps' }),
    'cpu-period': integer({ help: 'Microseconds of a period of CPU time' }),
    'cpu-quota': integer({ help: 'Microseconds of CPU time in a period' }),
    'cpu-shares': integer({ short: 'c', help: 'Weight among others for CPU time' }),
    'cpuset-cpus': text({ help: 'CPUs, such as 0-3,5' }),
    'cpuset-mems': text({ help: 'Memory nodes, such as 0-1' }),
    file: text({ short: 'f', help: 'The Dockerfile (PATH/Dockerfile); - for stdin' }),
    'force-rm': toggle({ help: 'Without effect: no containers are made that could stay' }),
    iidfile: text({ help: "Write the image's id into this file" }),
    label: list({ help: 'Label of the image, as NAME=VALUE' }),
    load: toggle({ help: 'Without effect: the image is here in any case' }),
    memory: bytes({ short: 'm', help: 'Most memory of a step' }),
    'memory-swap': bytes({ help: 'Memory and swap together' }),
    'metadata-file': later('metadata-file'),
    network: text({ initial: 'default', help: 'Network of steps: default, none, host, or one by name' }),
    'no-cache': toggle({ help: 'Run every step anew' }),
    'no-cache-filter': later('no-cache-filter'),
    output: list({ short: 'o', help: `Not in this version: ${NOT_YET['output']}` }),
    platform: text({ help: 'What the image is for, such as linux/arm64' }),
    progress: text({ initial: 'auto', help: "How to tell: 'auto', 'plain', 'tty', 'quiet' or 'rawjson'" }),
    provenance: later('provenance'),
    pull: toggle({ help: 'Ask the registry even for images that are here' }),
    quiet: toggle({ short: 'q', help: "Only the image's id" }),
    rm: toggle({ initial: true, help: 'Without effect: no containers are made that could stay' }),
    sbom: later('sbom'),
    secret: later('secret'),
    'shm-size': bytes({ help: 'Size of /dev/shm' }),
    ssh: later('ssh'),
    tag: list({ short: 't', help: 'Name of the image, as NAME[:TAG]' }),
    target: text({ help: 'Build only up to this stage' }),
    ulimit: values({ type: 'ulimit', help: 'Resource limit, as name=soft[:hard]', parse: parseUlimit }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args: [source = ''] }) => {
    context.files.require();
    for (const [name, hint] of Object.entries(NOT_YET)) {
      const given = flags[name as keyof typeof flags] as readonly string[];
      if (given.length > 0) throw errors.notThere(`--${name}`, hint);
    }
    const mode = progressMode(flags.quiet ? 'quiet' : flags.progress, context.stdout);
    const isQuiet = mode === 'quiet';
    const { CredentialStore, registryConfigHeader } = await import('#registry/credentials');
    const registryConfig = await registryConfigHeader(new CredentialStore(context.environment));
    const { stream, remote, dockerfile } = await openContext(context, source, flags.file);
    const query = {
      version: '1',
      dockerfile: dockerfile || undefined,
      remote: remote || undefined,
      t: flags.tag,
      q: isQuiet,
      events: mode === 'tty' || mode === 'rawjson',
      keepfailed: true,
      nocache: flags['no-cache'],
      pull: flags.pull,
      target: flags.target || undefined,
      platform: flags.platform || undefined,
      networkmode: flags.network,
      buildargs: JSON.stringify(buildArgs(context, flags['build-arg'])),
      labels: JSON.stringify(Object.fromEntries(flags.label.map(pairOf))),
      extrahosts: JSON.stringify(flags['add-host']),
      ulimits: JSON.stringify(distinctUlimits(flags.ulimit)),
      shmsize: flags['shm-size'],
      memory: flags.memory,
      memswap: flags['memory-swap'],
      cpushares: flags['cpu-shares'],
      cpuperiod: flags['cpu-period'],
      cpuquota: flags['cpu-quota'],
      cpusetcpus: flags['cpuset-cpus'] || undefined,
      cpusetmems: flags['cpuset-mems'] || undefined,
      cgroupparent: flags['cgroup-parent'] || undefined,
    };
    using progress = showBuild(context.stdout, mode);
    using stop = stopping(context, mode);
    const { signal } = stop;
    try {
      const sent = stream && progress.sending(stream);
      const request = { context: sent, query, registryConfig, signal };
      const id = await context.client().builds.build(request, progress.message);
      progress.end();
      if (flags.iidfile !== '') writeId(context, flags.iidfile, id);
      return 0;
    } catch (error) {
      if (signal?.aborted === true) throw new CommandFailure('the build was cancelled', INTERRUPTED);
      progress.fail();
      const failure = withCode(error);
      if (mode === 'tty' && failure instanceof CommandFailure) {
        context.complain("'skiff debug' opens a shell in the state before it.");
      }
      throw failure;
    }
  },
});

const INTERRUPTED = 130;

/** On a terminal that is drawn on, Ctrl-C ends the build first and the command after it; elsewhere it ends both at once. */
function stopping({ signals }: CommandContext, mode: ProgressMode): Disposable & { readonly signal?: AbortSignal } {
  if (mode !== 'tty') return { [Symbol.dispose]: () => {} };
  const stop = new AbortController();
  const watch = signals.watch(['SIGINT', 'SIGTERM'], () => stop.abort());
  return { signal: stop.signal, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

/** A name alone takes the value of the environment; one that is not there is not sent. */
function buildArgs({ environment }: CommandContext, given: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    given.map((each) => {
      const [name, value] = pairOf(each);
      return [name, each.includes('=') ? value : (environment[name] ?? null)] as const;
    }),
  );
}

function pairOf(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function writeId({ workingDirectory }: CommandContext, file: string, id: string): void {
  const path = resolve(workingDirectory, file);
  try {
    writeFileSync(path, id);
  } catch (error) {
    throw fileError('failed to write the image ID file: open', path, error);
  }
}

/** compat: a step's program that fails ends the command with its code. */
function withCode(error: unknown): unknown {
  if (!isRefusal(error) || !(error instanceof SkiffError)) return error;
  const status = Number(error.details['status'] ?? 0);
  return status > 0 && status < 256 ? new CommandFailure(error.message, status) : error;
}
