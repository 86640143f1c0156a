/** Caches a client names → wishes of the builder, and caches it may look into. */
import { parseDigest } from '#base';
import { type Builder, type CacheExportWish, type CacheForm, importCache, type ImportedCache } from '#build';
import type { AuthConfig } from '#registry';
import { MAX_MANIFEST_BYTES, parseManifest } from '#specs';
import { errors } from './errors.ts';
import { Options } from './options.ts';
import type { ProgressOfBuild } from './progress-of-build.ts';
import { SessionContent } from './session-content.ts';
import type { Session } from './sessions.ts';

/** As it is sent, in requests and in JSON. */
export interface CacheEntryOption {
  readonly Type: string;
  readonly Attrs: Readonly<Record<string, string>>;
}

export interface CachePaths {
  readonly session: () => Session;
  readonly credentialsFor: (name: string) => Promise<AuthConfig>;
  readonly signal: AbortSignal;
}

export interface CacheExports {
  readonly wishes: readonly CacheExportWish[];
  /** Records in the configs of images. */
  readonly hasInline: boolean;
}

/** Throws `buildkit.badOption`. */
export function readCacheExports(entries: readonly CacheEntryOption[], paths: CachePaths): CacheExports {
  const wishes: CacheExportWish[] = [];
  let hasInline = false;
  for (const { Type, Attrs } of entries) {
    const options = new Options(`--cache-to type=${Type}`, Attrs);
    if (Type === 'inline') {
      if ((options.text('mode') || 'min') !== 'min')
        options.refuse('mode', 'max', 'an image only holds its own layers');
      hasInline = true;
    } else if (Type === 'registry') {
      const reference = options.text('ref');
      if (reference === '') options.refuse('ref', '', 'name the repository and tag');
      refuseInsecure(options);
      wishes.push({ kind: 'registry', form: cacheForm(options), reference, credentialsFor: paths.credentialsFor });
    } else if (Type === 'local') {
      const folder = options.text('dest');
      if (folder === '') options.refuse('dest', '', 'name the folder');
      // compat: the client's own: under which name its folder lists the cache.
      options.text('tag');
      const store = (): SessionContent => new SessionContent(paths.session(), `local:${folder}`, paths.signal);
      wishes.push({ kind: 'layout', form: cacheForm(options), write: (blob, bytes) => store().write(blob, bytes) });
    } else options.refuse('type', Type, 'use inline, registry or local');
    options.end();
  }
  return { wishes, hasInline };
}

function cacheForm(options: Options): CacheForm {
  const mode = options.text('mode') || 'min';
  if (mode !== 'min' && mode !== 'max') options.refuse('mode', mode, 'use min or max');
  const isOci = options.flag('oci-mediatypes') ?? true;
  const isManifest = options.flag('image-manifest') ?? isOci;
  if (isManifest && !isOci) options.refuse('image-manifest', 'true', 'leave out oci-mediatypes=false');
  return {
    isWhole: mode === 'max',
    isManifest,
    isOci,
    compression: options.compression(),
    hasMounts: options.flag('cache-mounts') ?? false,
    ignoresErrors: options.flag('ignore-error') ?? false,
  };
}

function refuseInsecure(options: Options): void {
  if (options.flag('registry.insecure') === true) {
    options.refuse('registry.insecure', 'true', 'start the daemon with --insecure-registry');
  }
}

/** compat: of the attribute `cache-imports`, or of the older list of names. Throws `buildkit.badOption`. */
export function readCacheImports(attributes: Readonly<Record<string, string>>): CacheEntryOption[] {
  const older = (attributes['cache-from'] ?? '').split(',').filter((name) => name !== '');
  const named = older.map((ref) => ({ Type: 'registry', Attrs: { ref } }));
  const text = attributes['cache-imports'] ?? '';
  if (text === '') return named;
  let listed: unknown;
  try {
    listed = JSON.parse(text);
  } catch {
    throw errors.badOption('--cache-from', 'cache-imports', text, 'it is no JSON');
  }
  // compat: an empty list is Go's null.
  if (listed === null) return named;
  if (!Array.isArray(listed)) throw errors.badOption('--cache-from', 'cache-imports', text, 'it is no list');
  return [...named, ...listed.map(entryOf)];
}

function entryOf(value: unknown): CacheEntryOption {
  const { Type, Attrs } = (value ?? {}) as { readonly Type?: unknown; readonly Attrs?: unknown };
  const attributes = Object.entries(typeof Attrs === 'object' && Attrs !== null ? Attrs : {});
  return { Type: String(Type), Attrs: Object.fromEntries(attributes.map(([key, each]) => [key, String(each)])) };
}

export interface ImportParts extends CachePaths {
  readonly builder: Pick<Builder, 'registryCache' | 'imageCache'>;
  readonly progress: Pick<ProgressOfBuild, 'during'>;
}

/** Those that can be read. compat: what cannot is told and passed over. Throws `buildkit.badOption`. */
export async function importCaches(entries: readonly CacheEntryOption[], parts: ImportParts): Promise<ImportedCache[]> {
  const caches: ImportedCache[] = [];
  for (const { Type, Attrs } of entries) {
    const options = new Options(`--cache-from type=${Type}`, Attrs);
    const [name, open] = readerOf(options, Type, parts);
    options.end();
    try {
      caches.push(await parts.progress.during(`importing cache manifest from ${name}`, open));
    } catch (error) {
      // Its vertex has told it.
      if (parts.signal.aborted) throw error;
    }
  }
  return caches;
}

function readerOf(
  options: Options,
  type: string,
  { builder, session, credentialsFor, signal }: ImportParts,
): readonly [name: string, open: () => Promise<ImportedCache>] {
  // Only the classic builder's request has it.
  if (type === 'image') {
    const name = options.text('ref');
    return [name, () => builder.imageCache(name, signal)];
  }
  if (type === 'registry') {
    const reference = options.text('ref');
    if (reference === '') options.refuse('ref', '', 'name the repository and tag');
    refuseInsecure(options);
    const hasMounts = options.flag('cache-mounts') ?? false;
    return [
      reference,
      async () => builder.registryCache(reference, { credentials: await credentialsFor(reference), hasMounts, signal }),
    ];
  }
  if (type !== 'local') options.refuse('type', type, 'use registry or local');
  const folder = options.text('src');
  const given = options.text('digest');
  // compat: the client has looked the digest up in the folder's list.
  options.text('tag');
  const digest = parseDigest(given);
  if (!digest) options.refuse('digest', given, 'the folder has no cache');
  const hasMounts = options.flag('cache-mounts') ?? false;
  const open = async (): Promise<ImportedCache> => {
    const store = new SessionContent(session(), `local:${folder}`, signal);
    const bytes = await store.read({ digest, size: await store.sizeOf(digest) }, MAX_MANIFEST_BYTES);
    return importCache({
      root: parseManifest(bytes),
      hasMounts,
      read: (descriptor, limitBytes) => store.read(descriptor, limitBytes),
      fetch: async (descriptor, target, lease) => {
        lease.hold(descriptor.digest);
        if (target.stat(descriptor.digest)) return;
        const { digest: blob, size } = descriptor;
        await using ingest = await target.ingest(blob, { lease, digest: blob, sizeBytes: size, signal });
        if (ingest.sizeBytes > 0) await ingest.restart();
        for await (const chunk of store.open(blob)) await ingest.write(chunk as Buffer);
        await ingest.commit();
      },
    });
  };
  return [folder, open];
}
