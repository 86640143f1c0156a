/**
 * Platforms: `os/architecture[/variant]`, and which manifest of an index fits one best.
 *
 * Pure. compat: names and preference as containerd's platforms package has them.
 */
import { errors } from './errors.ts';
import type { Fields } from './reading.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  i386: '386',
  i686: '386',
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  arm64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
};

/** By Go's names. */
const KNOWN_ARCHITECTURES = new Set([
  ...[
    '386',
    'amd64',
    'amd64p32',
    'arm',
    'armbe',
    'arm64',
    'arm64be',
    'loong64',
    'mips',
    'mipsle',
    'mips64',
    'mips64le',
  ],
  ...[
    'mips64p32',
    'mips64p32le',
    'ppc',
    'ppc64',
    'ppc64le',
    'riscv',
    'riscv64',
    's390',
    's390x',
    'sparc',
    'sparc64',
    'wasm',
  ],
]);
const KNOWN_OS = new Set([
  'linux',
  'windows',
  'darwin',
  'freebsd',
  'netbsd',
  'openbsd',
  'solaris',
  'wasip1',
  'js',
  'aix',
  'android',
  'dragonfly',
  'illumos',
  'ios',
  'plan9',
]);
const COMPONENT = /^[A-Za-z0-9_.-]+$/;

/** Throws `oci.malformed`. */
export function readPlatform(fields: Fields): Platform {
  const variant = fields.text('variant');
  const osVersion = fields.text('os.version');
  const osFeatures = fields.texts('os.features');
  return {
    os: fields.text('os') ?? '',
    architecture: fields.text('architecture') ?? '',
    ...(variant ? { variant } : {}),
    ...(osVersion ? { osVersion } : {}),
    ...(osFeatures ? { osFeatures } : {}),
  };
}

/** The form documents have, with Docker's dotted keys. */
export function platformJson(platform: Platform): Record<string, unknown> {
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.osVersion === undefined ? {} : { 'os.version': platform.osVersion }),
    ...(platform.osFeatures === undefined ? {} : { 'os.features': platform.osFeatures }),
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
  };
}

/**
 * `linux/arm64/v8`, `linux/amd64`, and alone an operating system or an architecture, completed from `host`.
 * Throws `oci.badPlatform`, and `oci.unknownPlatform` for a word alone that is neither.
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some((part) => !COMPONENT.test(part))) throw errors.badPlatform(text);
  const [first = '', second, third] = parts.map((part) => part.toLowerCase());
  if (second !== undefined) return normalizePlatform({ os: first, architecture: second, ...variantOf(third) });
  if (KNOWN_OS.has(first)) return { ...host, os: first };
  const { architecture, variant } = normalizePlatform({ os: host.os, architecture: first });
  if (!KNOWN_ARCHITECTURES.has(architecture)) throw errors.unknownPlatform(text);
  return { os: host.os, architecture, ...variantOf(variant) };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== '').join('/');
}

/** Go's names; the variant that an architecture has anyway is left out for amd64 and arm64, said for arm. */
export function normalizePlatform(platform: Platform): Platform {
  const name = platform.architecture.toLowerCase();
  const architecture = ARCHITECTURES[name] ?? name;
  let variant = platform.variant?.toLowerCase() ?? '';
  if (/^\d$/.test(variant)) variant = `v${variant}`;
  if (name === 'armel') variant = 'v6';
  if (architecture === 'arm' && variant === '') variant = 'v7';
  if (architecture === 'arm64' && variant === 'v8') variant = '';
  if (architecture === 'amd64' && variant === 'v1') variant = '';
  const { variant: _, ...rest } = platform;
  return {
    ...rest,
    os: platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase(),
    architecture,
    ...variantOf(variant),
  };
}

const variantOf = (variant: string | undefined): { variant?: string } => (variant ? { variant } : {});

/** What a processor of one platform can also run, best first: older variants, then 32-bit ARM on 64-bit. */
function candidates(wanted: Platform): Platform[] {
  const { os, architecture } = wanted;
  const variant = Number((wanted.variant ?? '').replace(/^v/, '')) || 0;
  const older = (arch: string, from: number, to: number): Platform[] =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, index) => ({
      os,
      architecture: arch,
      variant: `v${from - index}`,
    }));
  if (architecture === 'amd64') return [...older('amd64', variant, 2), { os, architecture }];
  if (architecture === 'arm') return older('arm', variant || 7, 5);
  if (architecture === 'arm64') return [...older('arm64', variant, 9), { os, architecture }, ...older('arm', 8, 5)];
  return [{ ...wanted }];
}

/**
 * The entry that fits a platform best; undefined when none does. Entries without a platform are passed over, and so
 * are attestations, which say `unknown`.
 */
export function selectPlatform<T extends { readonly platform?: Platform }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  for (const candidate of candidates(normalizePlatform(wanted))) {
    const text = formatPlatform(candidate);
    const found = entries.find(({ platform }) => platform && formatPlatform(normalizePlatform(platform)) === text);
    if (found) return found;
  }
  return undefined;
}

/** Whether an image of one platform is what was asked for, older variants included. */
export function platformFits(platform: Platform, wanted: Platform): boolean {
  return selectPlatform([{ platform }], wanted) !== undefined;
}
