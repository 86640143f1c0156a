/** All that becomes of one build: its exports, then its caches. */
import { formatPlatform } from '#specs';
import { messageOf } from '#base';
import { attestations, recordedOrigins } from '../attest/attest.ts';
import type { BuildOutcome, BuildWork } from '../build-work.ts';
import { type CacheSource, exportCache, inlineCache } from '../cache-transfer/export-cache.ts';
import { mountNames, packMounts } from '../cache-transfer/mount-archives.ts';
import type { BuildParts } from '../parts.ts';
import type { Solved } from '../solve/solver.ts';
import type { Built, BuiltOutput } from './built.ts';
import type { CacheExportWish, ExportWish } from './export-wish.ts';
import { type ExportTell, runExport } from './export.ts';
import { ImageRoots } from './image-root.ts';

/** Throws what the first failing export throws. A cache that cannot be written fails the build unless it says otherwise. */
export async function exportAll(parts: BuildParts, solved: Solved, work: BuildWork): Promise<BuildOutcome> {
  const { layers } = parts;
  const { signal, exports, cacheExports = [] } = work;
  using exporter = layers.export(signal);
  const cache = cacheSource(parts, solved, work, exporter);
  const built = await builtOf(parts, solved, work, cache);
  const listen = work.onExport ?? { during: (_name, run) => run(() => {}) };
  const outcome: { images: BuildOutcome['images'][number][]; facts: Record<string, string> } = {
    images: [],
    facts: {},
  };
  const roots = new ImageRoots(built);
  for (const wish of exports) {
    const { images, facts } = await listen.during(nameOf(wish), (tell) => runExport({ built, roots }, wish, tell));
    outcome.images.push(...images);
    // What was pushed is what it is called elsewhere: it wins over the image store's.
    Object.assign(outcome.facts, facts);
  }
  for (const wish of cacheExports) {
    Object.assign(outcome.facts, await listen.during(cacheName(wish), (tell) => cacheOrNot(cache, wish, tell)));
  }
  const { graph, attest } = work;
  return {
    ...outcome,
    origins: attest ? recordedOrigins(solved, { graph, outputs: built.outputs, attest }) : new Map(),
  };
}

function cacheSource(
  parts: BuildParts,
  { needed, exported, entries }: Solved,
  { epochNs, graph, signal }: BuildWork,
  exporter: Built['exporter'],
): CacheSource {
  const { cache } = parts;
  const names = mountNames(needed.map((step) => graph.steps[step]!));
  const entryOf = (step: number) => cache.get(entries.get(step) ?? '');
  return {
    all: needed.flatMap((step) => entryOf(step) ?? []),
    exported: needed.filter((step) => exported.has(step)).flatMap((step) => entryOf(step) ?? []),
    exporter,
    epochNs,
    packMounts: (form, tell) => packMounts(parts, { names, exporter, form, signal, tell }),
  };
}

async function builtOf(parts: BuildParts, solved: Solved, work: BuildWork, cache: CacheSource): Promise<Built> {
  const { layers, facts, runtime } = parts;
  const { graph, epochNs, signal, isList = false, attest, hasInlineCache = false } = work;
  const outputs = graph.outputs.map(
    (output): BuiltOutput => ({
      ...output,
      layers: solved.layersOf(output.root),
      platformId: formatPlatform(output.platform),
    }),
  );
  const inline = (keys: BuiltOutput['layers']): string | undefined => inlineCache(cache.exported, keys, epochNs);
  return {
    outputs,
    isList,
    epochNs,
    attestations: attest ? await attestations(parts, solved, { graph, outputs, attest }) : new Map(),
    inlineCache: hasInlineCache ? inline : undefined,
    exporter: cache.exporter,
    folders: (keys) => layers.folders(keys),
    facts,
    helperProgram: runtime.helperProgram,
    store: ({ layers: keys, config, platform, author, history }, names) => {
      const records = hasInlineCache ? inline(keys) : undefined;
      return layers.assemble({
        ...{ layers: keys, config, platform, author, history, names, signal },
        ...(epochNs === undefined ? {} : { epochNs }),
        ...(records === undefined ? {} : { inlineCache: records }),
      });
    },
    signal,
  };
}

/** compat: what clients show in front of it. */
function nameOf(wish: ExportWish): string {
  switch (wish.kind) {
    case 'store':
      return 'exporting to image';
    case 'push':
      return 'pushing image';
    case 'archive':
    case 'layout':
      return `exporting to ${wish.isDocker ? 'docker' : 'oci'} image format`;
    case 'folder':
      return 'exporting to client directory';
    case 'tar':
      return 'exporting to client tarball';
  }
}

const cacheName = ({ kind }: CacheExportWish): string =>
  kind === 'registry' ? 'exporting cache to registry' : 'exporting cache to client directory';

async function cacheOrNot(
  cache: CacheSource,
  wish: CacheExportWish,
  tell: ExportTell,
): Promise<Record<string, string>> {
  try {
    return { ...(await exportCache(cache, wish, tell)) };
  } catch (error) {
    if (!wish.form.ignoresErrors) throw error;
    tell(`error exporting the cache, ignored: ${messageOf(error)}`);
    return {};
  }
}
