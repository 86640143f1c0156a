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
  unsupportedOption: {
    kind: 'not-implemented',
    message: (name: string, option: string) =>
      `create ${name}: the option "${option}" of volumes is not supported by this version of Skiff: leave it out, or bind a folder of the host`,
  },
});
