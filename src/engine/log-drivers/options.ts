/**
 * `LogConfig` → log settings: which drivers there are, what options each takes, and the bounds of the files.
 *
 * compat: names, defaults and refusals follow Docker's manual of logging drivers, but that files have bounds where Docker
 * has none (DESIGN.md, decision 8).
 */
import { parseBytes } from '#base';
import type { LogSettings } from '../container-settings.ts';
import { errors } from '../errors.ts';
import { checkTag } from './attributes.ts';
import type { LogDriver, LogDriverName, LogOptions } from './driver.ts';
import { isYes } from './flag.ts';
import { fluentd } from './fluentd.ts';
import { gelf } from './gelf.ts';
import { journald } from './journald.ts';
import { syslog } from './syslog.ts';

const ATTRIBUTES = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'] as const;
const MODES = ['mode', 'max-buffer-size'] as const;
const CACHE = ['cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress'] as const;

const inFiles: LogDriver = {
  options: ['max-size', 'max-file', 'compress'],
  check: () => {},
};

const drivers: Readonly<Record<LogDriverName, LogDriver>> = {
  'json-file': { ...inFiles, options: [...inFiles.options, ...ATTRIBUTES] },
  local: inFiles,
  none: { options: [], check: () => {} },
  syslog,
  journald,
  fluentd,
  gelf,
};

/** compat: Docker's json-file has no bounds. We keep 1 GiB per container at most, always shown in inspect. */
const JSON_FILE_BOUNDS: LogOptions = { 'max-size': '200m', 'max-file': '5' };
/** compat: of the driver `local`, and of the cache of drivers that send lines elsewhere: those compress. */
const LOCAL_BOUNDS: LogOptions = { 'max-size': '20m', 'max-file': '5' };

export function logDriver(name: LogDriverName): LogDriver {
  return drivers[name];
}

/** Names for clients that ask what there is. */
export function logDriverNames(): LogDriverName[] {
  return (Object.keys(drivers) as LogDriverName[]).filter((name) => name !== 'none');
}

/** Whether there are lines a client may read. */
export function isLogReadable({ driver, options }: LogSettings): boolean {
  return driver !== 'none' && !isYes('cache-disabled', options['cache-disabled']);
}

/** An empty type is json-file. Throws `container.invalid`. */
export function parseLogSettings(type: string, options: LogOptions): LogSettings {
  const name = type === '' ? 'json-file' : type;
  if (!Object.hasOwn(drivers, name)) {
    throw errors.invalid(
      `logger: no log driver named '${name}' is registered: there are ${Object.keys(drivers).join(', ')}`,
    );
  }
  const driver = name as LogDriverName;
  // compat: what nothing is done with is not looked at.
  if (driver === 'none') return { driver, maxSizeBytes: 0, maxFiles: 1, options };
  checkNames(driver, options);
  checkMode(options);
  checkTag(options['tag'] ?? '');
  for (const key of ['labels-regex', 'env-regex']) checkExpression(key, options[key] ?? '');
  drivers[driver].check(options);
  isYes('cache-disabled', options['cache-disabled']);
  const isRemote = drivers[driver].open !== undefined;
  const bounds = isRemote
    ? cacheBounds(options)
    : { ...(driver === 'json-file' ? JSON_FILE_BOUNDS : LOCAL_BOUNDS), ...options };
  const sizes = boundsOf(bounds);
  const key = isRemote ? 'cache-compress' : 'compress';
  return {
    driver,
    ...sizes,
    ...(isCompressed(key, options[key], driver !== 'json-file', sizes) ? { isCompressed: true } : {}),
    options: driver === 'json-file' ? bounds : options,
  };
}

function checkNames(name: LogDriverName, options: LogOptions): void {
  const driver = drivers[name];
  const known = [...driver.options, ...MODES, ...(driver.open ? [...ATTRIBUTES, ...CACHE] : [])];
  for (const key of Object.keys(options)) {
    const instead = driver.refused?.[key];
    const isOff = options[key] === 'false';
    if (instead !== undefined && isOff) continue;
    if (instead !== undefined)
      throw errors.invalid(`log opt '${key}' of the ${name} log driver is not supported: ${instead}`);
    if (!known.includes(key)) throw errors.invalid(`unknown log opt '${key}' for ${name} log driver`);
  }
}

/**
 * compat: Docker's default lets the container wait for the log. Here it never waits for more than a file, which is what
 * `non-blocking` asks for; a buffer in memory, which the option bounds, there is none.
 */
function checkMode(options: LogOptions): void {
  const mode = options['mode'] ?? '';
  if (!['', 'blocking', 'non-blocking'].includes(mode))
    throw errors.invalid(`logger: logging mode not supported: ${mode}`);
  const size = options['max-buffer-size'];
  if (size === undefined) return;
  if (mode !== 'non-blocking') {
    throw errors.invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  parseBytes(size);
}

function checkExpression(key: string, value: string): void {
  try {
    new RegExp(value);
  } catch (error) {
    throw errors.invalid(`log opt '${key}' is no regular expression: ${(error as Error).message}`);
  }
}

function cacheBounds(options: LogOptions): LogOptions {
  const size = options['cache-max-size'];
  const files = options['cache-max-file'];
  return {
    ...LOCAL_BOUNDS,
    ...(size === undefined ? {} : { 'max-size': size }),
    ...(files === undefined ? {} : { 'max-file': files }),
  };
}

/** Whether old files are compressed. Throws `container.invalid` where there would never be one. */
function isCompressed(
  key: string,
  value: string | undefined,
  isUsual: boolean,
  { maxSizeBytes, maxFiles }: { readonly maxSizeBytes: number; readonly maxFiles: number },
): boolean {
  const isBounded = maxSizeBytes > 0 && maxFiles > 1;
  // compat: those that compress of themselves are told so, too, when there would never be an old file.
  if (value === undefined && !(isUsual && maxFiles === 1)) return isUsual && isBounded;
  const isAsked = value === undefined || isYes(key, value);
  if (isAsked && !isBounded) {
    throw errors.invalid(
      isUsual
        ? 'compression cannot be enabled when max file count is 1'
        : 'compress cannot be true when max-file is less than 2 or max-size is not set',
    );
  }
  return isAsked;
}

function boundsOf(options: LogOptions): { readonly maxSizeBytes: number; readonly maxFiles: number } {
  const size = options['max-size']!;
  const maxFiles = Number(options['max-file']);
  if (!Number.isInteger(maxFiles) || maxFiles < 1) {
    throw errors.invalid(`max-file cannot be less than 1 (it is '${options['max-file']}')`);
  }
  return { maxSizeBytes: size === '-1' ? 0 : parseBytes(size), maxFiles };
}
