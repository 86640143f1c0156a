/** `RUN --mount`: fields with their values, checked together, as mounts of a step. */
import { posix } from 'node:path';
import { parseBytes, SkiffError } from '#base';
import type { RunMount } from '../../graph.ts';
import { errors } from '../errors.ts';
import { cleanPath } from '#base';
import type { RunInstruction } from '../parse/instruction.ts';
import { type MountField, mountFields } from '../parse/mount-fields.ts';
import { hint } from '../suggest.ts';
import type { PlanParts } from './plan-parts.ts';
import type { StageState } from './stage-state.ts';

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
type MountType = (typeof TYPES)[number];
const SHARING = ['shared', 'private', 'locked'] as const;
const ALIASES: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  rw: 'readwrite',
};
const KEYS = [
  ...['type', 'from', 'source', 'target', 'readonly', 'readwrite', 'required', 'size', 'id', 'sharing'],
  ...['mode', 'uid', 'gid', 'env', ...Object.keys(ALIASES)],
];
/** Keys only some types have; others are for all. */
const ONLY: Readonly<Record<string, readonly MountType[]>> = {
  required: ['secret', 'ssh'],
  size: ['tmpfs'],
  mode: ['cache', 'secret', 'ssh'],
  uid: ['cache', 'secret', 'ssh'],
  gid: ['cache', 'secret', 'ssh'],
  env: ['secret'],
};
const BARE = ['readonly', 'readwrite', 'required'];

/** Values by key, aliases resolved; of a bare key `true`. */
type Values = ReadonlyMap<string, string>;

/** Throws what fields and variables throw, `dockerfile.mount…`, and what sources throw. */
export async function planMounts(
  parts: PlanParts,
  stage: StageState,
  instruction: RunInstruction,
): Promise<RunMount[]> {
  const mounts: RunMount[] = [];
  let agents = 0;
  for (const text of instruction.mounts) {
    const values = readValues(mountFields(text), (word) => stage.expand(word, instruction));
    const type = typeOf(values);
    if (type === 'bind') mounts.push(await bindMount(parts, stage, values));
    else if (type === 'cache') mounts.push(await cacheMount(parts, stage, values));
    else if (type === 'tmpfs') mounts.push(tmpfsMount(stage, values));
    else if (type === 'secret') mounts.push(secretMount(stage, values));
    else mounts.push(sshMount(stage, values, agents++));
  }
  return mounts;
}

function readValues(fields: readonly MountField[], expand: (word: string) => string): Values {
  const type = fields.findLast(({ key }) => key === 'type')?.value ?? 'bind';
  const mountType = expand(type).toLowerCase();
  const values = new Map<string, string>();
  for (const { key: written, value, text } of fields) {
    const key = Object.hasOwn(ALIASES, written) ? ALIASES[written]! : written;
    if (!KEYS.includes(written)) {
      if (value === undefined) throw errors.mountField(text);
      throw errors.mountKey(written, text, hint(written, KEYS, true));
    }
    if (value === undefined && !BARE.includes(key)) throw errors.mountField(text);
    if (Object.hasOwn(ONLY, key) && !ONLY[key]!.some((name) => name === mountType) && isKnownType(mountType)) {
      throw ['mode', 'uid', 'gid'].includes(key)
        ? errors.mountNotAllowed(key, mountType)
        : errors.mountKeyForType(written, mountType);
    }
    const expanded = key === 'from' ? value! : expand(value ?? 'true');
    checkValue(key, written, expanded);
    // The last of both says whether it can be written to.
    if (key === 'readonly') values.delete('readwrite');
    if (key === 'readwrite') values.delete('readonly');
    values.set(key, expanded);
  }
  return values;
}

const isKnownType = (type: string): boolean => TYPES.some((name) => name === type);

function checkValue(key: string, written: string, value: string): void {
  if (BARE.includes(key) && !/^(?:1|0|t|f|true|false)$/i.test(value)) throw errors.mountValue(written, value);
  if (key === 'mode' && !(/^[0-7]+$/.test(value) && Number.parseInt(value, 8) <= 0xffff_ffff)) {
    throw errors.mountNumber(key, value);
  }
  if ((key === 'uid' || key === 'gid') && !(/^\d+$/.test(value) && Number(value) <= 0xffff_ffff)) {
    throw errors.mountNumber(key, value);
  }
  if (key === 'sharing' && !SHARING.some((name) => name === value.toLowerCase())) {
    throw errors.mountSharing(value, hint(value, SHARING));
  }
}

