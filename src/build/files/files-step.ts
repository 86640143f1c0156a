/** Performs a files step: its actions one after the other, each through an overlay whose topmost folder is the new layer. */
import { SkiffError, SyscallError } from '#base';
import type { BuiltLayer, LayerKey } from '#images';
import { openUnpacker, resolvePath, type UnpackerOptions } from '#linux';
import { errors } from '../errors.ts';
import type { CopyAction, FileAction, FilesStep, MakeFolderAction, StepId, WriteAction } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { copyInto } from './copy.ts';
import { type Destination, makeAbove } from './destination.ts';
import { parseMode } from './mode.ts';
import { type OwnerIds, resolveOwner } from './owner.ts';
import { isFolder, readLink, type SourceTree, stackTree } from './source-tree.ts';

export interface FilesRequest {
  readonly step: FilesStep;
  /** Lowest first. */
  readonly root: readonly LayerKey[];
  readonly layer: BuiltLayer;
  readonly treeOf: (step: StepId) => SourceTree;
  /** Of what is made now. */
  readonly nowNs: bigint;
  readonly signal: AbortSignal;
}

/** Throws `build.notFound`, `build.toNonFolder` and the like, `user.range`, `build.cancelled`. */
export async function applyFiles(parts: BuildParts, request: FilesRequest): Promise<void> {
  for (const action of request.step.actions) {
    if (request.signal.aborted) throw errors.cancelled();
    await applyAction(parts, request, action);
  }
}

async function applyAction(parts: BuildParts, request: FilesRequest, action: FileAction): Promise<void> {
  const { layers, facts, runtime } = parts;
  const { layer, root, signal, nowNs } = request;
  const helperProgram = runtime.helperProgram;
  const folders = [layer.folder, ...layers.folders(root)];
  const owner = resolveOwner(action.owner, folders);
  // As it is now: an earlier action may have changed it.
  await using below = stackTree({ folders, facts, helperProgram });
  const overlayOptions = layer.overlay({ withMountPoints: false });
  const source = action.kind === 'copy' ? request.treeOf(action.from) : undefined;
  const descriptor = await source?.descriptor();
  const options: UnpackerOptions = {
    program: helperProgram,
    sameKind: action.kind !== 'copy' || !action.unpacks,
    ...(overlayOptions ? { overlayOptions } : {}),
    ...(descriptor === undefined ? {} : { source: descriptor }),
  };
  await using unpacker = openUnpacker(layer.folder, options);
  const destination: Destination = { below, unpacker, nowNs, signal };
  try {
    if (action.kind === 'copy') await copy(source!, action, destination, owner);
    else if (action.kind === 'write') await write(action, destination, owner);
    else await makeFolder(action, destination, owner);
    await unpacker.finish();
  } catch (error) {
    if (signal.aborted) throw errors.cancelled();
    throw explained(error);
  }
}

function copy(
  source: SourceTree,
  action: CopyAction,
  destination: Destination,
  owner: OwnerIds | undefined,
): Promise<void> {
  return copyInto(destination, source, action, owner);
}

async function write(action: WriteAction, { below, unpacker, nowNs }: Destination, owner = ROOT): Promise<void> {
  const path = await resolvePath(bytes(action.path), (at) => readLink(below, at), true);
  const there = await below.stat(path);
  if (there && isFolder(there)) throw errors.overFolder(action.path);
  const mode = parseMode(action.mode)(0o644, false);
  await makeAbove({ below, unpacker, nowNs }, path, owner);
  const content = Buffer.from(action.content);
  unpacker.file(Buffer.from(path, 'latin1'), { mode, ...owner, mtimeNs: nowNs }, content.length);
  if (content.length > 0) unpacker.data(content);
  unpacker.end();
}

/** compat: a folder that is there stays as it is. */
async function makeFolder(action: MakeFolderAction, destination: Destination, owner = ROOT): Promise<void> {
  const { below, unpacker, nowNs } = destination;
  const path = await resolvePath(bytes(action.path), (at) => readLink(below, at), true);
  const there = await below.stat(path);
  if (there && !isFolder(there)) throw errors.notAFolder(action.path);
  if (there) return;
  await makeAbove(destination, path, owner);
  unpacker.dir(Buffer.from(path, 'latin1'), { mode: action.mode, ...owner, mtimeNs: nowNs });
}

const ROOT: OwnerIds = { uid: 0, gid: 0 };

const bytes = (path: string): string =>
  Buffer.from(path)
    .toString('latin1')
    .replace(/^\/+|\/+$/g, '');

/** compat: BuildKit's words for what the kernel refuses. */
function explained(error: unknown): unknown {
  if (error instanceof SkiffError || !(error instanceof SyscallError)) return error;
  const path = `/${error.subject.replace(/^.*: /, '')}`;
  if (error.errno === 'EISDIR') return errors.overFolder(path);
  if (error.errno === 'ENOTDIR') return errors.toNonFolder(path);
  return error;
}
