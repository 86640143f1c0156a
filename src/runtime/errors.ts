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
  datagrams: { kind: 'internal', message: (path: string, why: string) => `send to unixgram://${path}: ${why}` },
  hostMount: { kind: 'internal', message: (what: string, why: string) => `${what}: ${why}` },
  launchFailed: { kind: 'internal', message: (what: string) => what },
  launchStuck: {
    kind: 'deadline',
    message: (folder: string, seconds: number) =>
      `the shim in ${folder} is still making its container after ${seconds} s`,
  },
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
  notRunning: {
    kind: 'conflict',
    message: (operation: string, id: string) => `cannot ${operation} container ${id}: container not running`,
  },
  notPaused: { kind: 'conflict', message: (id: string) => `cannot resume container ${id}: container not paused` },
  locked: {
    kind: 'deadline',
    message: (folder: string, holder: string) => `${folder} is locked by another operation (${holder})`,
  },
  badState: {
    kind: 'internal',
    message: (file: string, why: string) => `cannot use ${file}: ${why}; 'delete --force' removes the container`,
  },
  survives: {
    kind: 'deadline',
    message: (id: string, pid: string) => `container ${id} (process ${pid}) survives SIGKILL`,
  },
  hook: { kind: 'internal', message: (stage: string, why: string) => `${stage} hook: ${why}` },
  usage: { kind: 'invalid', message: (what: string) => what },
  badBundle: { kind: 'invalid', message: (path: string, why: string) => `cannot read the bundle's ${path}: ${why}` },
});
