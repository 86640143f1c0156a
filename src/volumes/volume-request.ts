/** What may be asked of a volume: its name, its driver, its options. Pure. */
import { parseBytes } from '#base';
import { errors } from './errors.ts';

export interface VolumeRequest {
  /** Empty: an anonymous one, for which a name is made up. */
  readonly name: string;
  /** Empty: `local`. */
  readonly driver: string;
  /** compat: none is told as null, and an empty set as one. */
  readonly options: Readonly<Record<string, string>> | null;
  readonly labels: Readonly<Record<string, string>> | null;
}

/** Of a folder's name on Linux's file systems. */
const MAX_NAME_LENGTH = 255;
/** compat: what Docker's local driver knows. */
const knownOptions: ReadonlySet<string> = new Set(['type', 'o', 'device', 'size']);
/** compat: one says nothing without the others. */
const together: Readonly<Record<string, readonly string[]>> = {
  device: ['type'],
  type: ['device'],
  o: ['device', 'type'],
};

/** Throws `volume.badName`, `volume.shortName` and `volume.longName`. */
export function checkName(name: string): void {
  if (name.length < 2) throw errors.shortName(name);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw errors.badName(name);
  if (name.length > MAX_NAME_LENGTH) throw errors.longName(name, MAX_NAME_LENGTH);
}

/** Throws `volume.noDriver`. */
export function checkDriver({ driver }: Pick<VolumeRequest, 'driver'>, name: string): void {
  if (driver !== '' && driver !== 'local') throw errors.noDriver(name, driver);
}

/** Throws `volume.unknownOption`, `volume.missingOption`, `volume.badSize` and `volume.noQuota`. */
export function checkOptions({ options }: Pick<VolumeRequest, 'options'>, name: string): void {
  const given = options ?? {};
  const unknown = Object.keys(given).find((option) => !knownOptions.has(option));
  if (unknown !== undefined) throw errors.unknownOption(name, unknown);
  if (given['size'] !== undefined && sizeOf(given['size'], name) > 0) throw errors.noQuota(name);
  for (const [option, others] of Object.entries(together)) {
    if (!given[option]) continue;
    const missing = others.find((other) => !given[other]);
    if (missing !== undefined) throw errors.missingOption(name, missing);
  }
}

function sizeOf(text: string, name: string): number {
  try {
    return parseBytes(text);
  } catch {
    throw errors.badSize(name, text);
  }
}
