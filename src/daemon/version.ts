/** The package's own version. */
import { readFileSync } from 'node:fs';

export const skiffVersion = readVersion();

/** From source the file is two folders up, bundled it is one. */
function readVersion(): string {
  for (const path of ['../../package.json', '../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'skiff' && version) return version;
    } catch {
      // The other place then.
    }
  }
  return '0.0.0';
}
