/** skiff: the command line. */
import { main } from '#cli';

const BROKEN_PIPE = 141;

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read our output has seen enough: ends as SIGPIPE would end others, which Node ignores.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
    throw error;
  });
}

void main(process.argv.slice(2), {
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
}).then(async (code) => {
  // Everything is written before the end; nothing else may hold it up, such as a terminal nobody reads any more.
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(code);
});

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}
