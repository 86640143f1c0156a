/**
 * Completes a layer whose archive relies on the layers below: folders it only put something into get the owner, mode,
 * time and extended attributes they have below, and hard links to files of layers below become copies of those.
 *
 * A folder that overlayfs finds in two layers shows the attributes of the upper one, so guessing them would change what
 * the image says. compat: what unpacking onto the mounted stack, Docker's slow way, would give.
 */
import { type HostFacts, openUnpacker, S_IF, type TreeEntry, type TreeReader, type Unpacker } from '#linux';
import { errors } from '../errors.ts';
import type { UnpackedLayer } from './unpack-archive.ts';
import { openStack } from './tree.ts';

export interface SettleRequest {
  /** The layer's, as it was unpacked. */
  readonly folder: string;
  /** Folders of the layers below, topmost first. */
  readonly lowers: readonly string[];
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
  await using below = openStack({ folders: lowers, facts, helperProgram });
  await using own = openStack({ folders: [folder], facts, helperProgram });
  await using unpacker = openUnpacker(folder, { program: helperProgram });
  await copyLinked(layer, { below, own, unpacker });
  for (const path of layer.impliedFolders.map((text) => Buffer.from(text, 'latin1'))) {
    const [found, there] = [await below.stat(path), await own.stat(path)];
    if (found && isFolder(found) && there && isFolder(there)) putFolder(unpacker, found);
  }
  unpacker.sync();
  await unpacker.finish();
}

interface Trees {
  readonly below: TreeReader;
  readonly own: TreeReader;
  readonly unpacker: Unpacker;
}

async function copyLinked(layer: UnpackedLayer, { below, own, unpacker }: Trees): Promise<void> {
  /** Where a file of below has been copied to. */
  const copies = new Map<string, Buffer>();
  for (const { path, existing } of layer.missingLinks) {
    const to = Buffer.from(path, 'latin1');
    const copy = copies.get(existing);
    const parent = await own.stat(Buffer.from(path.slice(0, Math.max(path.lastIndexOf('/'), 0)), 'latin1'));
    if (copy) unpacker.link(to, copy);
    else if (!(await copyEntry(below, existing, to, unpacker))) throw errors.danglingLink(path, existing);
    copies.set(existing, copy ?? to);
    // Its time has changed by what was put into it.
    if (parent) putFolder(unpacker, parent);
  }
}

/** One entry of below under another path; false where there is none, or a folder. */
async function copyEntry(below: TreeReader, from: string, to: Buffer, unpacker: Unpacker): Promise<boolean> {
  let isCopied = false;
  for await (const record of below.read(Buffer.from(from, 'latin1'))) {
    if (record.type === 'entry') isCopied = putEntry(unpacker, to, record.entry);
    else if (record.type === 'data') unpacker.data(record.bytes);
    else if (record.type === 'hole') unpacker.hole(record.length);
    else if (record.type === 'end') unpacker.end();
    await unpacker.ready();
  }
  return isCopied;
}

function putEntry(unpacker: Unpacker, to: Buffer, entry: TreeEntry): boolean {
  const type = entry.mode & S_IF.MASK;
  if (type === S_IF.DIR) return false;
  putXattrs(unpacker, entry);
  if (type === S_IF.REG) unpacker.file(to, permissions(entry), entry.size);
  else if (type === S_IF.LNK) unpacker.symlink(to, entry.target, entry);
  else unpacker.node(to, entry, entry.devMajor, entry.devMinor);
  return true;
}

function putFolder(unpacker: Unpacker, entry: TreeEntry): void {
  putXattrs(unpacker, entry);
  unpacker.dir(entry.path.length === 0 ? Buffer.from('.') : entry.path, permissions(entry));
}

function putXattrs(unpacker: Unpacker, { xattrs }: TreeEntry): void {
  for (const [name, value] of xattrs) {
    // Marks of a lower layer say what is hidden there, not here.
    if (/^(?:trusted|user)\.overlay\./.test(name.toString('latin1'))) continue;
    unpacker.xattr(name, value, { optional: name.toString('latin1') !== 'security.capability' });
  }
}

const isFolder = (entry: TreeEntry): boolean => (entry.mode & S_IF.MASK) === S_IF.DIR;
const permissions = (entry: TreeEntry): TreeEntry => ({ ...entry, mode: entry.mode & 0o7777 });
