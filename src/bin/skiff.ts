/** skiff: the command line. */
import { messageOf } from '#base';
import { main } from '#cli';

const BROKEN_PIPE = 141;

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read our output has seen enough: ends as SIGPIPE would end others, which Node ignores.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
    throw error;
  });
}

const args = process.argv.slice(2);
void (args[0] === 'registry' ? runRegistry(args.slice(1)) : runCommand(args)).then(async (code) => {
  // Everything is written before the end; nothing else may hold it up, such as a terminal nobody reads any more.
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(code);
});

function runCommand(args: readonly string[]): Promise<number> {
  return main(args, {
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingDirectory: process.cwd(),
  });
}

/** `skiff registry serve` is the program skiff-registry: no client of the daemon, so no command of the command line. */
async function runRegistry(args: readonly string[]): Promise<number> {
  const { runRegistryProgram } = await import('#daemon/registry');
  try {
    return await runRegistryProgram(args.length === 0 ? ['--help'] : args, process.env);
  } catch (error) {
    process.stderr.write(`skiff registry: ${messageOf(error)}\n`);
    return 1;
  }
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}
