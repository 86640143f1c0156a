/**
 * The devices vendors describe on this host, by name: read anew each time somebody asks, for vendors' services rewrite their
 * files. spec: CDI, a file in a later folder takes precedence; two in the same folder that name a device make it unusable.
 */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { errnoCode, messageOf } from '#base';
import { type CdiEdits, type CdiSpec, readCdiSpec } from '#specs';

export interface CdiDevices {
  /** `vendor.com/class=name` → what it needs. */
  readonly devices: ReadonlyMap<string, CdiDevice>;
  /** What is wrong with which file, in a line each. */
  readonly problems: readonly string[];
}

export interface CdiDevice {
  readonly spec: CdiSpec;
  readonly edits: CdiEdits;
  readonly path: string;
}

/** More than what describes eight graphics cards by a hundred times: what is longer is no such file. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Of these folders; one that is not there has none. Never throws. */
export async function readCdiDevices(folders: readonly string[]): Promise<CdiDevices> {
  const devices = new Map<string, CdiDevice>();
  const problems: string[] = [];
  for (const folder of folders) {
    const here = new Map<string, CdiDevice>();
    const conflicts = new Set<string>();
    for (const path of await filesIn(folder, problems)) {
      const spec = await readSpec(path, problems);
      for (const { name, edits } of spec?.devices ?? []) {
        const full = `${spec!.kind}=${name}`;
        const other = here.get(full);
        if (other) {
          conflicts.add(full);
          problems.push(`conflicting device "${full}" (specs "${other.path}", "${path}")`);
        } else here.set(full, { spec: spec!, edits, path });
      }
    }
    for (const [name, device] of here) devices.set(name, device);
    for (const name of conflicts) devices.delete(name);
  }
  return { devices, problems };
}

async function filesIn(folder: string, problems: string[]): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => /\.(?:json|yaml)$/.test(name))
      .sort()
      .map((name) => `${folder}/${name}`);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') problems.push(`${folder}: ${messageOf(error)}`);
    return [];
  }
}

async function readSpec(path: string, problems: string[]): Promise<CdiSpec | undefined> {
  try {
    const text = await readBounded(path);
    return readCdiSpec(await parseText(text, path), path);
  } catch (error) {
    problems.push(`${path}: ${messageOf(error)}`);
    return undefined;
  }
}

async function readBounded(path: string): Promise<string> {
  await using file: FileHandle = await open(path, 'r');
  const { size } = await file.stat();
  if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
  return file.readFile('utf8');
}

/** JSON is YAML too, but what calls itself JSON is to be it. The parser is loaded by the first who needs it. */
async function parseText(text: string, path: string): Promise<unknown> {
  if (path.endsWith('.json')) return JSON.parse(text) as unknown;
  const { parse } = await import('yaml');
  return parse(text, { maxAliasCount: 100 }) as unknown;
}
