/** `skiff diff`: what a container has changed in its image's file system. */
import { defineCommand } from '../command.ts';

const LETTERS = ['C', 'A', 'D'] as const;

export const diff = defineCommand({
  usage: 'CONTAINER',
  summary: 'List what a container has added (A), changed (C) and deleted (D)',
  flags: {},
  arguments: [1, 1],
  run: async (context, { args: [name = ''] }) => {
    for (const { Kind, Path } of await context.client().containers.changes(name)) {
      context.print(`${LETTERS[Kind] ?? '?'} ${Path}`);
    }
    return 0;
  },
});
