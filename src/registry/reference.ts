/**
 * Names of images: `[registry/]path[:tag][@digest]`, in Docker's familiar form.
 *
 * Pure. compat: the grammar and the refusals of distribution's reference package; `docker.io/library/x` is `x`.
 */
import { referenceErrors as errors } from './errors.ts';

export interface Reference {
  /** Familiar: without Docker Hub's host and its `library/`. */
  readonly name: string;
  /** Of the registry, `docker.io` for Docker Hub; with its port where one is given. */
  readonly host: string;
  /** Within the registry, with Docker Hub's `library/`. */
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const HUB = 'docker.io';
const PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${PART}(?:/${PART})*$`);
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::\\d+)?$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** Throws `reference.badReference` and its kin. */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) throw errors.nameIsId(text);
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const beforeDigest = at < 0 ? text : text.slice(0, at);
  // The last colon is the tag's unless a slash comes after it: then it is a port's.
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon >= 0 && !beforeDigest.includes('/', colon);
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  const { host, path } = splitHost(hasTag ? beforeDigest.slice(0, colon) : beforeDigest);

  if (path !== path.toLowerCase()) throw errors.upperCaseName(path);
  const isValid =
    HOST.test(host) &&
    PATH.test(path) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!isValid) throw errors.badReference();
  if (`${host}/${path}`.length > 255) throw errors.nameTooLong();
  return { name: familiar(host, path), host, path, tag, digest };
}

/**
 * `name:tag`, the tag being `latest` when none is given. Throws as `parseReference`, and
 * `reference.digestTag`, `reference.algorithmTag`.
 */
export function parseTag(text: string): string {
  const { name, tag, digest } = parseReference(text);
  if (digest !== undefined) throw errors.digestTag();
  // compat: `sha256:1` would be read as an id.
  if (name === 'sha256') throw errors.algorithmTag();
  return `${name}:${tag ?? 'latest'}`;
}

/** `name` of `name:tag`. */
export function repositoryOf(tag: string): string {
  return tag.slice(0, tag.lastIndexOf(':'));
}

/** compat: the order in which Docker tells an image's names: by their full form. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [fullName(a), fullName(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** With Docker Hub's host and its `library/`. Throws as `parseReference`. */
export function fullName(text: string): string {
  const { host, path, tag, digest } = parseReference(text);
  return `${host}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The first component is a host if it looks like one: with a dot, a port or upper case, or `localhost`. */
function splitHost(name: string): { host: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const host = isHost ? first : HUB;
  const path = isHost ? name.slice(slash + 1) : name;
  const isHub = host === HUB || host === `index.${HUB}`;
  return isHub ? { host: HUB, path: path.includes('/') ? path : `library/${path}` } : { host, path };
}

function familiar(host: string, path: string): string {
  if (host !== HUB) return `${host}/${path}`;
  return /^library\/[^/]+$/.test(path) ? path.slice('library/'.length) : path;
}
