/** Where the native helper's program is. */
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineErrors } from '#base';

const errors = defineErrors('helper', {
  missing: {
    kind: 'unavailable',
    message: (path: string) =>
      `the native helper ${path} is missing or cannot be executed: build it with 'make -C native' (needs a C compiler), or install the package with its optional dependencies`,
  },
});

/** The package with the programs built for this machine, which is installed beside ours or below it. */
const builtPackage = `skiff-linux-${process.arch}`;

/** Seen from the source (src/linux, dist/chunk) and from a bundled program (dist). */
const helperPlaces = ['../..', '..'].flatMap((root) =>
  ['native/build', `node_modules/${builtPackage}`, `../${builtPackage}`].map(
    (place) => `${root}/${place}/skiff-helper`,
  ),
);

/** The helper's program: SKIFF_HELPER, or the one built beside this package. Throws `helper.missing`. */
export function helperPath(): string {
  const given = process.env['SKIFF_HELPER'];
  const places = given ? [given] : helperPlaces.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = places.find(isExecutable);
  if (found === undefined) throw errors.missing(places[0]!);
  return found;
}

/** Whether this process may execute the file. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
