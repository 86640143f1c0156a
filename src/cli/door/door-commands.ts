/**
 * Which commands the daemon runs for a client at its front door: those that need nothing of the user's but the terminal.
 *
 * All others need a process of the user's own: they read or write files, look for credentials, or start programs.
 */
const container = [
  'attach',
  'create',
  'diff',
  'exec',
  'inspect',
  'kill',
  'logs',
  'pause',
  'port',
  'rename',
  'restart',
  'rm',
  'run',
  'start',
  'stats',
  'stop',
  'top',
  'unpause',
  'update',
  'wait',
];

const atDoor: ReadonlySet<string> = new Set([
  ...container,
  ...[...container, 'ls', 'prune'].map((name) => `container ${name}`),
  ...['events', 'history', 'images', 'ps', 'rmi', 'tag'],
  ...['history', 'inspect', 'ls', 'prune', 'rm', 'tag'].map((name) => `image ${name}`),
  ...['connect', 'create', 'disconnect', 'inspect', 'ls', 'prune', 'rm'].map((name) => `network ${name}`),
  ...['create', 'inspect', 'ls', 'prune', 'rm'].map((name) => `volume ${name}`),
  ...['df', 'events', 'prune'].map((name) => `system ${name}`),
]);

/** By its words, such as `ps` and `network ls`. */
export const runsAtDoor = (name: string): boolean => atDoor.has(name);
