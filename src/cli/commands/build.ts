/** `skiff build`: an image from a Dockerfile and a folder. */
import { writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { SkiffError } from '#base';
import { isRefusal } from '#client';
import { type Output, parseAnnotation, parseAttests, parseCache, parseOutput } from '../build/build-options.ts';
import { openSession } from '../build/build-session.ts';
import { openContext } from '../build/local-context.ts';
import { progressMode, showBuild } from '../build/show-build.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { parseExtraHost } from '../container-options/extra-hosts.ts';
import { distinctUlimits, parseUlimit } from '../container-options/limits.ts';
import { CommandFailure, errors, fileError } from '../errors.ts';
import { bytes, integer, list, text, toggle, values } from '../flag-types.ts';

/** What this builder does not do, and what to do instead. */
const NOT_YET: Readonly<Record<string, string>> = {
  'build-context': 'copy the files into the context, or build an image of them',
  allow: 'steps cannot be given more rights',
};

const later = (name: string) => list({ help: `Not in this version: ${NOT_YET[name]}` });

export const build = defineCommand({
  usage: '[OPTIONS] PATH|URL|-',
  summary: 'Build an image from a Dockerfile',
  flags: {
    'add-host': list({ help: 'A name and address for /etc/hosts, as name:address', parse: parseExtraHost }),
    allow: later('allow'),
    annotation: list({ help: 'Annotation of the image, as [PLACE:]KEY=VALUE' }),
    attest: list({ help: 'Statement about the build, as type=sbom or type=provenance,mode=max' }),
    'build-arg': list({ help: 'Value of an ARG, as NAME=VALUE, or NAME for that of the environment' }),
    'build-context': later('build-context'),
    'cache-from': list({ help: 'Cache to look into: NAME, type=registry,ref=NAME or type=local,src=FOLDER' }),
    'cache-to': list({
      help: 'Where to keep the cache: type=inline, type=registry,ref=NAME or type=local,dest=FOLDER',
    }),
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
    load: toggle({ help: 'Also to the image store: --output type=docker' }),
    memory: bytes({ short: 'm', help: 'Most memory of a step' }),
    'memory-swap': bytes({ help: 'Memory and swap together' }),
    'metadata-file': text({ help: 'Write digests and names of the result into this file' }),
    network: text({ initial: 'default', help: 'Network of steps: default, none, host, or one by name' }),
    'no-cache': toggle({ help: 'Run every step anew' }),
    'no-cache-filter': list({ help: 'Run the steps of these stages anew' }),
    output: list({ short: 'o', help: 'Where the result goes: FOLDER, -, or type=local|tar|oci|docker|image,dest=…' }),
    platform: list({ help: 'What the image is for, such as linux/arm64; several make an index' }),
    progress: text({ initial: 'auto', help: "How to tell: 'auto', 'plain', 'tty', 'quiet' or 'rawjson'" }),
    provenance: list({ help: 'Short for --attest=type=provenance' }),
    pull: toggle({ help: 'Ask the registry even for images that are here' }),
    push: toggle({ help: 'Short for --output type=registry' }),
    quiet: toggle({ short: 'q', help: "Only the image's id" }),
    rm: toggle({ initial: true, help: 'Without effect: no containers are made that could stay' }),
    sbom: list({ help: 'Short for --attest=type=sbom' }),
    secret: list({ help: 'Secret of steps, as id=NAME[,src=FILE][,env=VARIABLE]' }),
    'shm-size': bytes({ help: 'Size of /dev/shm' }),
    ssh: list({ help: 'Agent of steps, as default or NAME=SOCKET' }),
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
    const outputs = outputsOf(flags);
    const cacheExports = flags['cache-to'].map(parseCache);
    using session = await openSession(context, context.client(), {
      ...{ outputs, cacheExports, secrets: flags.secret, agents: flags.ssh },
      cacheImports: flags['cache-from'].map(parseCache),
    });
    const attests = parseAttests([
      ...flags.attest.map((text) => ({ type: '', text })),
      ...flags.provenance.map((text) => ({ type: 'provenance', text })),
      ...flags.sbom.map((text) => ({ type: 'sbom', text })),
    ]);
    const { stream, remote, dockerfile } = await openContext(context, source, flags.file);
    const query = {
      version: '1',
      dockerfile: dockerfile || undefined,
      remote: remote || undefined,
      t: flags.tag,
      q: isQuiet,
      events: mode === 'tty' || mode === 'rawjson',
      keepfailed: true,
      record: true,
      contextname: stream && source !== '-' ? basename(resolve(context.workingDirectory, source)) : undefined,
      nocache: flags['no-cache'],
      nocachefilter: flags['no-cache-filter'].join(',') || undefined,
      pull: flags.pull,
      target: flags.target || undefined,
      platform: flags.platform.join(',') || undefined,
      session: session.id || undefined,
      outputs: jsonOf(outputs.map(({ Type, Attrs }) => ({ Type, Attrs }))),
      cacheto: jsonOf(cacheExports),
      cacheimports: jsonOf(session.cacheImports),
      attests: Object.keys(attests).length === 0 ? undefined : JSON.stringify(attests),
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
    // An archive on stdout is alone there.
    const shown = outputs.some(({ dest }) => dest === '-') ? context.stderr : context.stdout;
    using progress = showBuild(shown, mode);
    // What is half-made goes before the process does.
    using stop = stopping(context);
    const { signal } = stop;
    try {
      const sent = stream && progress.sending(stream);
      const request = { context: sent, query, registryConfig, signal };
      const { id, facts } = await context.client().builds.build(request, progress.message);
      progress.end();
      session.finish(facts);
      if (flags.iidfile !== '') writeResult(context, flags.iidfile, id, 'the image ID file');
      if (flags['metadata-file'] !== '') {
        writeResult(context, flags['metadata-file'], metadataOf(facts), 'the metadata file');
      }
      return 0;
    } catch (error) {
      if (signal.aborted) throw new CommandFailure('the build was cancelled', codeOf(signal.reason));
      progress.fail();
      const failure = withCode(error);
      if (mode === 'tty' && failure instanceof CommandFailure) {
        context.complain("'skiff debug' opens a shell in the state before it.");
      }
      throw failure;
    }
  },
});

/** Ctrl-C ends the build first, and the command after it. The reason of the signal is the name of the one that came. */
function stopping({ signals }: CommandContext): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController();
  const watch = signals.watch(['SIGINT', 'SIGTERM'], (name) => stop.abort(name));
  return { signal: stop.signal, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

/** As shells tell what a signal has ended. */
const codeOf = (signal: unknown): number => (signal === 'SIGTERM' ? 143 : 130);

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

function writeResult({ workingDirectory }: CommandContext, file: string, content: string, what: string): void {
  const path = resolve(workingDirectory, file);
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw fileError(`failed to write ${what}: open`, path, error);
  }
}

const jsonOf = (list: readonly unknown[]): string | undefined => (list.length === 0 ? undefined : JSON.stringify(list));

interface OutputFlags {
  readonly output: readonly string[];
  readonly push: boolean;
  readonly load: boolean;
  readonly tag: readonly string[];
  readonly annotation: readonly string[];
  readonly 'metadata-file': string;
}

/** With names and annotations; none where the image store is all that is wanted. */
function outputsOf(flags: OutputFlags): Output[] {
  const given = flags.output.map(parseOutput);
  const isImage = ({ Type }: Output): boolean => Type === 'image';
  // compat: pushing makes of an image that is wanted anyway one that is pushed.
  const pushed = given.map((output) =>
    flags.push && isImage(output) ? { ...output, Attrs: { push: 'true', ...output.Attrs } } : output,
  );
  const all = [
    ...pushed,
    ...(flags.push && !given.some(isImage) ? [{ Type: 'image', Attrs: { push: 'true' }, dest: '' }] : []),
    ...(flags.load && !given.some(isImage) && !flags.push ? [{ Type: 'image', Attrs: {}, dest: '' }] : []),
  ];
  // What a build without outputs does, with its facts told.
  if (all.length === 0 && (flags['metadata-file'] !== '' || flags.annotation.length > 0)) {
    all.push({ Type: 'image', Attrs: {}, dest: '' });
  }
  const annotations = flags.annotation.flatMap(parseAnnotation).map(({ name, value }) => [name, value] as const);
  return all.map((output) => {
    if (!/^(?:image|oci|docker)$/.test(output.Type)) return output;
    const named = flags.tag.length === 0 ? {} : { name: flags.tag.join(',') };
    return { ...output, Attrs: { ...output.Attrs, ...named, ...Object.fromEntries(annotations) } };
  });
}

/** compat: descriptors as objects, as buildx writes them. */
function metadataOf(facts: Readonly<Record<string, string>>): string {
  const entries = Object.entries(facts).map(([name, value]): [string, unknown] => {
    if (name === 'containerimage.descriptor') return [name, JSON.parse(Buffer.from(value, 'base64').toString())];
    return [name, name === 'cache.manifest' ? JSON.parse(value) : value];
  });
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), undefined, 2);
}

/** compat: a step's program that fails ends the command with its code. */
function withCode(error: unknown): unknown {
  if (!isRefusal(error) || !(error instanceof SkiffError)) return error;
  const status = Number(error.details['status'] ?? 0);
  return status > 0 && status < 256 ? new CommandFailure(error.message, status) : error;
}
