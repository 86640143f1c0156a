/** `skiff context import`: a context from the file another machine has exported. */
import { defineCommand } from '../command.ts';
import { LARGEST_ARCHIVE, unpackContext } from '../contexts/context-archive.ts';
import { checkContextName, ContextStore } from '../contexts/context-store.ts';
import { errors } from '../errors.ts';
import { openInput } from '../input-file.ts';

export const contextImport = defineCommand({
  usage: 'CONTEXT FILE|-',
  summary: 'Make a context from a file that context export has written',
  flags: {},
  arguments: [2, 2],
  run: async (context, { args: [name = '', path = ''] }) => {
    const store = new ContextStore(context.environment);
    checkContextName(name);
    if (store.has(name)) throw errors.invalid(`context "${name}" already exists`);
    const input = await openInput(context, path, 'skiff context import NAME FILE');
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of input as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LARGEST_ARCHIVE) throw errors.invalid(`${path} is larger than any context: ${LARGEST_ARCHIVE} bytes`);
      chunks.push(chunk);
    }
    const { meta, tls } = unpackContext(Buffer.concat(chunks));
    store.write({ ...meta, Name: name }, tls);
    context.print(name);
    context.complain(`Successfully imported context "${name}"`);
    return 0;
  },
});
