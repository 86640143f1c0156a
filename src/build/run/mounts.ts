/** `RUN --mount` and heredocs: what has to be there on the host, and the mounts that show it to the program. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { BuiltLayer } from '#images';
import { openUnpacker, resolvePath } from '#linux';
import type { Mount } from '#specs';
import { errors } from '../errors.ts';
import { isFolder, readLink, type SourceTree } from '../files/source-tree.ts';
import type { RunMount } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import type { RunRequest } from './request.ts';

export interface GivenMounts extends AsyncDisposable {
  readonly mounts: readonly Mount[];
  /** `NAME=value` of secrets. */
  readonly environment: readonly string[];
}

interface Preparing {
  readonly parts: BuildParts;
  readonly request: RunRequest;
  /** The step's run folder. */
  readonly folder: string;
  readonly undo: AsyncDisposableStack;
  readonly mounts: Mount[];
  readonly environment: string[];
}

/** Throws `build.noSecret`, `build.notFound` and the like; then nothing is left. */
export async function prepareMounts(parts: BuildParts, request: RunRequest, folder: string): Promise<GivenMounts> {
  await using undo = new AsyncDisposableStack();
  const preparing: Preparing = { parts, request, folder, undo, mounts: [], environment: [] };
  await prepareCaches(preparing);
  for (const [index, mount] of request.step.mounts.entries()) await prepare(preparing, mount, index);
  if (request.step.heredocs.length > 0) prepareHeredocs(preparing);
  const kept = undo.move();
  const { mounts, environment } = preparing;
  return { mounts, environment, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function prepare(preparing: Preparing, mount: RunMount, index: number): Promise<void> {
  switch (mount.kind) {
    case 'bind':
      return prepareBind(preparing, mount);
    case 'cache':
      // Taken all together, before anything else.
      return undefined;
    case 'tmpfs': {
      const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
      const options = ['nosuid', 'nodev', 'mode=1777', ...size];
      preparing.mounts.push({
        destination: absolute(preparing, mount.target),
        type: 'tmpfs',
        source: 'tmpfs',
        options,
      });
      return undefined;
    }
    case 'secret':
      return prepareSecret(preparing, mount, index);
    case 'ssh':
      return prepareSsh(preparing, mount);
  }
}

/** The source is shown where nothing has to be written or put together; else a copy of it that goes with the step. */
async function prepareBind(preparing: Preparing, mount: Extract<RunMount, { kind: 'bind' }>): Promise<void> {
  const { request, undo, mounts } = preparing;
  const source = request.sourceOf(mount.from);
  const destination = absolute(preparing, mount.target);
  const path = await pathIn(source.tree, mount.source);
  const copy = undo.use(await copyOf(preparing, source.tree, path));
  mounts.push(bind(copy.path, destination, mount.isWritable));
}

async function prepareCaches(preparing: Preparing): Promise<void> {
  const { parts, request, undo, mounts } = preparing;
  const caches = request.step.mounts.filter((mount) => mount.kind === 'cache');
  if (caches.length === 0) return;
  const { signal } = request;
  const taken = await parts.cacheMounts.takeAll(
    caches.map(({ id: name, sharing, mode, uid, gid, from, source }) => {
      const imported = request.importedFill?.(name);
      const fill = async (folder: string): Promise<void> => {
        if (await imported?.(folder)) return;
        if (from !== undefined) await fillFrom(preparing, from, source, folder);
      };
      return { name, sharing, mode, uid, gid, fill, signal };
    }),
  );
  undo.use(taken);
  for (const [index, { target, isWritable }] of caches.entries()) {
    mounts.push(bind(taken[index]!.folder, absolute(preparing, target), isWritable));
  }
}

async function fillFrom({ parts, request }: Preparing, from: number, source: string, folder: string): Promise<void> {
  const { tree } = request.sourceOf(from);
  const path = await pathIn(tree, source);
  const item = await tree.stat(path);
  if (!item || !isFolder(item)) throw errors.notAFolder(source);
  await send(parts, tree, path, folder);
}

async function prepareSecret(
  preparing: Preparing,
  mount: Extract<RunMount, { kind: 'secret' }>,
  index: number,
): Promise<void> {
  const { request, folder, mounts, environment } = preparing;
  const content = await request.gifts.secret(mount.id);
  if (content === undefined) {
    if (mount.isRequired) throw errors.noSecret(mount.id);
    return;
  }
  if (mount.environmentName !== undefined) environment.push(`${mount.environmentName}=${content.toString()}`);
  if (mount.target === undefined) return;
  const path = `${folder}/secret-${index}`;
  writeFileSync(path, content, { mode: 0o600 });
  chownSync(path, mount.uid, mount.gid);
  chmodSync(path, mount.mode);
  mounts.push(bind(path, absolute(preparing, mount.target), false));
}

async function prepareSsh(preparing: Preparing, mount: Extract<RunMount, { kind: 'ssh' }>): Promise<void> {
  const socket = await preparing.request.gifts.sshSocket(mount.id);
  if (!socket) {
    if (mount.isRequired) throw errors.noSsh(mount.id);
    return;
  }
  const { path } = preparing.undo.use(socket);
  chownSync(path, mount.uid, mount.gid);
  chmodSync(path, mount.mode);
  const destination = absolute(preparing, mount.target);
  preparing.mounts.push(bind(path, destination, true));
  preparing.environment.push(`SSH_AUTH_SOCK=${destination}`);
}

/** compat: below /dev/pipes, where the command that reads them looks. */
function prepareHeredocs({ request, folder, mounts }: Preparing): void {
  const path = `${folder}/pipes`;
  mkdirSync(path, { mode: 0o755 });
  for (const { path: name, content } of request.step.heredocs) {
    writeFileSync(`${path}/${posix.basename(name)}`, content, { mode: 0o755 });
  }
  mounts.push(bind(path, '/dev/pipes', false));
}

function bind(source: string, destination: string, isWritable: boolean): Mount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ...(isWritable ? [] : ['ro'])] };
}

