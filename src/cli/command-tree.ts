/** Every command by its path, with what help says of it. Files are loaded when their command runs. */
import type { CommandEntry, CommandGroup } from './command-entry.ts';
import { contextGroup } from './context-commands.ts';

const attach: CommandEntry = {
  summary: "Connect this terminal to a running container's main process",
  load: async () => (await import('./commands/attach.ts')).attach,
};
const build: CommandEntry = {
  summary: 'Build an image from a Dockerfile',
  load: async () => (await import('./commands/build.ts')).build,
};
const builderDu: CommandEntry = {
  summary: 'Show what builds keep for the next',
  load: async () => (await import('./commands/builder-du.ts')).builderDu,
};
const builderPrune: CommandEntry = {
  summary: 'Remove what builds keep for the next',
  load: async () => (await import('./commands/builder-prune.ts')).builderPrune,
};
const create: CommandEntry = {
  summary: 'Make a container without starting it',
  load: async () => (await import('./commands/create.ts')).create,
};
const debug: CommandEntry = {
  summary: 'Open a shell in the state before the step of a build that failed last',
  load: async () => (await import('./commands/debug.ts')).debug,
};
const exec: CommandEntry = {
  summary: 'Run one more program in a running container',
  load: async () => (await import('./commands/exec.ts')).exec,
};
const inspect: CommandEntry = {
  summary: 'Show all there is to know about containers and images',
  load: async () => (await import('./commands/inspect.ts')).inspect,
};
const inspectContainers: CommandEntry = {
  summary: 'Show all there is to know about containers',
  load: async () => (await import('./commands/inspect.ts')).inspectContainers,
};
const inspectImages: CommandEntry = {
  summary: 'Show all there is to know about images',
  load: async () => (await import('./commands/inspect.ts')).inspectImages,
};
const kill: CommandEntry = {
  summary: 'Send a signal to containers (SIGKILL unless another is named)',
  load: async () => (await import('./commands/kill.ts')).kill,
};
const logs: CommandEntry = {
  summary: 'Show what a container has written',
  load: async () => (await import('./commands/logs.ts')).logs,
};
const ps: CommandEntry = {
  summary: 'List containers',
  load: async () => (await import('./commands/ps.ts')).ps,
};
const pause: CommandEntry = {
  summary: 'Freeze all processes of containers',
  load: async () => (await import('./commands/pause.ts')).pause,
};
const rename: CommandEntry = {
  summary: 'Give a container another name',
  load: async () => (await import('./commands/rename.ts')).rename,
};
const restart: CommandEntry = {
  summary: 'Stop containers and start them again',
  load: async () => (await import('./commands/restart.ts')).restart,
};
const rm: CommandEntry = {
  summary: 'Remove containers',
  load: async () => (await import('./commands/rm.ts')).rm,
};
const run: CommandEntry = {
  summary: 'Make a container from an image and run it',
  load: async () => (await import('./commands/run.ts')).run,
};
const start: CommandEntry = {
  summary: 'Start containers that are stopped',
  load: async () => (await import('./commands/start.ts')).start,
};
const stop: CommandEntry = {
  summary: 'Ask containers to end, and end them when they do not',
  load: async () => (await import('./commands/stop.ts')).stop,
};
const top: CommandEntry = {
  summary: 'List the processes of a container',
  load: async () => (await import('./commands/top.ts')).top,
};
const unpause: CommandEntry = {
  summary: 'Let frozen containers go on',
  load: async () => (await import('./commands/unpause.ts')).unpause,
};
const update: CommandEntry = {
  summary: 'Change the limits of containers, running ones too',
  load: async () => (await import('./commands/update.ts')).update,
};
const wait: CommandEntry = {
  summary: 'Wait for containers to end and print their exit codes',
  load: async () => (await import('./commands/wait.ts')).wait,
};
const images: CommandEntry = {
  summary: 'List images',
  load: async () => (await import('./commands/images.ts')).images,
};
const importImage: CommandEntry = {
  summary: 'Make an image from a tar of a root file system',
  load: async () => (await import('./commands/import.ts')).importImage,
};
const rmi: CommandEntry = {
  summary: 'Remove images',
  load: async () => (await import('./commands/rmi.ts')).rmi,
};
const commit: CommandEntry = {
  summary: 'Make an image of what a container has changed',
  load: async () => (await import('./commands/commit.ts')).commit,
};
const containerPrune: CommandEntry = {
  summary: 'Remove all containers that do not run',
  load: async () => (await import('./commands/container-prune.ts')).containerPrune,
};
const port: CommandEntry = {
  summary: "List a container's published ports",
  load: async () => (await import('./commands/port.ts')).port,
};
const stats: CommandEntry = {
  summary: 'Show what containers use',
  load: async () => (await import('./commands/stats.ts')).stats,
};
const cp: CommandEntry = {
  summary: 'Copy files between a container and this machine',
  load: async () => (await import('./commands/cp.ts')).cp,
};
const diff: CommandEntry = {
  summary: "List what a container has changed in its image's file system",
  load: async () => (await import('./commands/diff.ts')).diff,
};
const exportContainer: CommandEntry = {
  summary: "Pack a container's whole file system as a tar",
  load: async () => (await import('./commands/export.ts')).exportContainer,
};
const history: CommandEntry = {
  summary: 'Show how an image came to be',
  load: async () => (await import('./commands/history.ts')).history,
};
const load: CommandEntry = {
  summary: 'Take images out of an archive',
  load: async () => (await import('./commands/load.ts')).load,
};
const pull: CommandEntry = {
  summary: 'Get an image from a registry',
  load: async () => (await import('./commands/pull.ts')).pull,
};
const push: CommandEntry = {
  summary: 'Give an image to a registry',
  load: async () => (await import('./commands/push.ts')).push,
};
const save: CommandEntry = {
  summary: 'Put images into an archive',
  load: async () => (await import('./commands/save.ts')).save,
};
const tag: CommandEntry = {
  summary: 'Give an image one more name',
  load: async () => (await import('./commands/tag.ts')).tag,
};
const imagePrune: CommandEntry = {
  summary: 'Remove images nobody needs',
  load: async () => (await import('./commands/image-prune.ts')).imagePrune,
};
const networkConnect: CommandEntry = {
  summary: 'Connect a container to a network',
  load: async () => (await import('./commands/network-connect.ts')).networkConnect,
};
const networkCreate: CommandEntry = {
  summary: 'Make a network',
  load: async () => (await import('./commands/network-create.ts')).networkCreate,
};
const networkDisconnect: CommandEntry = {
  summary: 'Disconnect a container from a network',
  load: async () => (await import('./commands/network-disconnect.ts')).networkDisconnect,
};
const networkLs: CommandEntry = {
  summary: 'List networks',
  load: async () => (await import('./commands/network-ls.ts')).networkLs,
};
const networkPrune: CommandEntry = {
  summary: 'Remove all networks no container is on',
  load: async () => (await import('./commands/network-prune.ts')).networkPrune,
};
const networkRm: CommandEntry = {
  summary: 'Remove networks',
  load: async () => (await import('./commands/network-rm.ts')).networkRm,
};
const inspectNetworks: CommandEntry = {
  summary: 'Show all there is to know about networks',
  load: async () => (await import('./commands/inspect.ts')).inspectNetworks,
};
const volumeCreate: CommandEntry = {
  summary: 'Make a volume',
  load: async () => (await import('./commands/volume-create.ts')).volumeCreate,
};
const volumeLs: CommandEntry = {
  summary: 'List volumes',
  load: async () => (await import('./commands/volume-ls.ts')).volumeLs,
};
const volumePrune: CommandEntry = {
  summary: 'Remove volumes no container has',
  load: async () => (await import('./commands/volume-prune.ts')).volumePrune,
};
const volumeRm: CommandEntry = {
  summary: 'Remove volumes with all that is in them',
  load: async () => (await import('./commands/volume-rm.ts')).volumeRm,
};
const volumeClone: CommandEntry = {
  summary: 'Make a volume with what another has',
  load: async () => (await import('./commands/volume-copy.ts')).volumeClone,
};
const volumeSnapshot: CommandEntry = {
  summary: 'Keep what a volume has now as another volume',
  load: async () => (await import('./commands/volume-copy.ts')).volumeSnapshot,
};
const volumeRename: CommandEntry = {
  summary: 'Give a volume another name',
  load: async () => (await import('./commands/volume-rename.ts')).volumeRename,
};
const volumeUpdate: CommandEntry = {
  summary: 'Change a volume of a swarm, which there is none of here',
  load: async () => (await import('./commands/volume-update.ts')).volumeUpdate,
};
const inspectVolumes: CommandEntry = {
  summary: 'Show all there is to know about volumes',
  load: async () => (await import('./commands/inspect.ts')).inspectVolumes,
};
const systemDf: CommandEntry = {
  summary: 'Show what takes space on the disk',
  load: async () => (await import('./commands/system-df.ts')).systemDf,
};
const systemFsck: CommandEntry = {
  summary: 'Compare the records of images with the disk',
  load: async () => (await import('./commands/system-fsck.ts')).systemFsck,
};
const completion: CommandEntry = {
  summary: 'Print the completion script of a shell',
  load: async () =>
    (await import('./commands/completion.ts')).completionOf({ topCommands, commandGroups, ownPrograms }),
};
const systemInstall: CommandEntry = {
  summary: 'Have systemd start the daemon: units, socket, and a group that may use it',
  load: async () => (await import('./commands/system-install.ts')).systemInstall,
};
const systemUninstall: CommandEntry = {
  summary: 'Take back what install did; data and the group stay',
  load: async () => (await import('./commands/system-install.ts')).systemUninstall,
};
const dialStdio: CommandEntry = {
  summary: 'Join stdin and stdout with the connection to the daemon',
  load: async () => (await import('./commands/system-dial-stdio.ts')).systemDialStdio,
};
const events: CommandEntry = {
  summary: 'Show what happens, as it happens',
  load: async () => (await import('./commands/events.ts')).events,
};
const info: CommandEntry = {
  summary: 'Describe the daemon and its host',
  load: async () => (await import('./commands/info.ts')).info,
};
const version: CommandEntry = {
  summary: "Show the client's and the daemon's versions",
  load: async () => (await import('./commands/version.ts')).version,
};
const login: CommandEntry = {
  summary: 'Log in to a registry',
  load: async () => (await import('./commands/login.ts')).login,
};
const logout: CommandEntry = {
  summary: 'Log out from a registry',
  load: async () => (await import('./commands/logout.ts')).logout,
};
const search: CommandEntry = {
  summary: 'Search Docker Hub for images',
  load: async () => (await import('./commands/search.ts')).search,
};
const manifestInspect: CommandEntry = {
  summary: "Show an image's manifest or index as its registry has it",
  load: async () => (await import('./commands/manifest-inspect.ts')).manifestInspect,
};
const plan: CommandEntry = {
  summary: 'Print the kernel operations that start a container',
  load: async () => (await import('./commands/debug-plan.ts')).debugPlan,
};

