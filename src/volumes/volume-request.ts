/** What may be asked of a volume: its name, its driver, its options. Pure. */
import { errors } from './errors.ts';

export interface VolumeRequest {
  /** Empty: an anonymous one, for which a name is made up. */
  readonly name: string;
  /** Empty: `local`. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Of a folder's name on Linux's file systems. */
const MAX_NAME_LENGTH = 255;
/** compat: what Docker's local driver knows, of which nothing is there yet. */
const mountOptions: ReadonlySet<string> = new Set(['type', 'o', 'device', 'size']);

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

/** Throws `volume.unknownOption` and `volume.unsupportedOption`. */
export function checkOptions({ options }: Pick<VolumeRequest, 'options'>, name: string): void {
  const given = Object.keys(options);
  const unknown = given.find((option) => !mountOptions.has(option));
  if (unknown !== undefined) throw errors.unknownOption(name, unknown);
  if (given[0] !== undefined) throw errors.unsupportedOption(name, given[0]);
}
