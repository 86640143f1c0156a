/**
 * The native helper in the modes that do one thing and end, a process each: `unpack` fills a folder, `pack` reads one, `log`
 * renders a log, `folder` sets a folder's flags, `run` performs one plan with the caller's own standard streams.
 * With launcher.ts the only file that starts the helper.
 */
import { type ChildProcessByStdio, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { constants as osConstants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { BytesReader, defineErrors } from '#base';
import { helperPath } from './helper-path.ts';
import { exitCodeOf, FrameSplitter, type HelperEvent, readEvent } from './helper-protocol.ts';

const errors = defineErrors('helper', {
  silentFolder: {
    kind: 'internal',
    message: (what: string, how: string) => `the native helper ended (${how}) without a word on 'folder ${what}'`,
  },
  silent: {
    kind: 'internal',
    message: (how: string) => `the native helper ended without saying what became of the plan (${how})`,
  },
});

/**
 * The child that performs an unpack stream (standard input) inside the folder and reports (standard output); it copies
 * content out of the open file `source` (its fd 3).
 */
export function spawnUnpack(
  tree: HelperTree,
  program: string = helperPath(),
  source?: number,
): ChildProcessByStdio<Writable, Readable, null> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', source ?? 'ignore', tree.root ?? 'ignore'];
  const child = spawn(program, ['unpack', ...treeArguments(tree)], { stdio, env: {}, detached: true });
  return child as ChildProcessByStdio<Writable, Readable, null>;
}

/** What a helper fills or reads. */
export interface HelperTree {
  /** The folder, or where old kernels mount the overlay. */
  readonly folder: string;
  /** Of an overlay: `lowerdir…`. None: the folder itself is the tree. */
  readonly overlayOptions?: readonly string[];
  /** An open folder that is the tree instead, such as the root of another process. It stays the caller's. */
  readonly root?: number;
}

function treeArguments({ folder, overlayOptions = [], root }: HelperTree): string[] {
  return root === undefined ? [folder, ...overlayOptions] : ['/proc/self/fd/4'];
}

/** The child that answers questions about a tree: a folder, or with options an overlay of its own. */
export function spawnPack(
  tree: HelperTree,
  program: string = helperPath(),
): ChildProcessByStdio<Writable, Readable, null> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', 'ignore', tree.root ?? 'ignore'];
  const child = spawn(program, ['pack', ...treeArguments(tree)], { stdio, env: {}, detached: true });
  return child as ChildProcessByStdio<Writable, Readable, null>;
}

/**
 * The child that renders these bytes of a log (an open file) on its standard output; standard error tells how far it came.
 * The flags stand in native/README.md, "Log".
 */
export function spawnLogReader(
  log: number,
  { start, end, flags }: { readonly start: number; readonly end: number; readonly flags: number },
  program: string = helperPath(),
): ChildProcessByStdio<null, Readable, Readable> {
  const args = ['log', String(start), String(end), String(flags)];
  const stdio: StdioOptions = [log, 'pipe', 'pipe'];
  return spawn(program, args, { stdio, env: {}, detached: true }) as ChildProcessByStdio<null, Readable, Readable>;
}

/**
 * One thing done to folders, in a helper of its own that is waited for: a millisecond, not for the way of every start.
 * The errno (0 for well) and what it was about.
 */
export function runFolder(args: readonly string[], program: string = helperPath()): FolderReport {
  const { said, how } = runHelper(['folder', ...args], Buffer.alloc(0), program);
  if (said.length < 9) throw errors.silentFolder(args.join(' '), how);
  const reader = new BytesReader(said);
  return { errno: reader.u32(), detail: reader.string() };
}

/** A mode that reads standard input to its end, and is waited for. Throws Node's error when it cannot be started. */
export function runHelper(args: readonly string[], input: Uint8Array, program: string = helperPath()): HelperEnd {
  const { error, stdout, signal, status } = spawnSync(program, args, {
    input,
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (error) throw error;
  return { said: stdout, how: signal ?? `exit code ${status}` };
}

export interface HelperEnd {
  /** On standard output. */
  readonly said: Buffer;
  /** `exit code 0`, or a signal. */
  readonly how: string;
}

export interface FolderReport {
  readonly errno: number;
  readonly detail: string;
}

export interface PlanRequest {
  /** An encoded plan. */
  readonly plan: Uint8Array;
  /** Stay as the container's parent and pass signals on; with `tty` join the terminal to the own one. */
  readonly foreground?: { readonly tty: boolean; readonly subreaper: boolean };
  /** File descriptors 3 … 2 + n of this process that the container inherits. */
  readonly preserveFds: number;
}

/** What came of a plan: the child waits, runs (pid 0 for a plan without a child), or the first failure. */
export type PlanReady = Extract<HelperEvent, { readonly type: 'created' | 'started' | 'failed' }>;

export interface PlanRun {
  /** Rejected when the helper could not be started or says nothing. */
  readonly ready: Promise<PlanReady>;
  /** The exit code when the helper has ended: of the container in the foreground, 128 + signal if it was killed. */
  readonly ended: Promise<number>;
  /** To the container's process, by way of the helper; only in the foreground. */
  signal(signal: NodeJS.Signals): void;
}

/** Performs one plan in a helper of its own, which inherits stdin, stdout and stderr. Throws `helper.missing`. */
export function runPlan({ plan, foreground, preserveFds }: PlanRequest): PlanRun {
  const args = ['run', '--preserve-fds', String(preserveFds)];
  if (foreground) args.push('--foreground');
  if (foreground?.tty) args.push('--tty');
  if (foreground && !foreground.subreaper) args.push('--no-subreaper');
  const inherited = Array.from({ length: 3 + preserveFds }, (_, fd) => fd);
  const child = spawn(helperPath(), args, {
    stdio: [...inherited, 'pipe', 'pipe'],
    // A terminal sends its signals to the whole foreground group: the helper would get them from there and from us.
    // With `tty` it has to stay in the group, to read from the terminal; that is raw then and sends no signals.
    detached: foreground !== undefined && !foreground.tty,
  });
  const { promise: ready, resolve: settle, reject: refuse } = Promise.withResolvers<PlanReady>();
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  ready.catch(() => {});
  let code: number | undefined;
  const splitter = new FrameSplitter();
  const report = child.stdio[4 + preserveFds] as Duplex;
  report.on('data', (chunk: Buffer) => {
    for (const frame of splitter.push(chunk)) {
      const { event } = readEvent(frame);
      if (event.type === 'created' || event.type === 'started' || event.type === 'failed') settle(event);
      else if (event.type === 'exit') code = exitCodeOf(event.waitStatus);
    }
  });
  report.on('error', refuse);
  const requests = child.stdio[3 + preserveFds] as Duplex;
  // A helper that is gone before it has read the plan is told by its end.
  requests.on('error', () => {});
  requests.end(plan);
  child.once('error', (error) => {
    refuse(error);
    end(1);
  });
  // 'close' comes after the last byte of the report.
  child.once('close', (status, signal) => {
    refuse(errors.silent(signal ?? `exit code ${status}`));
    end(code ?? status ?? 128 + (signal ? osConstants.signals[signal] : 0));
  });
  return { ready, ended, signal: (signal) => void child.kill(signal) };
}