/** `skiff run`, `skiff ps`, … */
export const topCommands: Readonly<Record<string, CommandEntry>> = {
  run,
  exec,
  ps,
  images,
  attach,
  build,
  commit,
  completion,
  create,
  cp,
  diff,
  events,
  export: exportContainer,
  history,
  import: importImage,
  info,
  inspect,
  kill,
  load,
  login,
  logout,
  logs,
  pause,
  port,
  pull,
  push,
  rename,
  restart,
  rm,
  rmi,
  save,
  search,
  start,
  stats,
  stop,
  tag,
  top,
  unpause,
  update,
  version,
  wait,
};

/** `skiff container ls`, `skiff image rm`, … */
export const commandGroups: Readonly<Record<string, CommandGroup>> = {
  container: {
    summary: 'Containers',
    commands: {
      attach,
      commit,
      create,
      cp,
      diff,
      exec,
      export: exportContainer,
      inspect: inspectContainers,
      kill,
      logs,
      ls: ps,
      pause,
      port,
      prune: containerPrune,
      rename,
      restart,
      rm,
      run,
      start,
      stats,
      stop,
      top,
      unpause,
      update,
      wait,
    },
    aliases: { list: 'ls', ps: 'ls', remove: 'rm' },
  },
  image: {
    summary: 'Images',
    commands: {
      build,
      history,
      import: importImage,
      inspect: inspectImages,
      load,
      ls: images,
      prune: imagePrune,
      pull,
      push,
      rm: rmi,
      save,
      tag,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  builder: { summary: 'Building images', commands: { build, du: builderDu, prune: builderPrune } },
  context: contextGroup,
  manifest: { summary: 'Manifests of images at registries', commands: { inspect: manifestInspect } },
  network: {
    summary: 'Networks',
    commands: {
      connect: networkConnect,
      create: networkCreate,
      disconnect: networkDisconnect,
      inspect: inspectNetworks,
      ls: networkLs,
      prune: networkPrune,
      rm: networkRm,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  system: {
    summary: 'The daemon',
    commands: {
      df: systemDf,
      'dial-stdio': dialStdio,
      events,
      fsck: systemFsck,
      info,
      install: systemInstall,
      uninstall: systemUninstall,
    },
  },
  volume: {
    summary: 'Volumes',
    commands: {
      clone: volumeClone,
      create: volumeCreate,
      inspect: inspectVolumes,
      ls: volumeLs,
      prune: volumePrune,
      rename: volumeRename,
      rm: volumeRm,
      snapshot: volumeSnapshot,
      update: volumeUpdate,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  debug: {
    summary: 'A shell before the step of a build that failed last; a look inside Skiff',
    bare: debug,
    commands: { plan },
  },
};

/** Words that are no commands of this command line: the program `skiff` gives what follows to others of the package. */
export const ownPrograms: Readonly<Record<string, string>> = {
  doctor: 'What this host offers to containers, what it lacks, and what to do about it',
  registry: 'A registry of your own: serve, check',
};
