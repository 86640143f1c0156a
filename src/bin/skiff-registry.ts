/** skiff-registry: an OCI registry in the foreground. */
import { messageOf } from '#base';
import { runRegistryProgram } from '#daemon/registry';

try {
  process.exitCode = await runRegistryProgram(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`skiff-registry: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
