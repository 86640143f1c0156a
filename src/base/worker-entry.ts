/**
 * Where the code of a worker thread is: a source file beside the one that starts it, or in a release a bundle of its own
 * (tools/bundle.ts), beside the program or above the chunk that starts it.
 */
import { existsSync } from 'node:fs';

/** From the starting file's `import.meta.url` and the worker's name without extension. Throws when it is nowhere. */
export function workerEntry(startedFrom: string, name: string): URL {
  const places = startedFrom.endsWith('.ts') ? [`./${name}.ts`] : [`./${name}.mjs`, `../${name}.mjs`];
  const urls = places.map((place) => new URL(place, startedFrom));
  const found = urls.find((url) => existsSync(url));
  if (!found) throw new Error(`the code of the worker thread '${name}' is missing: ${urls[0]!.pathname} is not there`);
  return found;
}
