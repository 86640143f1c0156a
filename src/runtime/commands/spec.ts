/** `spec`: a config.json to begin with. */
import { existsSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { errors } from '../errors.ts';
import { starterConfig } from '../oci/starter-config.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '[flags]',
  about: 'write a config.json to begin with',
  flags: {
    bundle: { names: ['bundle', 'b'], kind: 'text', about: 'folder of the bundle (default: the working folder)' },
    rootless: { names: ['rootless'], kind: 'switch', about: 'one for users without root rights' },
  },
  args: [0, 0],
  action: (_, { bundle = '.', rootless }) => {
    const file = posix.join(bundle, 'config.json');
    if (existsSync(file)) throw errors.usage(`${file} exists; remove it first`);
    const ids = rootless ? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } : undefined;
    writeFileSync(file, `${JSON.stringify(starterConfig(ids), null, '\t')}\n`, { mode: 0o666, flag: 'wx' });
  },
});
