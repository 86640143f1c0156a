/** `skiff context export`: a context as a file, keys included. */
import { writeFileSync } from 'node:fs';
import { errnoCode } from '#base';
import { defineCommand } from '../command.ts';
import { packContext } from '../contexts/context-archive.ts';
import { checkContextName, ContextStore } from '../contexts/context-store.ts';
import { errors, fileError } from '../errors.ts';

export const contextExport = defineCommand({
  usage: 'CONTEXT [FILE|-]',
  summary: 'Write a context to a file, or to stdout',
  flags: {},
  arguments: [1, 2],
  run: async (context, { args: [name = '', path = `${name}.dockercontext`] }) => {
    checkContextName(name);
    const store = new ContextStore(context.environment);
    const archive = packContext(store.read(name), store.tls(name));
    if (path === '-') {
      if (context.stdout.isTTY) {
        throw errors.invalid('cowardly refusing to export to a terminal, specify a file path');
      }
      context.stdout.write(archive);
      return 0;
    }
    try {
      // It holds keys: nobody's file is written over, and nobody else may read it.
      writeFileSync(path, archive, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (errnoCode(error) === 'EEXIST') throw errors.invalid(`open ${path}: file exists`);
      throw fileError('open', path, error);
    }
    context.complain(`Written file "${path}"`);
    return 0;
  },
});
