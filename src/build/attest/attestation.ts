/** Statements about what was built, in in-toto's form. Pure. */
import { digestParts, type Digest } from '#base';
import { parseReference } from '#registry';
import { formatPlatform, normalizePlatform, type Platform } from '#specs';

export interface Attestation {
  /** `https://slsa.dev/provenance/v1`, `https://spdx.dev/Document`. */
  readonly predicateType: string;
  /** Only where it can be part of an image; not as a file beside the result. */
  readonly isInlineOnly: boolean;
  /** Where it is a file. */
  readonly fileName: string;
  readonly predicate: unknown;
}

export interface Subject {
  readonly name: string;
  readonly digest: Readonly<Record<string, string>>;
}

export const IN_TOTO = 'application/vnd.in-toto+json';

/** spec: in-toto attestation, Statement v1. */
export function statement({ predicateType, predicate }: Attestation, subject: readonly Subject[]): object {
  return { _type: 'https://in-toto.io/Statement/v1', predicateType, subject, predicate };
}

export function digestSet(digest: Digest): Readonly<Record<string, string>> {
  const { algorithm, hex } = digestParts(digest);
  return { [algorithm]: hex };
}

/** spec: package-url, type docker. Throws as `parseReference`. */
export function packageUrl(reference: string, platform: Platform | undefined): string {
  const { name, tag, digest } = parseReference(reference);
  const version = digest === undefined ? (tag ?? 'latest') : tag;
  const qualifiers = [
    ...(digest === undefined ? [] : [`digest=${encodeURIComponent(digest).replaceAll('%3A', ':')}`]),
    ...(platform ? [`platform=${encodeURIComponent(formatPlatform(normalizePlatform(platform)))}`] : []),
  ];
  const path = name
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%3A', ':'))
    .join('/');
  return `pkg:docker/${path}${version === undefined ? '' : `@${version}`}${qualifiers.length === 0 ? '' : `?${qualifiers.join('&')}`}`;
}
