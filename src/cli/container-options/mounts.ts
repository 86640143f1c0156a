/** `--mount`, `-v` and `--tmpfs` → what the API takes. */
import { resolve } from 'node:path';
import { parseBytes } from '#base';
import type { MountBody } from '#specs';
import { errors } from '../errors.ts';
import { toMap } from './environment.ts';

interface Draft {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  IdMap?: string;
  BindOptions?: Record<string, unknown>;
  VolumeOptions?: VolumeDraft;
  ImageOptions?: Record<string, unknown>;
  TmpfsOptions?: Record<string, unknown>;
}

type VolumeDraft = NonNullable<MountBody['VolumeOptions']>;

/** `type=bind,src=/a,dst=/b,readonly`: comma-separated, quoted where a value holds a comma. Throws with Docker's words. */
export function parseMount(text: string): MountBody {
  // compat: without a type it is a volume.
  const draft: Draft = { Type: 'volume' };
  for (const field of splitFields(text)) setField(draft, field);
  checkMount(draft);
  return draft;
}

function setField(draft: Draft, field: string): void {
  const at = field.indexOf('=');
  const key = (at < 0 ? field : field.slice(0, at)).toLowerCase();
  const value = at < 0 ? undefined : field.slice(at + 1);
  if (value === undefined && !['readonly', 'ro', 'bind-nonrecursive', 'volume-nocopy'].includes(key)) {
    throw new Error(`invalid field '${field}' must be a key=value pair`);
  }
  const given = value ?? 'true';
  switch (key) {
    case 'type':
      draft.Type = given.toLowerCase();
      return;
    case 'source':
    case 'src':
      draft.Source = given;
      return;
    case 'target':
    case 'destination':
    case 'dst':
      draft.Target = given;
      return;
    case 'readonly':
    case 'ro':
      if (truth(key, given)) draft.ReadOnly = true;
      return;
    case 'consistency':
      draft.Consistency = given.toLowerCase();
      return;
    // Not Docker's, but Podman's.
    case 'idmap':
      draft.IdMap = given;
      return;
    case 'bind-propagation':
      draft.BindOptions = { ...draft.BindOptions, Propagation: given.toLowerCase() };
      return;
    case 'bind-nonrecursive':
      draft.BindOptions = { ...draft.BindOptions, NonRecursive: truth(key, given) };
      return;
    case 'bind-recursive':
      draft.BindOptions = { ...draft.BindOptions, ...recursion(given) };
      return;
    case 'volume-nocopy':
    case 'volume-label':
    case 'volume-driver':
    case 'volume-opt':
    case 'volume-subpath':
      draft.VolumeOptions = withVolumeOption(draft.VolumeOptions ?? {}, key, given);
      return;
    case 'image-subpath':
      draft.ImageOptions = { ...draft.ImageOptions, Subpath: given };
      return;
    case 'tmpfs-size':
      draft.TmpfsOptions = { ...draft.TmpfsOptions, SizeBytes: size(key, given) };
      return;
    case 'tmpfs-mode':
      if (!/^[0-7]+$/.test(given)) throw new Error(`invalid value for ${key}: ${given}`);
      draft.TmpfsOptions = { ...draft.TmpfsOptions, Mode: Number.parseInt(given, 8) };
      return;
    default:
      throw new Error(`unexpected key '${key}' in '${field}'`);
  }
}

/** compat: there is a driver's configuration as soon as there is an option. */
function withVolumeOption(options: VolumeDraft, key: string, given: string): VolumeDraft {
  const driver = options.DriverConfig ?? {};
  switch (key) {
    case 'volume-nocopy':
      return { ...options, ...(truth(key, given) ? { NoCopy: true } : {}), DriverConfig: driver };
    case 'volume-label':
      return { ...options, Labels: { ...options.Labels, ...toMap([given]) }, DriverConfig: driver };
    case 'volume-driver':
      return { ...options, DriverConfig: { ...driver, Name: given } };
    case 'volume-opt':
      return { ...options, DriverConfig: { ...driver, Options: { ...driver.Options, ...toMap([given]) } } };
    default:
      return { ...options, Subpath: given, DriverConfig: driver };
  }
}

