/**
 * Completes a layer whose archive relies on the layers below: folders it only put something into get the owner, mode,
 * time and extended attributes they have below, and hard links to files of layers below become copies of those.
 *
 * A folder that is in two layers shows the attributes of the upper one, so guessing them would change what the image
 * says. compat: what unpacking onto the mounted stack, Docker's slow way, would give.
 */
import { type HostFacts, openUnpacker, type TreeEntry, type TreeReader, type Unpacker } from '#linux';
import { errors } from '../errors.ts';
import { isFolder, MergedTree } from './merged-tree.ts';
import { putFile, putFolder } from './put-entry.ts';
import { parentOf } from './placed-paths.ts';
import { openStack } from './tree.ts';
import type { LayerForm, UnpackedLayer } from './unpack-archive.ts';

export interface SettleRequest {
  /** The layer's, as it was unpacked. */
  readonly folder: string;
  /** Folders of the layers below, topmost first. */
  readonly lowers: readonly string[];
  /** Of all these folders; `overlay` if not said. */
  readonly form?: LayerForm;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
}

/** Whether a layer has to be settled, and belongs to its stack then. */
export function needsSettling(layer: UnpackedLayer): boolean {
  return layer.impliedFolders.length > 0 || layer.missingLinks.length > 0;
}

/** Throws `image.danglingLink` for a link to what is nowhere, and the helper's `SyscallError`. */
export async function settleLayer(request: SettleRequest, layer: UnpackedLayer): Promise<void> {
  const { folder, lowers, facts, helperProgram } = request;
  const missing = layer.missingLinks[0];
  if (lowers.length === 0 && missing) throw errors.danglingLink(missing.path, missing.existing);
  if (lowers.length === 0) return;
  await using below = await openBelow(request);
  await using own = openStack({ folders: [folder], facts, helperProgram });
  await using unpacker = openUnpacker(folder, { program: helperProgram });
  await copyLinked(layer, { below, own, unpacker });
  for (const path of layer.impliedFolders.map((text) => Buffer.from(text, 'latin1'))) {
    const [found, there] = [await below.stat(path), await own.stat(path)];
    if (found && isFolder(found) && there && isFolder(there)) putFolder(unpacker, found);
  }
  await unpacker.finish();
}

type Below = Pick<TreeReader, 'stat' | 'read' | typeof Symbol.asyncDispose>;

/** The layers below as one tree. */
async function openBelow({ lowers, form, facts, helperProgram }: SettleRequest): Promise<Below> {
  if (form !== 'marked') return openStack({ folders: lowers, facts, helperProgram });
  const tree = await MergedTree.of(lowers, helperProgram);
  const layers = lowers.map((folder) => ({ folder, reader: openStack({ folders: [folder], facts, helperProgram }) }));
  return {
    stat: async (path) => tree.get(path)?.entry,
    read: (path) => {
      const found = tree.get(path);
      return layers.find(({ folder }) => folder === (found?.folder ?? lowers[0]))!.reader.read(path);
    },
    [Symbol.asyncDispose]: async () => {
      for (const { reader } of layers) await reader[Symbol.asyncDispose]();
    },
  };
}

interface Trees {
  readonly below: Below;
  readonly own: TreeReader;
  readonly unpacker: Unpacker;
}

async function copyLinked(layer: UnpackedLayer, { below, own, unpacker }: Trees): Promise<void> {
  /** Where a file of below has been copied to. */
  const copies = new Map<string, Buffer>();
  for (const { path, existing } of layer.missingLinks) {
    const to = Buffer.from(path, 'latin1');
    const copy = copies.get(existing);
    const parent: TreeEntry | undefined = await own.stat(Buffer.from(parentOf(path), 'latin1'));
    const from = Buffer.from(existing, 'latin1');
    if (copy) unpacker.link(to, copy);
    else if (!(await below.stat(from)) || !(await putFile(unpacker, to, below.read(from)))) {
      throw errors.danglingLink(path, existing);
    }
    copies.set(existing, copy ?? to);
    // Its time has changed by what was put into it.
    if (parent) putFolder(unpacker, parent);
  }
}