/** compat: a relative target is below the working directory. */
function absolute({ request }: Preparing, target: string): string {
  return posix.resolve('/', request.step.workingDirectory, target).replace(/(.)\/$/, '$1');
}

async function pathIn(tree: SourceTree, source: string): Promise<string> {
  const bytes = Buffer.from(posix.normalize(`/${source}`))
    .toString('latin1')
    .replace(/^\/+|\/+$/g, '');
  const path = await resolvePath(bytes, (at) => readLink(tree, at), true);
  if (!(await tree.stat(path))) throw errors.notFound(`/${Buffer.from(path, 'latin1').toString()}`);
  return path;
}

/** A folder or file of its own, gone with the step. */
async function copyOf(
  { parts }: Preparing,
  tree: SourceTree,
  path: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  // A folder of the layer store: on the right disk, and what a crash leaves of it is removed at the next start.
  const layer: BuiltLayer = parts.layers.begin([]);
  try {
    const item = await tree.stat(path);
    const isTree = item !== undefined && isFolder(item);
    if (isTree) await send(parts, tree, path, layer.folder);
    else await send(parts, tree, path, layer.folder, 'file');
    return {
      path: isTree ? layer.folder : `${layer.folder}/file`,
      [Symbol.asyncDispose]: () => layer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await layer[Symbol.asyncDispose]();
    throw error;
  }
}

/** What is in a folder of the tree, or a file under another name. */
async function send(parts: BuildParts, tree: SourceTree, path: string, folder: string, name = ''): Promise<void> {
  const { helperProgram: program } = parts.runtime;
  const source = await tree.descriptor();
  await using unpacker = openUnpacker(folder, { program, ...(source === undefined ? {} : { source }) });
  await tree.send(path, unpacker, ({ path: each, mode, uid, gid, mtimeNs }) => {
    const inside = each === path ? name : path === '' ? each : each.slice(path.length + 1);
    const to = Buffer.from(inside === '' ? '.' : inside, 'latin1');
    return { path: to, mode: mode & 0o7777, uid, gid, mtimeNs };
  });
  await unpacker.finish();
}
