/**
 * A build cache as a document: which step gave which layers. spec: BuildKit's `application/vnd.buildkit.cacheconfig.v0`.
 *
 * Pure. Keys are digests of what a step does and reads, so a document of another builder is understood and helps nobody. One
 * field is our own and passed over by others: the identity later keys are made of, where it is not the key.
 */
import { type Digest, parseDigest } from '#base';
import { errors } from '../errors.ts';

/** compat: of a layer's descriptor, what its archive holds; keys of annotations other builders read. */
export const DIFF_ID = 'containerd.io/uncompressed';

export const CACHE_CONFIG = 'application/vnd.buildkit.cacheconfig.v0';

export interface CacheRecord {
  readonly key: Digest;
  readonly identity: string;
  /** Places in the list of blobs, lowest layer first. */
  readonly layers: readonly number[];
  /** RFC 3339. */
  readonly createdAt: string;
}

export interface CacheConfig {
  /** Of layers, each once. */
  readonly blobs: readonly Digest[];
  readonly records: readonly CacheRecord[];
}

/** Larger documents are refused: they are kept in memory. */
export const MAX_CACHE_CONFIG_BYTES = 16 * 1024 * 1024;
const MAX_RECORDS = 100_000;
/** compat: as many layers as a stack may have. */
const MAX_CHAIN = 127;

/** The bytes; the same cache gives the same. */
export function encodeCacheConfig({ blobs, records }: CacheConfig): Buffer {
  const layers: { blob: Digest; parent: number }[] = [];
  const known = new Map<string, number>();
  const place = (chain: readonly number[]): number => {
    let parent = -1;
    for (const at of chain) {
      const key = `${parent} ${at}`;
      const found = known.get(key);
      if (found === undefined) {
        known.set(key, layers.length);
        layers.push({ blob: blobs[at]!, parent });
        parent = layers.length - 1;
      } else parent = found;
    }
    return parent;
  };
  const written = records.map(({ key, identity, layers: chain, createdAt }) => ({
    ...(chain.length === 0 ? {} : { layers: [{ layer: place(chain), createdAt }] }),
    digest: key,
    ...(identity === key ? {} : { 'skiff.identity': identity }),
  }));
  return Buffer.from(JSON.stringify({ layers, records: written }));
}

/** For the config of an image: layers are places in the image's own list. */
export function encodeInlineCache(records: readonly CacheRecord[]): string {
  const written = records.map(({ key, identity, layers, createdAt }) => {
    const isPrefix = layers.every((at, index) => at === index);
    return {
      ...(layers.length === 0
        ? {}
        : isPrefix
          ? { layers: [{ layer: layers.length - 1, createdAt }] }
          : { chains: [{ layers, createdAt }] }),
      digest: key,
      ...(identity === key ? {} : { 'skiff.identity': identity }),
    };
  });
  return Buffer.from(JSON.stringify(written)).toString('base64');
}

/** Throws `build.badCache`. */
export function parseCacheConfig(bytes: Uint8Array): CacheConfig {
  const document = object(json(bytes), 'the document');
  const layers = list(document['layers'], 'layers').map((value, index) => {
    const layer = object(value, `layers[${index}]`);
    const blob = parseDigest(String(layer['blob']));
    const parent = layer['parent'] ?? 0;
    if (!blob) throw errors.badCache(`layers[${index}] has no digest`);
    if (!isPlace(parent, layers0(document), -1)) throw errors.badCache(`layers[${index}] has no such parent`);
    return { blob, parent };
  });
  const blobs = [...new Set(layers.map(({ blob }) => blob))];
  const placeOf = new Map(blobs.map((blob, index) => [blob, index]));
  const chainOf = (top: number): number[] => {
    const chain: number[] = [];
    for (let at = top; at >= 0; at = layers[at]!.parent) {
      chain.unshift(placeOf.get(layers[at]!.blob)!);
      if (chain.length > MAX_CHAIN) throw errors.badCache(`layers[${top}] has too many below it, or itself`);
    }
    return chain;
  };
  return {
    blobs,
    records: readRecords(list(document['records'], 'records'), layers.length, chainOf, placesOf(layers, placeOf)),
  };
}

/** Of an image with so many layers. Throws `build.badCache`. */
export function parseInlineCache(text: string, layerCount: number): CacheRecord[] {
  const records = list(json(Buffer.from(text, 'base64')), 'the records');
  const chainOf = (top: number): number[] => Array.from({ length: top + 1 }, (_, index) => index);
  return readRecords(records, layerCount, chainOf, (at) => at);
}

const layers0 = (document: Readonly<Record<string, unknown>>): number =>
  Array.isArray(document['layers']) ? document['layers'].length : 0;

const placesOf =
  (layers: readonly { readonly blob: Digest }[], placeOf: ReadonlyMap<Digest, number>) =>
  (at: number): number =>
    placeOf.get(layers[at]!.blob)!;

function readRecords(
  values: readonly unknown[],
  layerCount: number,
  chainOf: (top: number) => number[],
  placeOf: (layer: number) => number,
): CacheRecord[] {
  if (values.length > MAX_RECORDS) throw errors.badCache(`it has more than ${MAX_RECORDS} records`);
  return values.flatMap((value, index): CacheRecord[] => {
    const record = object(value, `records[${index}]`);
    const key = parseDigest(String(record['digest']));
    // compat: other builders' keys may be of another kind.
    if (!key) return [];
    const own = record['skiff.identity'];
    const identity = typeof own === 'string' && own.length <= 512 ? own : key;
    const results = list(record['layers'], `records[${index}].layers`).map((each) => {
      const { layer, createdAt } = object(each, `records[${index}].layers`);
      if (!isPlace(layer, layerCount)) throw errors.badCache(`records[${index}] has a layer that is not there`);
      return { layers: chainOf(layer), createdAt };
    });
    const chains = list(record['chains'], `records[${index}].chains`).map((each) => {
      const { layers, createdAt } = object(each, `records[${index}].chains`);
      const places = list(layers, `records[${index}].chains.layers`);
      if (places.length > MAX_CHAIN) throw errors.badCache(`records[${index}] has too many layers`);
      return {
        layers: places.map((at) => {
          if (!isPlace(at, layerCount)) throw errors.badCache(`records[${index}] has a layer that is not there`);
          return placeOf(at);
        }),
        createdAt,
      };
    });
    const [first] = [...results, ...chains];
    if (!first) return [];
    return [
      { key, identity, layers: first.layers, createdAt: typeof first.createdAt === 'string' ? first.createdAt : '' },
    ];
  });
}

function isPlace(value: unknown, count: number, least = 0): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value < count;
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch {
    throw errors.badCache('it is no JSON');
  }
}

function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.badCache(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

/** What is absent, or Go's null, is empty. */
function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw errors.badCache(`${what} is no list`);
  return value;
}