function recursion(value: string): Record<string, boolean> {
  if (value === 'enabled') return {};
  if (value === 'disabled') return { NonRecursive: true };
  if (value === 'writable') return { ReadOnlyNonRecursive: true };
  if (value === 'readonly') return { ReadOnlyForceRecursive: true };
  throw new Error(
    `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
  );
}

function checkMount(draft: Draft): void {
  const { Type, BindOptions, VolumeOptions, ImageOptions, TmpfsOptions } = draft;
  if (Type === '') throw new Error('type is required');
  if (!draft.Target) throw new Error('target is required');
  if (draft.IdMap !== undefined && Type !== 'bind' && Type !== 'volume') {
    throw new Error(`'idmap' is an option of binds and volumes: a mount of type '${Type}' has none`);
  }
  if (BindOptions && Type !== 'bind') throw new Error(`cannot mix 'bind-*' options with mount type '${Type}'`);
  if (VolumeOptions && Type !== 'volume') throw new Error(`cannot mix 'volume-*' options with mount type '${Type}'`);
  if (ImageOptions && Type !== 'image') throw new Error(`cannot mix 'image-*' options with mount type '${Type}'`);
  if (TmpfsOptions && Type !== 'tmpfs') throw new Error(`cannot mix 'tmpfs-*' options with mount type '${Type}'`);
  if (BindOptions?.['ReadOnlyNonRecursive'] && !draft.ReadOnly) {
    throw new Error("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  }
  if (BindOptions?.['ReadOnlyForceRecursive']) {
    if (!draft.ReadOnly)
      throw new Error("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
    if (BindOptions['Propagation'] !== 'rprivate') {
      throw new Error(
        "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
      );
    }
  }
  // An option that says what is the case anyway leaves nothing to send.
  if (BindOptions && Object.keys(BindOptions).length === 0) delete draft.BindOptions;
}

/** One record of comma-separated values; `""` inside quotes is a quote. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = /"((?:[^"]|"")*)"(?=,|$)/y;
    quoted.lastIndex = at;
    const found = quoted.exec(text);
    if (found) {
      fields.push(found[1]!.replaceAll('""', '"'));
      at += found[0].length + 1;
      continue;
    }
    const comma = text.indexOf(',', at);
    const end = comma < 0 ? text.length : comma;
    const field = text.slice(at, end);
    if (field.includes('"')) throw new Error(`a quote in the middle of '${field}': quote the whole field`);
    fields.push(field);
    at = end + 1;
  }
  return fields;
}

function truth(key: string, value: string): boolean {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

function size(key: string, value: string): number {
  try {
    return parseBytes(value);
  } catch {
    throw new Error(`invalid value for ${key}: ${value}`);
  }
}

/** compat: a source that begins with a dot is a path from here, which is known once all flags are read. */
export function withPathFromHere(mount: MountBody, workingDirectory: string): MountBody {
  const { Source } = mount;
  return Source?.startsWith('.') ? { ...mount, Source: resolve(workingDirectory, Source) } : mount;
}

export interface SplitVolumes {
  readonly binds: readonly string[];
  /** Paths of `-v /path` alone. */
  readonly anonymous: readonly string[];
}

/** compat: a source that begins with a dot is a path from here. Throws `cli.invalid`. */
export function splitVolumes(specs: readonly string[], workingDirectory: string): SplitVolumes {
  const binds: string[] = [];
  const anonymous: string[] = [];
  for (const spec of specs) {
    const [source = '', ...rest] = spec.split(':');
    if (spec === '') throw errors.invalid('invalid empty volume spec');
    if (rest.length > 2) throw errors.invalid(`invalid spec: ${spec}: too many colons`);
    if (source === '' || rest.includes('')) throw errors.invalid(`invalid spec: ${spec}: empty section between colons`);
    if (rest.length === 0) anonymous.push(source);
    else binds.push([source.startsWith('.') ? resolve(workingDirectory, source) : source, ...rest].join(':'));
  }
  return { binds, anonymous };
}

/** `/path` or `/path:options` → path and options. */
export function parseTmpfs(specs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    specs.map((spec) => {
      const at = spec.indexOf(':');
      return at < 0 ? [spec, ''] : [spec.slice(0, at), spec.slice(at + 1)];
    }),
  );
}
