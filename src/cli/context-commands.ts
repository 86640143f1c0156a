/** `skiff context …`: daemons by name. */
import type { CommandGroup } from './command-entry.ts';

export const contextGroup: CommandGroup = {
  summary: 'Daemons by name',
  commands: {
    create: {
      summary: 'Give a daemon a name',
      load: async () => (await import('./commands/context-create.ts')).contextCreate,
    },
    export: {
      summary: 'Write a context to a file, or to stdout',
      load: async () => (await import('./commands/context-export.ts')).contextExport,
    },
    import: {
      summary: 'Make a context from a file that context export has written',
      load: async () => (await import('./commands/context-import.ts')).contextImport,
    },
    inspect: {
      summary: 'Show all there is to know about contexts',
      load: async () => (await import('./commands/context-inspect.ts')).contextInspect,
    },
    ls: {
      summary: 'List contexts',
      load: async () => (await import('./commands/context-ls.ts')).contextLs,
    },
    rm: {
      summary: 'Remove contexts',
      load: async () => (await import('./commands/context-rm.ts')).contextRm,
    },
    show: {
      summary: 'Print the name of the context in use',
      load: async () => (await import('./commands/context-show.ts')).contextShow,
    },
    update: {
      summary: 'Change what a context stands for',
      load: async () => (await import('./commands/context-update.ts')).contextUpdate,
    },
    use: {
      summary: 'Choose the daemon that commands are for',
      load: async () => (await import('./commands/context-use.ts')).contextUse,
    },
  },
  aliases: { list: 'ls', remove: 'rm' },
};
