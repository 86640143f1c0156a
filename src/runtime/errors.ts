/** Everything the runtime can refuse. */
import { defineErrors } from '#base';

export const errors = defineErrors('runtime', {
  invalidSpec: {
    kind: 'invalid',
    message: (what: string, value: string, hint: string) => `invalid config.json: ${what} is ${value}: ${hint}`,
  },
  unsupported: {
    kind: 'not-implemented',
    message: (what: string, why: string) => `${what} is not supported here: ${why}`,
  },
  mountInProc: {
    kind: 'invalid',
    message: (path: string) => `"${path}" cannot be mounted because it is inside /proc`,
  },
  launchFailed: { kind: 'internal', message: (what: string) => what },
  commandNotFound: { kind: 'invalid', message: (what: string) => what },
  commandNotExecutable: { kind: 'invalid', message: (what: string) => what },
  noSuch: { kind: 'not-found', message: (id: string) => `container does not exist: ${id}` },
  exists: { kind: 'conflict', message: (id: string) => `container with given ID already exists: ${id}` },
  invalidId: {
    kind: 'invalid',
    message: (id: string) => `invalid container ID format: '${id}' (letters, digits, and _ + - . only)`,
  },
  notAllowed: {
    kind: 'conflict',
    message: (operation: string, id: string, status: string) => `cannot ${operation} container ${id}: it is ${status}`,
  },
  badBundle: { kind: 'invalid', message: (path: string, why: string) => `cannot read the bundle's ${path}: ${why}` },
});