function typeOf(values: Values): MountType {
  const text = values.get('type') ?? 'bind';
  const type = TYPES.find((name) => name === text.toLowerCase());
  if (!type) throw errors.mountType(text, hint(text, TYPES));
  if (type !== 'cache' && values.has('sharing')) {
    throw errors.mount(
      type === 'secret' ? 'secret mount should not define sharing' : `invalid cache sharing set for ${type} mount`,
    );
  }
  return type;
}

async function bindMount(parts: PlanParts, stage: StageState, values: Values): Promise<RunMount> {
  const name = values.get('from') ?? '';
  const from = name === '' ? await parts.context() : await parts.mountSource(stage, name);
  const source = sourceOf(values);
  parts.graph.use(from, source);
  return { kind: 'bind', target: targetOf(stage, values), from, source, isWritable: isWritable(values, false) };
}

async function cacheMount(parts: PlanParts, stage: StageState, values: Values): Promise<RunMount> {
  const name = values.get('from') ?? '';
  const from = name === '' ? undefined : await parts.mountSource(stage, name);
  const source = sourceOf(values);
  if (from !== undefined) parts.graph.use(from, source);
  const target = targetOf(stage, values);
  const namespace = parts.buildArgs['BUILDKIT_CACHE_MOUNT_NS'] ?? '';
  return {
    kind: 'cache',
    target,
    id: `${namespace}/${values.get('id') || cleanPath(values.get('target') ?? '')}`,
    isWritable: isWritable(values, true),
    sharing: SHARING.find((name) => name === values.get('sharing')?.toLowerCase()) ?? 'shared',
    from,
    source,
    ...ownership(values, 0o755),
  };
}

function tmpfsMount(stage: StageState, values: Values): RunMount {
  return { kind: 'tmpfs', target: targetOf(stage, values), sizeBytes: sizeOf(values.get('size')) };
}

function secretMount(stage: StageState, values: Values): RunMount {
  const [source = '', target = '', id = ''] = ['source', 'target', 'id'].map((key) => values.get(key) ?? '');
  const environmentName = values.get('env');
  if (values.has('from')) throw errors.mount('secret mount should not have a from');
  if (source === '' && target === '' && id === '') {
    throw errors.mount('invalid secret mount. one of source, target required');
  }
  if (source !== '' && id !== '') throw errors.mount("both source and id can't be set");
  const secret = source || id || posix.basename(target);
  const path = target || (environmentName === undefined ? `/run/secrets/${posix.basename(secret)}` : undefined);
  return {
    kind: 'secret',
    target: path === undefined ? undefined : absolute(stage, path),
    environmentName: environmentName === '' ? secret : environmentName,
    id: secret,
    isRequired: isTrue(values.get('required')),
    ...ownership(values, 0o400),
  };
}

function sshMount(stage: StageState, values: Values, index: number): RunMount {
  const target = values.get('target') || `/run/buildkit/ssh_agent.${index}`;
  return {
    kind: 'ssh',
    target: absolute(stage, target),
    id: values.get('id') || values.get('source') || 'default',
    isRequired: isTrue(values.get('required')),
    ...ownership(values, 0o600),
  };
}

/** compat: without one it is the working directory. Throws `dockerfile.mountTarget` for the root. */
function targetOf(stage: StageState, values: Values): string {
  const target = absolute(stage, values.get('target') ?? '');
  if (target === '/') throw errors.mountTarget(target);
  return target;
}

const absolute = (stage: StageState, path: string): string =>
  cleanPath(posix.resolve('/', stage.workingDirectory, path));

const sourceOf = (values: Values): string => cleanPath(posix.join('/', values.get('source') ?? ''));

function isWritable(values: Values, byDefault: boolean): boolean {
  if (values.has('readwrite')) return isTrue(values.get('readwrite'));
  if (values.has('readonly')) return !isTrue(values.get('readonly'));
  return byDefault;
}

const isTrue = (value: string | undefined): boolean => value !== undefined && /^(?:1|t|true)$/i.test(value);

function ownership(values: Values, mode: number): { mode: number; uid: number; gid: number } {
  const octal = values.get('mode');
  return {
    mode: octal === undefined ? mode : Number.parseInt(octal, 8),
    uid: Number(values.get('uid') ?? 0),
    gid: Number(values.get('gid') ?? 0),
  };
}

function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return parseBytes(text);
  } catch (error) {
    if (error instanceof SkiffError) throw errors.mountValue('size', text);
    throw error;
  }
}
