/**
 * A container's files as it sees them: through the root of its process while one runs, and otherwise its own layers with
 * its binds in their places. Every look is the native helper's, which follows no symlink and never leaves a tree.
 */
import { statSync } from 'node:fs';
import { posix } from 'node:path';
import { openStack } from '#images';
import {
  type HelperTree,
  openProcessRoot,
  openTreeReader,
  openUnpacker,
  S_IF,
  type TreeEntry,
  type TreeReader,
  type Unpacker,
  type WalkRecord,
} from '#linux';
import type { ContainerRecord } from '../container-record.ts';
import { hasProcess } from '../lifecycle.ts';
import { holdVolumes } from '../mounts/container-volumes.ts';
import { mountPointsOf } from '../mounts/mount-point.ts';
import type { MountPoint } from '../mounts/mount-setting.ts';
import type { EngineParts } from '../parts.ts';

/** Paths are byte strings without symlinks in them, see `resolvePath`. */
export interface ContainerFiles extends AsyncDisposable {
  stat(path: string): Promise<TreeEntry | undefined>;
  readLink(path: string): Promise<string | undefined>;
  /** A folder with all that is in it, or one file. What is mounted below it is there only while the container runs. */
  walk(path: string): AsyncGenerator<WalkRecord>;
  /** What fills the tree this path is in, and the path there. */
  openUnpacker(path: string, options: { readonly sameKind: boolean }): { unpacker: Unpacker; inside: string };
}

interface Place {
  /** Where in the container; '' is the root. */
  readonly prefix: string;
  /** What `prefix` is called in the tree: '' unless a single file, or part of a volume, is bound. */
  readonly base: string;
  readonly openReader: () => TreeReader;
  readonly tree: HelperTree;
}

/** To be called with the container's lock held when it does not run and is to be written to. */
export async function openContainerFiles(parts: EngineParts, record: ContainerRecord): Promise<ContainerFiles> {
  await using stack = new AsyncDisposableStack();
  const program = parts.runtime.helperProgram;
  const live = parts.live.get(record.id);
  const root =
    live && hasProcess(record.status) ? openProcessRoot(live.process.pid, live.process.startTime) : undefined;
  if (!root) {
    stack.use(await holdVolumes(parts, record));
    const places = [...mountedPlaces(parts, record), rootPlace(parts, record)];
    return new PlacedFiles(places, stack.move(), program);
  }
  stack.use(root);
  const tree: HelperTree = { folder: `the root of container ${record.id}`, root: root.descriptor };
  const place = { prefix: '', base: '', tree, openReader: () => openTreeReader(tree, { program }) };
  return new PlacedFiles([place], stack.move(), program);
}

/** Its own layers alone, as if nothing were mounted. */
export function openRootFiles(parts: EngineParts, record: ContainerRecord): ContainerFiles {
  return new PlacedFiles([rootPlace(parts, record)], new AsyncDisposableStack(), parts.runtime.helperProgram);
}

function rootPlace(parts: EngineParts, record: ContainerRecord): Place {
  const layer = parts.snapshots.open(record.id, record.imageId);
  const { facts, runtime } = parts;
  const program = runtime.helperProgram;
  return {
    prefix: '',
    base: '',
    tree:
      layer.kind === 'overlay'
        ? { folder: layer.folders[0]!, overlayOptions: layer.overlayOptions }
        : { folder: layer.folder },
    openReader: () => openStack({ folders: layer.folders, facts, helperProgram: program }),
  };
}

/** The innermost first. */
function mountedPlaces(parts: EngineParts, record: ContainerRecord): Place[] {
  const program = parts.runtime.helperProgram;
  const places = mountPointsOf(record).flatMap((point): Place[] => {
    const found = sourceOf(parts, point);
    if (!found) return [];
    const tree = { folder: found.folder };
    const [prefix, base] = [point.setting.destination.slice(1), found.base].map(bytesOf) as [string, string];
    return [{ prefix, base, tree, openReader: () => openTreeReader(tree, { program }) }];
  });
  return places.sort((a, b) => b.prefix.length - a.prefix.length);
}

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** The folder something is mounted from, and what of it; undefined where there is none to look at. */
function sourceOf(
  { volumes }: EngineParts,
  { setting, name }: MountPoint,
): { folder: string; base: string } | undefined {
  if (setting.type === 'volume') return { folder: volumes.pathOf(name), base: setting.subpath };
  if (setting.type !== 'bind') return undefined;
  const { source } = setting;
  const stats = statSync(source, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (stats.isDirectory()) return { folder: source, base: '' };
  return { folder: posix.dirname(source), base: posix.basename(source) };
}

class PlacedFiles implements ContainerFiles {
  readonly #places: readonly Place[];
  readonly #stack: AsyncDisposableStack;
  readonly #program: string;
  readonly #readers = new Map<Place, TreeReader>();

  constructor(places: readonly Place[], stack: AsyncDisposableStack, program: string) {
    this.#places = places;
    this.#stack = stack;
    this.#program = program;
  }

  async stat(path: string): Promise<TreeEntry | undefined> {
    const { place, inside } = this.#find(path);
    return this.#reader(place).stat(Buffer.from(inside, 'latin1'));
  }

  async readLink(path: string): Promise<string | undefined> {
    const entry = await this.stat(path);
    return entry && (entry.mode & S_IF.MASK) === S_IF.LNK ? entry.target.toString('latin1') : undefined;
  }

  async *walk(path: string): AsyncGenerator<WalkRecord> {
    const { place, inside } = this.#find(path);
    const bytes = Buffer.from(inside, 'latin1');
    const reader = this.#reader(place);
    const entry = await reader.stat(bytes);
    if (entry && (entry.mode & S_IF.MASK) === S_IF.DIR) {
      yield* reader.walk({ content: true, path: bytes, skipKernel: true });
      return;
    }
    for await (const record of reader.read(bytes)) {
      yield record.type === 'entry' ? { type: 'entry', entry: { ...record.entry, path: Buffer.alloc(0) } } : record;
    }
  }

  openUnpacker(path: string, { sameKind }: { readonly sameKind: boolean }): { unpacker: Unpacker; inside: string } {
    const { place, inside } = this.#find(path);
    const { folder, overlayOptions, root } = place.tree;
    const unpacker = openUnpacker(folder, {
      program: this.#program,
      sameKind,
      ...(overlayOptions ? { overlayOptions } : {}),
      ...(root === undefined ? {} : { root }),
    });
    return { unpacker: this.#stack.use(unpacker), inside };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  #find(path: string): { place: Place; inside: string } {
    const isIn = ({ prefix }: Place): boolean => prefix === '' || path === prefix || path.startsWith(`${prefix}/`);
    const place = this.#places.find(isIn)!;
    const rest = path.slice(place.prefix.length).replace(/^\//, '');
    return { place, inside: [place.base, rest].filter((part) => part !== '').join('/') };
  }

  #reader(place: Place): TreeReader {
    return this.#readers.getOrInsertComputed(place, () => this.#stack.use(place.openReader()));
  }
}
