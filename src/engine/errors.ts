/** Everything the engine can refuse, in Docker's own words where Docker has some. */
import { defineErrors } from '#base';

export const errors = defineErrors('container', {
  noSuch: { kind: 'not-found', message: (ref: string) => `No such container: ${ref}` },
  noSuchImage: {
    kind: 'not-found',
    message: (ref: string) => `No such image: ${ref.includes(':') ? ref : `${ref}:latest`}`,
  },
  ambiguous: { kind: 'invalid', message: (ref: string) => `multiple IDs found with provided prefix: ${ref}` },
  noSuchExec: { kind: 'not-found', message: (id: string) => `No such exec instance: ${id}` },
  noMountSource: {
    kind: 'invalid',
    message: (path: string) => `invalid mount config for type "bind": bind source path does not exist: ${path}`,
  },
  noVolumesFrom: { kind: 'invalid', message: (ref: string) => `No such container: ${ref}` },
  volumeOverFile: {
    kind: 'invalid',
    message: (path: string) =>
      `cannot mount a volume over a file: the image has no folder at ${path}: name another place for the volume`,
  },
  noSubpath: {
    kind: 'invalid',
    message: (volume: string, path: string, why: string) => `cannot access path ${path} of volume ${volume}: ${why}`,
  },
  noDefaultBridge: {
    kind: 'invalid',
    message: () => 'this daemon has no default bridge network (--bridge=none): use --network',
  },
  alreadyOnNetwork: {
    kind: 'forbidden',
    message: (container: string, network: string) =>
      `endpoint with name ${container} already exists in network ${network}`,
  },
  notOnNetwork: {
    kind: 'forbidden',
    message: (id: string, network: string) => `container ${id} is not connected to network ${network}`,
  },
  hostNetwork: {
    kind: 'invalid',
    message: () => 'container cannot be disconnected from host network or connected to host network',
  },
  sharedNetwork: {
    kind: 'invalid',
    message: () =>
      'container sharing network namespace with another container or host cannot be connected to any other network',
  },
  networkDisabled: {
    kind: 'forbidden',
    message: () => 'container was made with its network disabled and cannot be connected to any',
  },
  /** Not `not-found`, as below. */
  noLinkTarget: {
    kind: 'invalid',
    message: (ref: string) => `could not get container for ${ref}: No such container: ${ref}`,
  },
  noLinksOnHost: {
    kind: 'invalid',
    message: () =>
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  },
  notALink: {
    kind: 'internal',
    message: () => 'Conflict, cannot remove the default link name of the container',
  },
  linkNotRunning: {
    kind: 'internal',
    message: (target: string, alias: string) => `Cannot link to a non running container: /${target} AS ${alias}`,
  },
  linkElsewhere: {
    kind: 'internal',
    message: (target: string) => `Cannot link to /${target}, as it does not belong to the default network`,
  },
  noneWithOthers: {
    kind: 'invalid',
    message: () => 'container cannot be connected to multiple networks with one of the networks in private (none) mode',
  },
  /** Not `not-found`: clients would take that for the image's, and pull it. */
  noNetworkOwner: { kind: 'invalid', message: (ref: string) => `No such container: ${ref}` },
  cannotJoin: { kind: 'conflict', message: (id: string) => `cannot join network of a non running container: ${id}` },
  nameTaken: {
    kind: 'conflict',
    message: (name: string, holder: string) =>
      `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
  },
  noName: { kind: 'invalid', message: () => 'Neither old nor new names may be empty' },
  sameName: { kind: 'invalid', message: () => 'Renaming a container with the same name as its current name' },
  badName: {
    kind: 'invalid',
    message: (name: string) => `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  },
  logDriver: { kind: 'internal', message: (what: string) => `failed to initialize logging driver: ${what}` },
  logRoom: {
    kind: 'unavailable',
    message: (path: string, mib: number) =>
      `old log files are not compressed while less than ${mib} MiB are free where ${path} is: make room`,
  },
  noCommand: { kind: 'invalid', message: () => 'no command specified' },
  alreadyStarted: { kind: 'not-modified', message: () => 'container already started' },
  alreadyStopped: { kind: 'not-modified', message: () => 'container already stopped' },
  shuttingDown: {
    kind: 'unavailable',
    message: () => 'no container is started any more: the daemon is shutting down',
  },
  startPaused: { kind: 'conflict', message: () => 'cannot start a paused container, try unpause instead' },
  markedForRemoval: {
    kind: 'conflict',
    message: () => 'container is marked for removal and cannot be started',
  },
  /** At the creation, and at a start after the operator took it away. */
  unknownRuntime: {
    kind: 'invalid',
    message: (name: string) => `unknown or invalid runtime name: ${name}`,
  },
  restartOfAutoRemoved: {
    kind: 'invalid',
    message: () => 'Restart policy cannot be updated because AutoRemove is enabled for the container',
  },
  restarting: {
    kind: 'conflict',
    message: (id: string) => `Container ${id} is restarting, wait until the container is running`,
  },
  notRunning: { kind: 'conflict', message: (id: string) => `container ${id} is not running` },
  cannotKill: {
    kind: 'conflict',
    message: (ref: string, id: string) => `cannot kill container: ${ref}: container ${id} is not running`,
  },
  cannotCommit: {
    kind: 'conflict',
    message: (id: string, status: string) => `You cannot commit container ${id} which is ${status}`,
  },
  cannotCopy: {
    kind: 'conflict',
    message: (id: string, status: string) => `You cannot copy from or into container ${id} which is ${status}`,
  },
  noSuchFile: {
    kind: 'not-found',
    message: (path: string, container: string) => `Could not find the file ${path} in container ${container}`,
  },
  notFolder: { kind: 'invalid', message: (path: string) => `extraction point is not a directory: ${path}` },
  readonlyRoot: { kind: 'forbidden', message: () => 'container rootfs is marked read-only' },
  readonlyMount: { kind: 'forbidden', message: () => 'mounted volume is marked read-only' },
  outside: { kind: 'invalid', message: (path: string) => `the archive's entry ${path} is outside of what it is for` },
  otherKind: {
    kind: 'invalid',
    message: (path: string, why: string) =>
      `cannot overwrite a directory with a non-directory, or a non-directory with a directory, in ${path}: ${why}`,
  },
  copyFailed: { kind: 'internal', message: (path: string, why: string) => `cannot copy to ${path}: ${why}` },
  alreadyPaused: { kind: 'conflict', message: (id: string) => `container ${id} is already paused` },
  notPaused: { kind: 'conflict', message: (id: string) => `Container ${id} is not paused` },
  pausedAttach: {
    kind: 'conflict',
    message: (id: string) => `container ${id} is paused, unpause the container before attach`,
  },
  pausedExec: {
    kind: 'conflict',
    message: (id: string) => `Container ${id} is paused, unpause the container before exec`,
  },
  removeRunning: {
    kind: 'conflict',
    message: (id: string, status: string) =>
      `cannot remove container "${id}": container is ${status}: ${
        status === 'paused' ? 'unpause and then stop' : 'stop'
      } the container before removing or force remove`,
  },
  removalInProgress: { kind: 'conflict', message: (id: string) => `removal of container ${id} is already in progress` },
  invalidSignal: { kind: 'invalid', message: (signal: string) => `invalid signal: ${signal}` },
  logReaderEnded: { kind: 'internal', message: () => 'the log could not be read to its end: its reader was killed' },
  noExecCommand: { kind: 'invalid', message: () => 'No exec command specified' },
  startFailed: { kind: 'internal', message: (what: string) => what },
  commandNotFound: { kind: 'invalid', message: (what: string) => what },
  commandNotExecutable: { kind: 'invalid', message: (what: string) => what },
  shimLost: { kind: 'internal', message: (id: string) => `the shim of container ${id} has ended unexpectedly` },
  execNotRunning: { kind: 'conflict', message: (id: string) => `exec instance ${id} is not running` },
  execRunning: { kind: 'conflict', message: (id: string) => `exec instance ${id} is already running or has ended` },
  notSupported: {
    kind: 'not-implemented',
    message: (option: string, hint: string) => `${option} is not supported by this version of Skiff: ${hint}`,
  },
  /** compat: Go's way to write a list of lists. */
  noDeviceDriver: {
    kind: 'internal',
    message: (driver: string, capabilities: readonly (readonly string[])[]) =>
      `could not select device driver ${JSON.stringify(driver)} with capabilities: [${capabilities
        .map((each) => `[${each.join(' ')}]`)
        .join(' ')}]`,
  },
  cdi: { kind: 'internal', message: (why: string) => `CDI device injection failed: ${why}` },
  invalid: { kind: 'invalid', message: (what: string) => what },
});
