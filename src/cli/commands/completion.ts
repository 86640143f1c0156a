/** `skiff completion`: a script for the user's shell. */
import { type Command, defineCommand } from '../command.ts';
import type { CommandTree } from '../command-entry.ts';
import { allCommandWords } from '../completion/command-words.ts';
import { completionScript, shells } from '../completion/shells.ts';
import { errors } from '../errors.ts';

/** The tree knows this command, so it comes along rather than being imported. */
export const completionOf = (tree: CommandTree): Command =>
  defineCommand({
    usage: 'bash|zsh|fish',
    summary: 'Print the completion script of a shell',
    flags: {},
    arguments: [1, 1],
    run: async (context, { args: [name] }) => {
      const shell = shells.find((each) => each === name);
      if (!shell) throw errors.invalid(`there is no completion for '${name}': use ${shells.join(', ')}`);
      context.stdout.write(completionScript(shell, await allCommandWords(tree)));
      return 0;
    },
  });
