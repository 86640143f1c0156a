/** skiffd: the daemon in the foreground. */
import { messageOf } from '#base';
import { type CommandRunner, daemonHelp, readDaemonCommand, runDaemon, skiffVersion } from '#daemon';

try {
  const command = readDaemonCommand(process.argv.slice(2), process.env);
  if (command.kind === 'help') process.stdout.write(daemonHelp(command.program));
  else if (command.kind === 'version') process.stdout.write(`Skiff version ${skiffVersion}\n`);
  // compat: dockerd says so on standard error.
  else if (command.kind === 'validate') process.stderr.write('configuration OK\n');
  else {
    // Loaded by the first that comes.
    const runCommand: CommandRunner = async (door, local) => (await import('#cli')).runAtDoor(door, local);
    await runDaemon(command.config, command.reload, { runCommand });
    // Connections to shims of containers that go on are nothing to wait for.
    process.exit();
  }
} catch (error) {
  process.stderr.write(`skiffd: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
