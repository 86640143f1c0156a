/** skiffd: the daemon in the foreground. */
import { messageOf } from '#base';
import { daemonHelp, parseDaemonFlags, runDaemon, skiffVersion } from '#daemon';

try {
  const { show, ...config } = parseDaemonFlags(process.argv.slice(2), process.env);
  if (show === 'help') process.stdout.write(daemonHelp);
  else if (show === 'version') process.stdout.write(`Skiff version ${skiffVersion}\n`);
  else {
    await runDaemon(config);
    // Connections to shims of containers that go on are nothing to wait for.
    process.exit();
  }
} catch (error) {
  process.stderr.write(`skiffd: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
