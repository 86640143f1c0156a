/** Paths below `/v2/`: which thing of which repository. spec: distribution-spec, Endpoints. Pure. */
import { type Digest, parseDigest } from '#base';
import { errors } from './errors.ts';

export type Target =
  | { readonly kind: 'ping' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'blob'; readonly name: string; readonly digest: string }
  | { readonly kind: 'uploads'; readonly name: string }
  | { readonly kind: 'upload'; readonly name: string; readonly id: string }
  | { readonly kind: 'manifest'; readonly name: string; readonly reference: string }
  | { readonly kind: 'tags'; readonly name: string }
  | { readonly kind: 'referrers'; readonly name: string; readonly digest: string };

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** compat: with host and port a name is to fit into 255 characters. */
const LONGEST_NAME = 255;

/** Undefined where nothing is. Throws `distribution.nameInvalid`. The path is that of the URL, still encoded. */
export function parsePath(path: string): Target | undefined {
  const decoded = decode(path);
  if (decoded === '/v2' || decoded === '/v2/') return { kind: 'ping' };
  if (decoded === '/v2/_catalog') return { kind: 'catalog' };
  const rest = /^\/v2\/(.+)$/.exec(decoded)?.[1] ?? '';
  // The name is greedy: repositories may have parts that are called `blobs` or `uploads`.
  let match = /^(.+)\/blobs\/uploads\/?$/.exec(rest);
  if (match) return { kind: 'uploads', name: nameOf(match) };
  match = /^(.+)\/blobs\/uploads\/([^/]+)$/.exec(rest);
  if (match) return { kind: 'upload', name: nameOf(match), id: match[2]! };
  match = /^(.+)\/blobs\/([^/]+)$/.exec(rest);
  if (match) return { kind: 'blob', name: nameOf(match), digest: match[2]! };
  match = /^(.+)\/manifests\/([^/]+)$/.exec(rest);
  if (match) return { kind: 'manifest', name: nameOf(match), reference: match[2]! };
  match = /^(.+)\/tags\/list$/.exec(rest);
  if (match) return { kind: 'tags', name: nameOf(match) };
  match = /^(.+)\/referrers\/([^/]+)$/.exec(rest);
  if (match) return { kind: 'referrers', name: nameOf(match), digest: match[2]! };
  return undefined;
}

export function isRepositoryName(name: string): boolean {
  return name.length <= LONGEST_NAME && NAME.test(name);
}

/** Throws `distribution.digestInvalid`. */
export function requireDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (!digest) throw errors.digestInvalid(text);
  return digest;
}

/** A digest has a colon, a tag has none. Throws `distribution.digestInvalid`, `distribution.tagInvalid`. */
export function parseManifestReference(text: string): { readonly digest: Digest } | { readonly tag: string } {
  return text.includes(':') ? { digest: requireDigest(text) } : { tag: requireTag(text) };
}

/** Throws `distribution.tagInvalid`. */
export function requireTag(text: string): string {
  if (!TAG.test(text)) throw errors.tagInvalid(text);
  return text;
}

function nameOf(match: RegExpExecArray): string {
  const name = match[1]!;
  if (!isRepositoryName(name)) throw errors.nameInvalid(name);
  return name;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
