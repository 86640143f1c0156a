/** Annotations for images: `annotation[-WHERE][PLATFORM].KEY`, as clients send them with an export. Pure. */
import { formatPlatform, normalizePlatform, parsePlatform, type Platform } from '#specs';
import { errors } from '../errors.ts';

export type AnnotationPlace = 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor';

export interface Annotation {
  readonly place: AnnotationPlace;
  /** Of the manifest it is for; undefined: of all. */
  readonly platform: Platform | undefined;
  readonly key: string;
  readonly value: string;
}

const KEY = /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/;
const PLACES: ReadonlySet<string> = new Set(['manifest', 'manifest-descriptor', 'index', 'index-descriptor']);

/** Undefined for an option that is no annotation. Throws `build.badAnnotation` and `oci.badPlatform`. */
export function readAnnotation(option: string, value: string, host: Platform): Annotation | undefined {
  const match = KEY.exec(option);
  if (!match) return undefined;
  const [, place = 'manifest', platform, key = ''] = match;
  if (!PLACES.has(place)) throw errors.badAnnotation(option, `unrecognized annotation type ${place}`);
  return {
    place: place as AnnotationPlace,
    platform: platform === undefined ? undefined : normalizePlatform(parsePlatform(platform, host)),
    key,
    value,
  };
}

/** Those of a place, for a manifest of one platform or for what has none; undefined for none. */
export function annotationsFor(
  all: readonly Annotation[],
  place: AnnotationPlace,
  platform?: Platform,
): Readonly<Record<string, string>> | undefined {
  const wanted = platform && formatPlatform(normalizePlatform(platform));
  const own = all.filter(
    (each) => each.place === place && (!each.platform || formatPlatform(each.platform) === wanted),
  );
  // Those for one platform win over those for all.
  const sorted = own.toSorted((a, b) => Number(a.platform !== undefined) - Number(b.platform !== undefined));
  return own.length === 0 ? undefined : Object.fromEntries(sorted.map(({ key, value }) => [key, value]));
}

/** Throws `build.badAnnotation` for one of a platform that is not built, and for those of an index where there is none. */
export function checkAnnotations(
  all: readonly Annotation[],
  {
    platforms,
    hasIndex,
    isOci,
  }: { readonly platforms: readonly Platform[]; readonly hasIndex: boolean; readonly isOci: boolean },
): void {
  const built = new Set(platforms.map((platform) => formatPlatform(normalizePlatform(platform))));
  for (const { key, place, platform } of all) {
    if (platform && !built.has(formatPlatform(platform))) {
      throw errors.badAnnotation(key, `no platform ${formatPlatform(platform)} is built`);
    }
    if (!hasIndex && place.startsWith('index')) {
      throw errors.badAnnotation(key, 'index annotations not supported for single platform export');
    }
    if (!isOci && place !== 'manifest') {
      throw errors.badAnnotation(key, 'cannot export annotations with "oci-mediatypes=false"');
    }
  }
}
