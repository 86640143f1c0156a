/** Everything volumes can refuse, in Docker's own words where Docker has some. */
import { defineErrors } from '#base';

export const errors = defineErrors('volume', {
  noSuch: { kind: 'not-found', message: (name: string) => `get ${name}: no such volume` },
  badName: {
    kind: 'invalid',
    message: (name: string) =>
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  },
  shortName: {
    kind: 'invalid',
    message: (name: string) =>
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
  },
  longName: {
    kind: 'invalid',
    message: (name: string, limit: number) =>
      `create ${name}: a volume's name is a folder's name, which has at most ${limit} characters: this one has ${name.length}`,
  },
  noDriver: {
    kind: 'not-found',
    message: (name: string, driver: string) =>
      `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
  },
  unknownOption: {
    kind: 'invalid',
    message: (name: string, option: string) => `create ${name}: invalid option: "${option}"`,
  },
  missingOption: {
    kind: 'invalid',
    message: (name: string, option: string) => `create ${name}: missing required option: "${option}"`,
  },
  noQuota: {
    kind: 'invalid',
    message: (name: string) => `create ${name}: quota size requested but no quota support`,
  },
  badSize: {
    kind: 'invalid',
    message: (name: string, size: string) => `create ${name}: invalid size: '${size}'`,
  },
  inUse: {
    kind: 'conflict',
    message: (name: string, ids: readonly string[]) => `remove ${name}: volume is in use - [${ids.join(', ')}]`,
  },
  stillMounted: {
    kind: 'conflict',
    message: (name: string, point: string) =>
      `remove ${name}: something is mounted at ${point}, and would be removed with the volume: unmount it first`,
  },
  cannotMount: {
    kind: 'internal',
    message: (path: string, why: string) => `error while mounting volume '${path}': ${why}`,
  },
  exists: {
    kind: 'conflict',
    message: (name: string) => `a volume named ${name} already exists: choose another name, or remove it first`,
  },
  busy: {
    kind: 'conflict',
    message: (name: string, what: string, ids: readonly string[]) =>
      `${what} ${name}: volume is in use - [${ids.join(', ')}]`,
  },
  notOwn: {
    kind: 'invalid',
    message: (name: string, what: string) =>
      `${what} ${name}: its files are elsewhere (it has mount options), and are left to those who keep them there`,
  },
});
