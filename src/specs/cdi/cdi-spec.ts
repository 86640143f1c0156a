/**
 * One file of the Container Device Interface: what a vendor says a container needs for its devices. Pure: a parsed document
 * → typed values, or what is wrong with it. spec: CDI 1.1, SPEC.md; unknown fields are refused, as there.
 */
import type { Hook, Mount } from '../oci-runtime/config.ts';
import type { IntelRdt } from '../oci-runtime/linux.ts';
import { Fields } from '../oci-image/reading.ts';

export interface CdiSpec {
  /** `vendor.com/class`. */
  readonly kind: string;
  /** For every container that has one of the devices. */
  readonly edits: CdiEdits;
  readonly devices: readonly { readonly name: string; readonly edits: CdiEdits }[];
}

export interface CdiEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly Mount[];
  readonly hooks: readonly (Hook & { readonly name: string })[];
  readonly additionalGids: readonly number[];
  readonly netDevices: readonly { readonly hostName: string; readonly name: string }[];
  readonly intelRdt?: IntelRdt;
}

/** What is not said is the host's, of the node at `hostPath`. */
export interface CdiDeviceNode {
  readonly path: string;
  readonly hostPath: string;
  readonly type?: 'b' | 'c' | 'u' | 'p';
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  /** A subset of `rwm`; empty is none. */
  readonly permissions: string;
  readonly uid?: number;
  readonly gid?: number;
}

const versions = ['0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '1.1.0'];
const hookNames = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];
const VENDOR = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?$/;
const CLASS = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?$/;
const DEVICE = /^[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/;

/** `vendor.com/class=name` → its two halves; undefined for anything else. */
export function parseDeviceName(text: string): { readonly kind: string; readonly name: string } | undefined {
  const [, vendor = '', kind = '', name = ''] = /^([^/=]+)\/([^/=]+)=(.+)$/.exec(text) ?? [];
  if (!VENDOR.test(vendor) || !CLASS.test(kind) || !DEVICE.test(name)) return undefined;
  return { kind: `${vendor}/${kind}`, name };
}

/** A parsed file. Throws an Error that says what is wrong where. */
export function readCdiSpec(document: unknown, path: string): CdiSpec {
  const fields = new Fields(document, path, '');
  refuseOthers(fields, ['cdiVersion', 'kind', 'annotations', 'devices', 'containerEdits']);
  const version = fields.requiredText('cdiVersion').replace(/^v/, '');
  if (!versions.includes(version)) throw fields.fail('cdiVersion', `'${version}' is not one of ${versions.join(', ')}`);
  const kind = fields.requiredText('kind');
  const [vendor = '', name = '', ...more] = kind.split('/');
  if (more.length > 0 || !VENDOR.test(vendor) || !CLASS.test(name)) {
    throw fields.fail('kind', `'${kind}' is no vendor.com/class`);
  }
  const devices = fields.objects('devices') ?? [];
  if (devices.length === 0) throw fields.fail('devices', 'are missing');
  const names = new Set<string>();
  return {
    kind,
    edits: readEdits(fields.object('containerEdits')),
    devices: devices.map((device) => {
      refuseOthers(device, ['name', 'annotations', 'containerEdits']);
      const deviceName = device.requiredText('name');
      if (!DEVICE.test(deviceName)) throw device.fail('name', `'${deviceName}' is no name of a device`);
      if (names.has(deviceName)) throw device.fail('name', `'${deviceName}' is there twice`);
      names.add(deviceName);
      return { name: deviceName, edits: readEdits(device.requiredObject('containerEdits')) };
    }),
  };
}

function readEdits(fields: Fields | undefined): CdiEdits {
  const known = ['env', 'deviceNodes', 'mounts', 'hooks', 'additionalGids', 'netDevices', 'intelRdt'];
  if (fields) refuseOthers(fields, known);
  const rdt = fields?.object('intelRdt');
  return {
    env: envOf(fields, 'env'),
    deviceNodes: (fields?.objects('deviceNodes') ?? []).map(readNode),
    mounts: (fields?.objects('mounts') ?? []).map(readMount),
    hooks: (fields?.objects('hooks') ?? []).map(readHook),
    additionalGids: fields ? gidsOf(fields) : [],
    netDevices: (fields?.objects('netDevices') ?? []).map((device) => {
      refuseOthers(device, ['hostInterfaceName', 'name']);
      return { hostName: device.requiredText('hostInterfaceName'), name: device.requiredText('name') };
    }),
    ...(rdt ? { intelRdt: rdt.value } : {}),
  };
}

function readNode(fields: Fields): CdiDeviceNode {
  const numbers = ['major', 'minor', 'fileMode', 'uid', 'gid'] as const;
  refuseOthers(fields, ['path', 'hostPath', 'type', 'permissions', ...numbers]);
  const path = fields.requiredText('path');
  const type = fields.text('type') ?? '';
  if (!['', 'b', 'c', 'u', 'p'].includes(type)) throw fields.fail('type', `'${type}' is none of b, c, u, p`);
  const permissions = fields.text('permissions') || 'rwm';
  if (permissions !== 'none' && !/^[rwm]+$/.test(permissions)) {
    throw fields.fail('permissions', `'${permissions}' are no letters of rwm`);
  }
  const given = numbers.flatMap((key) => {
    const value = fields.size(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    path,
    hostPath: fields.text('hostPath') || path,
    ...(type === '' ? {} : { type: type as NonNullable<CdiDeviceNode['type']> }),
    permissions: permissions === 'none' ? '' : permissions,
    ...(Object.fromEntries(given) as Partial<Record<(typeof numbers)[number], number>>),
  };
}

function readMount(fields: Fields): Mount {
  refuseOthers(fields, ['hostPath', 'containerPath', 'type', 'options']);
  return {
    destination: fields.requiredText('containerPath'),
    type: fields.text('type') || 'bind',
    source: fields.requiredText('hostPath'),
    options: fields.texts('options') ?? [],
  };
}

function readHook(fields: Fields): Hook & { readonly name: string } {
  refuseOthers(fields, ['hookName', 'path', 'args', 'env', 'timeout']);
  const name = fields.requiredText('hookName');
  if (!hookNames.includes(name)) throw fields.fail('hookName', `'${name}' is none of ${hookNames.join(', ')}`);
  const timeout = fields.size('timeout');
  return {
    name,
    path: fields.requiredText('path'),
    ...(fields.has('args') ? { args: fields.texts('args')! } : {}),
    ...(fields.has('env') ? { env: envOf(fields, 'env') } : {}),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function envOf(fields: Fields | undefined, key: string): readonly string[] {
  const list = fields?.texts(key) ?? [];
  const wrong = list.find((entry) => entry.indexOf('=') <= 0);
  if (wrong !== undefined) throw fields!.fail(key, `'${wrong}' is no NAME=value`);
  return list;
}

function gidsOf(fields: Fields): readonly number[] {
  const list = fields.value['additionalGids'] ?? [];
  if (!Array.isArray(list) || !list.every((each) => Number.isInteger(each) && each >= 0 && each < 2 ** 32)) {
    throw fields.fail('additionalGids', 'are no list of group ids');
  }
  return list as number[];
}

function refuseOthers(fields: Fields, known: readonly string[]): void {
  const other = Object.keys(fields.value).find((key) => !known.includes(key));
  if (other !== undefined) throw fields.fail(other, 'is not known');
}
