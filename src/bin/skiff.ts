/** skiff: the command line. */
import { messageOf } from '#base';
import { main, processSignals, userFiles } from '#cli';

const BROKEN_PIPE = 141;

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read our output has seen enough: ends as SIGPIPE would end others, which Node ignores.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
    throw error;
  });
}

const programs: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  doctor: (rest) => told('doctor', runDoctor(rest)),
  registry: (rest) => told('registry', runRegistry(rest)),
};

const args = process.argv.slice(2);
void (Object.hasOwn(programs, args[0] ?? '') ? programs[args[0]!]!(args.slice(1)) : runCommand(args)).then(
  async (code) => {
    // Everything is written before the end; nothing else may hold it up, such as a terminal nobody reads any more.
    await Promise.all([process.stdout, process.stderr].map(written));
    process.exit(code);
  },
);

function runCommand(args: readonly string[]): Promise<number> {
  return main(args, {
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingDirectory: process.cwd(),
    files: userFiles,
    signals: processSignals,
  });
}

/** No clients of the daemon, so no commands of the command line. */
async function runRegistry(args: readonly string[]): Promise<number> {
  const { runRegistryProgram } = await import('#daemon/registry');
  return runRegistryProgram(args.length === 0 ? ['--help'] : args, process.env);
}

async function runDoctor(args: readonly string[]): Promise<number> {
  const doctor = await import('#daemon/doctor');
  return doctor.runDoctor(args, (text) => process.stdout.write(text));
}

/** A failure told under the program's name. */
function told(name: string, run: Promise<number>): Promise<number> {
  return run.catch((error: unknown) => {
    process.stderr.write(`skiff ${name}: ${messageOf(error)}\n`);
    return 1;
  });
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}
