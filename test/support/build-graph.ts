/** Graphs of builds in the words of tests, and a daemon in this process that runs them. */
import { createReadStream, globSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type {
  BuildEvent,
  BuildGraph,
  BuildWork,
  CopyAction,
  FileAction,
  LocalContext,
  RunStep,
  Step,
  StepId,
} from '#build';
import { defaultRunSettings, noGifts, plainForm } from '#build';
import { configOfFlags, type RunningDaemon, startDaemon } from '#daemon';
import { emptyImageConfig, type ImageRecord, type LayerKey } from '#images';
import type { HistoryEntry } from '#specs';
import { busyboxTar } from './rootfs.ts';
import { testCgroup } from './leaks.ts';

const FACTS = { ignoresCache: false };
const PLATFORM = { os: 'linux', architecture: 'amd64' };

export const PATH = 'PATH=/bin:/usr/bin:/sbin:/usr/sbin';

/** A graph that grows step by step; each gives its number. */
export class GraphDraft {
  readonly steps: Step[] = [];
  readonly history: HistoryEntry[] = [];

  image(reference: string): StepId {
    this.history.push({ createdBy: `FROM ${reference}`, created: '2026-01-01T00:00:00Z' });
    return this.#add({ ...FACTS, kind: 'image', name: `FROM ${reference}`, reference, platform: PLATFORM });
  }

  local(excludes: readonly string[] = [], context = 'context'): StepId {
    return this.#add({ ...FACTS, kind: 'local', name: 'load build context', context, excludes, paths: [] });
  }

  run(root: StepId | undefined, script: string, more: Partial<RunStep> = {}): StepId {
    this.history.push({ createdBy: `RUN ${script}` });
    return this.#add({
      ...FACTS,
      kind: 'run',
      name: `RUN ${script}`,
      root,
      argv: ['/bin/sh', '-c', script],
      environment: [PATH],
      workingDirectory: '/',
      user: '',
      network: 'none',
      isPrivileged: false,
      mounts: [],
      heredocs: [],
      proxyEnvironment: [],
      ...more,
    });
  }

  files(root: StepId | undefined, ...actions: readonly FileAction[]): StepId {
    this.history.push({ createdBy: 'COPY' });
    return this.#add({ ...FACTS, kind: 'files', name: 'COPY', root, actions });
  }

  copy(
    root: StepId | undefined,
    from: StepId,
    sources: readonly string[],
    target: string,
    more: Partial<CopyAction> = {},
  ): StepId {
    return this.files(root, copyAction(from, sources, target, more));
  }

  graph(root: StepId | undefined): BuildGraph {
    const { history } = this;
    const output = { platform: PLATFORM, root, config: { ...emptyImageConfig, env: [PATH] }, author: '', history };
    return { steps: this.steps, outputs: [output] };
  }

  #add(step: Step): StepId {
    this.steps.push(step);
    return this.steps.length - 1;
  }
}

export function copyAction(
  from: StepId,
  sources: readonly string[],
  target: string,
  more: Partial<CopyAction> = {},
): CopyAction {
  return {
    kind: 'copy',
    from,
    sources,
    target,
    mode: '',
    owner: '',
    excludes: [],
    keepsParents: false,
    unpacks: false,
    isLinked: false,
    ...more,
  };
}

export interface Built {
  readonly image: ImageRecord;
  readonly events: readonly BuildEvent[];
  /** Names of the steps that were run. */
  readonly ran: readonly string[];
  /** What programs wrote. */
  readonly output: string;
}

/** A daemon in this process, without a network, with the image `busybox`. */
export class BuildWorld implements AsyncDisposable {
  readonly folder = mkdtempSync('/tmp/skiff-build-');
  readonly cgroupParent = `/${testCgroup(basename(this.folder))}`;
  #daemon: RunningDaemon | undefined;
  /** Told of events as they come. */
  onEvent: (event: BuildEvent) => void = () => {};

  get daemon(): RunningDaemon {
    return this.#daemon!;
  }

  async start(): Promise<void> {
    this.#daemon = await startDaemon(
      configOfFlags([
        `--data-root=${this.folder}/data`,
        `--exec-root=${this.folder}/exec`,
        `--host=unix://${this.folder}/api.sock`,
        '--group=',
        '--bridge=none',
        `--cgroup-parent=${this.cgroupParent}`,
        '--log-level=error',
      ]),
      [],
    );
    const { images } = this.daemon.assembly.parts;
    if (await images.find('busybox')) return;
    await images.import(createReadStream(busyboxTar()), { reference: 'busybox:latest', message: '', changes: [] });
  }

  receive(tar: Buffer): Promise<LocalContext> {
    return this.daemon.assembly.builder.receive(Readable.from([tar]), new AbortController().signal);
  }

  async build(graph: BuildGraph, more: Partial<BuildWork> & { readonly context?: Buffer } = {}): Promise<Built> {
    const { context: tar, ...rest } = more;
    await using context = tar === undefined ? undefined : await this.receive(tar);
    const events: BuildEvent[] = [];
    const {
      images: [image],
    } = await this.daemon.assembly.builder.build({
      graph,
      exports: [{ kind: 'store', names: [], form: plainForm([]) }],
      contextOf: async () => context!,
      pull: () => Promise.reject(new Error('nothing is pulled here')),
      settings: defaultRunSettings,
      gifts: noGifts,
      nowNs: 1_700_000_000_000_000_000n,
      signal: new AbortController().signal,
      ...rest,
      tell: (event) => {
        events.push(event);
        this.onEvent(event);
      },
    });
    const ran = events.flatMap((event) => (event.type === 'started' ? [graph.steps[event.step]!.name] : []));
    const output = events.flatMap((event) => (event.type === 'log' ? [event.bytes.toString()] : [])).join('');
    return { image: image!, events, ran, output };
  }

  /** Cgroups, half-made layers, and layers nobody has a record of. */
  leftovers(): string[] {
    const layers = `${this.folder}/data/layers`;
    const wanted = this.daemon.assembly.builder.wantedLayers();
    const { images } = this.daemon.assembly.parts;
    const known = new Set([...wanted, ...images.list().flatMap((image) => image.layers.map(({ key }) => key))]);
    return [
      ...globSync(`/sys/fs/cgroup/**${this.cgroupParent}/*/`),
      ...readdirSync(layers).filter((name) => !known.has(name as LayerKey)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.shutDown();
    await this.#daemon?.[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
