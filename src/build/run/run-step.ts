/**
 * Runs the program of a step in an overlay whose topmost folder becomes the layer.
 *
 * The story. A run folder and a cgroup of the step's own name are made; the launcher's shim runs the program, which is held
 * until its output has a reader; cgroup, mounts, interfaces and run folder go whatever happens. What a killed daemon leaves
 * is found by the run folder's name (restore.ts).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Demultiplexer } from '#wire';
import { newContainerId } from '#base';
import { readRootFile } from '#linux';
import { type LaunchRequest, resolveUser, type RunningProcess } from '#runtime';
import { errors, runFailed } from '../errors.ts';
import type { BuildParts } from '../parts.ts';
import { prepareMounts } from './mounts.ts';
import { joinNetwork, networkFiles, type RunNetwork, serveNames } from './network.ts';
import { runConfig } from './oci-config.ts';
import type { RunRequest } from './request.ts';
import type { RunRight } from './settings.ts';
import { findMissing, removeStubs } from './stubs.ts';

/** Where steps have their run folders. */
export const runRoot = (execRoot: string): string => `${execRoot}/build`;

/** The file in a run folder that says which cgroup the step has. */
export const CGROUP_NOTE = 'cgroup';

/** The cgroup of a step. */
function stepCgroup(parent: string, id: string): string {
  return `${parent.startsWith('/') ? '' : '/'}${parent}/build-${id}`;
}

/** Throws `build.runFailed` when the program fails, what keeps it from starting, and `build.cancelled`. */
export async function runStep(parts: BuildParts, request: RunRequest): Promise<void> {
  const { options, runtime, networks, layers, facts } = parts;
  const { step, root, layer, settings, signal } = request;
  refuseRights(request);
  const id = newContainerId();
  const folder = `${runRoot(options.execRoot)}/${id}`;
  const cgroupsPath = stepCgroup(settings.cgroupParent ?? options.cgroupParent, id);
  await using undo = new AsyncDisposableStack();
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/${CGROUP_NOTE}`, cgroupsPath);
  const given = undo.use(await prepareMounts(parts, request, folder));
  const network = await joinNetwork(networks, step, settings, id);
  undo.defer(() => {
    if (network.state) networks.release(id, network.state);
  });
  const targets = given.mounts.map(({ destination }) => destination);
  const missing = await findMissing({ folders: layers.folders(root), facts, program: runtime.helperProgram }, targets);
  const folders = [layer.folder, ...layers.folders(root)];
  const user = resolveUser(step.user, {
    passwd: readRootFile(folders, '/etc/passwd') ?? '',
    group: readRootFile(folders, '/etc/group') ?? '',
  });
  const overlayOptions = layer.overlay({ withMountPoints: true })!;
  const { interactive } = request;
  const config = runConfig({
    ...(interactive ? { terminal: interactive } : {}),
    step,
    settings,
    user,
    facts,
    cgroupVersion: runtime.cgroupVersion,
    cgroupsPath,
    network: network.kind,
    hostname: network.container.names[0]!,
    mounts: [...networkFiles(networks, network, settings, folder), ...given.mounts],
    environment: given.environment,
    rootPath: 'rootfs',
  });
  const launch: LaunchRequest = {
    id,
    config,
    overlay: { target: `${options.execRoot}/rootfs`, options: overlayOptions },
    runDirectory: folder,
    ...(network.setup ? { network: network.setup } : {}),
    seccomp: step.isPrivileged ? { kind: 'unconfined' } : parts.seccomp(),
    home: user.home,
    makeCwd: { uid: 0, gid: 0 },
    stdin: interactive !== undefined,
    stdinOnce: false,
    isInit: false,
    linger: false,
    hold: true,
  };
  if (signal.aborted) throw errors.cancelled();
  undo.defer(() => runtime.removeCgroup(cgroupsPath));
  await perform(parts, request, { launch, network, cgroupsPath });
  removeStubs(layer.folder, missing);
}

/** compat: rights a step asks for by itself have to be given to the build; its own settings are the user's already. */
function refuseRights({ step, settings }: RunRequest): void {
  const wanted: RunRight[] = [
    ...(step.network === 'host' ? (['network.host'] as const) : []),
    ...(step.isPrivileged ? (['security.insecure'] as const) : []),
  ];
  const refused = wanted.find((right) => !settings.rights.includes(right));
  if (refused !== undefined) throw errors.notAllowed(refused);
}

interface Performance {
  readonly launch: LaunchRequest;
  readonly network: RunNetwork;
  readonly cgroupsPath: string;
}

async function perform(parts: BuildParts, request: RunRequest, performance: Performance): Promise<void> {
  const { runtime, networks } = parts;
  const { step, signal } = request;
  const { launch, network, cgroupsPath } = performance;
  const process = await runtime.launch(launch);
  // What waits for its release is killed like what runs.
  const kill = (): void => void runtime.killCgroup(cgroupsPath).catch(() => {});
  signal.addEventListener('abort', kill);
  try {
    if (signal.aborted) kill();
    await serveNames(networks, network, process.pid);
    const { interactive } = request;
    const { ended } = await (interactive?.join(process) ?? follow(process, request));
    await process.release();
    const { code, oomKills } = await process.exited;
    await ended;
    if (signal.aborted) throw errors.cancelled();
    if (interactive) return interactive.onExit(code);
    if (code !== 0) throw runFailed(step.argv, code, oomKills > 0);
  } catch (error) {
    await runtime.killCgroup(cgroupsPath);
    await process.exited;
    throw signal.aborted ? errors.cancelled() : error;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Passes the program's output on; the inner promise is fulfilled at its end. */
async function follow(
  process: RunningProcess,
  { onOutput, drained }: RunRequest,
): Promise<{ readonly ended: Promise<void> }> {
  const socket = await process.attach({ stdin: false, stdout: true, stderr: true, raw: false, closeStdin: false });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const demultiplexer = new Demultiplexer();
  socket.on('data', (chunk: Buffer) => {
    demultiplexer.push(chunk, (stream, bytes) => onOutput(stream === 'stdout' ? 1 : 2, bytes));
    const wait = drained();
    if (!wait) return;
    socket.pause();
    void wait.then(() => socket.resume());
  });
  socket.on('error', () => {});
  socket.once('end', () => socket.destroy());
  socket.once('close', () => resolve());
  return { ended };
}
