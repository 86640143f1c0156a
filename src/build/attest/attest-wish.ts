/** Which statements about a build are wanted: `--attest`, `--provenance`, `--sbom` as clients send them. Pure. */
import { errors } from '../errors.ts';

export interface ProvenanceWish {
  /** Everything that is known, or without arguments and the steps. */
  readonly mode: 'min' | 'max';
  readonly version: 'v0.2' | 'v1';
  readonly isInlineOnly: boolean;
  readonly builderId: string;
  readonly isReproducible: boolean;
  readonly fileName: string;
}

export interface AttestWish {
  readonly provenance?: ProvenanceWish;
  /** With the name of the file where the result is files. */
  readonly sbom?: { readonly fileName: string };
}

/** Of attributes `attest:TYPE` and build arguments `BUILDKIT_ATTEST_TYPE`. Throws `build.badAttestation`. */
export function readAttestWish(attributes: Readonly<Record<string, string>>): AttestWish {
  const wanted = new Map<string, string>();
  for (const [name, value] of Object.entries(attributes)) {
    const [, type] = /^(?:attest:|build-arg:BUILDKIT_ATTEST_)(.+)$/.exec(name) ?? [];
    if (type !== undefined) wanted.set(type.toLowerCase(), value);
  }
  let wish: AttestWish = {};
  for (const [type, text] of wanted) {
    const fields = fieldsOf(text);
    if (isTrue(fields.get('disabled'))) continue;
    if (type === 'provenance') wish = { ...wish, provenance: provenanceOf(fields) };
    else if (type === 'sbom') wish = { ...wish, sbom: sbomOf(fields) };
    else throw errors.badAttestation(type, 'unknown attestation type');
  }
  return wish;
}

/** Read elsewhere, or said twice by clients. */
const IDLE: ReadonlySet<string> = new Set(['filename', 'disabled', 'type']);

const isTrue = (value: string | undefined): boolean => value !== undefined && /^(?:1|t|true)$/i.test(value);

function fieldsOf(text: string): Map<string, string> {
  const parts = text.split(',').filter((part) => part !== '');
  return new Map(
    parts.map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    }),
  );
}

/** compat: without a mode it is the larger one. */
function provenanceOf(fields: ReadonlyMap<string, string>): ProvenanceWish {
  const all = { mode: 'max', version: 'v1', 'inline-only': 'false', 'builder-id': '', reproducible: 'false' };
  for (const name of fields.keys()) {
    if (name in all || IDLE.has(name)) continue;
    throw errors.badAttestation('provenance', `${name} is not known: leave it out`);
  }
  const given = { ...all, ...Object.fromEntries(fields) };
  const mode = given.mode === 'full' ? 'max' : given.mode;
  if (mode !== 'min' && mode !== 'max') throw errors.badAttestation('provenance', `invalid mode "${mode}"`);
  if (given.version !== 'v1' && given.version !== 'v0.2') {
    throw errors.badAttestation('provenance', `invalid version "${given.version}": use v1 or v0.2`);
  }
  return {
    mode,
    version: given.version,
    isInlineOnly: isTrue(given['inline-only']),
    builderId: given['builder-id'],
    isReproducible: isTrue(given.reproducible),
    fileName: fields.get('filename') ?? 'provenance.json',
  };
}

/** compat: of a build's record, everything that is known, in the newer form; by whom is the client's word. */
export function recordedProvenance(wish: AttestWish): ProvenanceWish {
  return { ...provenanceOf(new Map()), builderId: wish.provenance?.builderId ?? '' };
}

/** The scanner is built in: another one cannot be run. */
function sbomOf(fields: ReadonlyMap<string, string>): { readonly fileName: string } {
  for (const [name, value] of fields) {
    if (name === 'disabled' || name === 'type') continue;
    if (name === 'generator' && /^(?:docker\/buildkit-syft-scanner(?:[:@].*)?)?$/.test(value)) continue;
    throw errors.badAttestation('sbom', `${name}=${value} is not supported: the scanner is built in`);
  }
  return { fileName: 'sbom.spdx.json' };
}
