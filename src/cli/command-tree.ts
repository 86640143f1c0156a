/** Every command by its path. */
import * as entries from './command-entries.ts';
import type { CommandEntry, CommandGroup } from './command-entry.ts';
import { contextGroup } from './context-commands.ts';

/** It tells the tree itself. */
const completion: CommandEntry = {
  summary: 'Print the completion script of a shell',
  load: async () =>
    (await import('./commands/completion.ts')).completionOf({ topCommands, commandGroups, ownPrograms }),
};

/** `skiff run`, `skiff ps`, … */
export const topCommands: Readonly<Record<string, CommandEntry>> = {
  run: entries.run,
  exec: entries.exec,
  ps: entries.ps,
  images: entries.images,
  attach: entries.attach,
  build: entries.build,
  commit: entries.commit,
  completion,
  create: entries.create,
  cp: entries.cp,
  diff: entries.diff,
  events: entries.events,
  export: entries.exportContainer,
  history: entries.history,
  import: entries.importImage,
  info: entries.info,
  inspect: entries.inspect,
  kill: entries.kill,
  load: entries.load,
  login: entries.login,
  logout: entries.logout,
  logs: entries.logs,
  pause: entries.pause,
  port: entries.port,
  pull: entries.pull,
  push: entries.push,
  rename: entries.rename,
  restart: entries.restart,
  rm: entries.rm,
  rmi: entries.rmi,
  save: entries.save,
  search: entries.search,
  start: entries.start,
  stats: entries.stats,
  stop: entries.stop,
  tag: entries.tag,
  top: entries.top,
  unpause: entries.unpause,
  update: entries.update,
  version: entries.version,
  wait: entries.wait,
};

/** `skiff container ls`, `skiff image rm`, … */
export const commandGroups: Readonly<Record<string, CommandGroup>> = {
  container: {
    summary: 'Containers',
    commands: {
      attach: entries.attach,
      commit: entries.commit,
      create: entries.create,
      cp: entries.cp,
      diff: entries.diff,
      exec: entries.exec,
      export: entries.exportContainer,
      inspect: entries.inspectContainers,
      kill: entries.kill,
      logs: entries.logs,
      ls: entries.ps,
      pause: entries.pause,
      port: entries.port,
      prune: entries.containerPrune,
      rename: entries.rename,
      restart: entries.restart,
      rm: entries.rm,
      run: entries.run,
      start: entries.start,
      stats: entries.stats,
      stop: entries.stop,
      top: entries.top,
      unpause: entries.unpause,
      update: entries.update,
      wait: entries.wait,
    },
    aliases: { list: 'ls', ps: 'ls', remove: 'rm' },
  },
  image: {
    summary: 'Images',
    commands: {
      build: entries.build,
      history: entries.history,
      import: entries.importImage,
      inspect: entries.inspectImages,
      load: entries.load,
      ls: entries.images,
      prune: entries.imagePrune,
      pull: entries.pull,
      push: entries.push,
      rm: entries.rmi,
      save: entries.save,
      tag: entries.tag,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  builder: {
    summary: 'Building images',
    commands: { build: entries.build, du: entries.builderDu, prune: entries.builderPrune },
  },
  context: contextGroup,
  manifest: { summary: 'Manifests of images at registries', commands: { inspect: entries.manifestInspect } },
  network: {
    summary: 'Networks',
    commands: {
      connect: entries.networkConnect,
      create: entries.networkCreate,
      disconnect: entries.networkDisconnect,
      inspect: entries.inspectNetworks,
      ls: entries.networkLs,
      prune: entries.networkPrune,
      rm: entries.networkRm,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  system: {
    summary: 'The daemon',
    commands: {
      df: entries.systemDf,
      'dial-stdio': entries.dialStdio,
      events: entries.events,
      fsck: entries.systemFsck,
      info: entries.info,
      install: entries.systemInstall,
      prune: entries.systemPrune,
      uninstall: entries.systemUninstall,
    },
  },
  volume: {
    summary: 'Volumes',
    commands: {
      clone: entries.volumeClone,
      create: entries.volumeCreate,
      inspect: entries.inspectVolumes,
      ls: entries.volumeLs,
      prune: entries.volumePrune,
      rename: entries.volumeRename,
      rm: entries.volumeRm,
      snapshot: entries.volumeSnapshot,
      update: entries.volumeUpdate,
    },
    aliases: { list: 'ls', remove: 'rm' },
  },
  debug: {
    summary: 'A shell before the step of a build that failed last; a look inside Skiff',
    bare: entries.debug,
    commands: { plan: entries.plan },
  },
};

/** Words that are no commands of this command line: the program `skiff` gives what follows to others of the package. */
export const ownPrograms: Readonly<Record<string, string>> = {
  doctor: 'What this host offers to containers, what it lacks, and what to do about it',
  registry: 'A registry of your own: serve, check',
};
