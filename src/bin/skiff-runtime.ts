/** skiff-runtime: the OCI runtime command line, for Podman, containerd and dockerd. */
import { readFileSync } from 'node:fs';
import { runCommandLine } from '#runtime/commands';

void runCommandLine(process.argv.slice(2), version).then((code) => {
  process.exitCode = code;
});

/** From source the file is two folders up, bundled it is one. */
function version(): string {
  for (const path of ['../../package.json', '../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name: string;
        version: string;
      };
      if (found.name === 'skiff') return found.version;
    } catch {
      // The other place then.
    }
  }
  return 'unknown';
}
