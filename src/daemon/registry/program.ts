/** skiff-registry's command line: which command, and the exit code. */
import { skiffVersion } from '../version.ts';
import { checkRegistry } from './check.ts';
import type { Environment } from './config-file.ts';
import { parseRegistryFlags, registryHelp } from './flags.ts';
import { serveRegistry } from './serve.ts';

/** Runs a command to its end; gives the exit code. Throws why it could not. */
export async function runRegistryProgram(args: readonly string[], environment: Environment): Promise<number> {
  const command = parseRegistryFlags(args, environment);
  const write = (line: string): void => void process.stdout.write(line);
  switch (command.kind) {
    case 'help':
      write(registryHelp);
      return 0;
    case 'version':
      write(`Skiff version ${skiffVersion}\n`);
      return 0;
    case 'check':
      return (await checkRegistry(command, write)) ? 0 : 1;
    case 'serve':
      await serveRegistry(command.configuration, command.ignored);
      return 0;
  }
}
