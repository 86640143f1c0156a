/**
 * What cache mounts hold, as tars beside the layers of a cache that is kept elsewhere.
 *
 * The story. `--cache-to …,cache-mounts=true` packs the folders of those mounts that steps of the build have, each while nobody
 * writes into it. `--cache-from …,cache-mounts=true` looks for them where a step wants a mount that is not here: then its
 * folder begins with what the tar holds. A folder that is here stays as it is.
 */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { causeChain } from '#base';
import { archiveBytes, type ImageExport, tarOfTree } from '#images';
import { openTreeReader, openUnpacker, removeTree, UnpackSink } from '#linux';
import type { Descriptor } from '#specs';
import { TarReader } from '#wire';
import { errors } from '../errors.ts';
import type { CacheForm, ImportedCache } from '../export/export-wish.ts';
import type { Step } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { DIFF_ID } from './cache-config.ts';

/** The name of a mount, on the descriptor of its tar; other builders pass over what their records do not name. */
export const MOUNT_NAME = 'skiff.cache-mount';

/** Of the cache mounts these steps have, each once. */
export function mountNames(steps: readonly Step[]): string[] {
  const mounts = steps.flatMap((step) => (step.kind === 'run' ? step.mounts : []));
  return [...new Set(mounts.flatMap((mount) => (mount.kind === 'cache' ? [mount.id] : [])))].sort();
}

interface PackRequest {
  readonly names: readonly string[];
  readonly exporter: Pick<ImageExport, 'pack'>;
  readonly form: CacheForm;
  readonly signal: AbortSignal;
  readonly tell: (what: string) => void;
}

/** Their tars, of those that are here. Throws `build.cancelled` and what packing throws. */
export async function packMounts(
  { cacheMounts, runtime }: Pick<BuildParts, 'cacheMounts' | 'runtime'>,
  { names, exporter, form, signal, tell }: PackRequest,
): Promise<Descriptor[]> {
  const packed: Descriptor[] = [];
  for (const name of names) {
    const found = await cacheMounts.read(name, signal, async (folder) => {
      tell(`packing cache mount ${name}`);
      await using reader = openTreeReader({ folder }, { program: runtime.helperProgram });
      const tar = tarOfTree(reader.walk({ content: true }), (entry) => [entry]);
      return await exporter.pack(tar, form);
    });
    if (!found) continue;
    packed.push({ ...found.descriptor, annotations: { [DIFF_ID]: found.diffId, [MOUNT_NAME]: name } });
  }
  return packed;
}

/**
 * Of a new mount: what fills its folder, if one of the caches has it; the first that has is taken. It gives false, and an empty
 * folder, when that cannot be had.
 */
export function importedFill(
  parts: Pick<BuildParts, 'layers' | 'runtime' | 'log' | 'options'>,
  caches: readonly ImportedCache[],
  name: string,
  signal: AbortSignal,
): ((folder: string) => Promise<boolean>) | undefined {
  const found = caches.map((cache) => cache.mount(name)).find((mount) => mount !== undefined);
  if (!found) return undefined;
  return async (folder) => {
    try {
      using blob = await parts.layers.fetch(found.blob, found);
      await unpack(parts, blob.open(), folder, { name, signal });
      return true;
    } catch (error) {
      await emptied(folder);
      if (signal.aborted) throw errors.cancelled();
      // compat: a cache that cannot be read is no reason not to build.
      const what = 'a cache mount of an imported cache cannot be had: it begins without';
      parts.log.warn(what, { mount: name, error: causeChain(error) });
      return false;
    }
  };
}

/** Throws `build.badCache` for one that is larger than all caches may be, and what a damaged one gives. */
async function unpack(
  { runtime, options }: Pick<BuildParts, 'runtime' | 'options'>,
  archive: Parameters<typeof archiveBytes>[0],
  folder: string,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  const mostBytes = options.cacheBudgetBytes();
  await using unpacker = openUnpacker(folder, { program: runtime.helperProgram });
  const outside = (path: string): Error => errors.badCache(`${path} is outside of the cache mount ${name}`);
  const reader = new TarReader(new UnpackSink({ unpacker, folder: '', outside }));
  let bytes = 0;
  for await (const chunk of archiveBytes(archive)) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      throw errors.badCache(`the cache mount ${name} has more than the ${mostBytes} bytes of all caches here`);
    }
    if (signal.aborted) throw errors.cancelled();
    reader.push(chunk);
    await unpacker.ready();
  }
  reader.end();
  await unpacker.finish();
}

/** The folder as it was: empty, with its owner and mode. */
async function emptied(folder: string): Promise<void> {
  const { uid, gid, mode } = statSync(folder);
  await removeTree(folder);
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, uid, gid);
  chmodSync(folder, mode & 0o7777);
}
