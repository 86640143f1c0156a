/** skiff-runtime: the OCI runtime command line, for Podman, containerd and dockerd. */
import { runCommandLine } from '#runtime/commands';
import packageJson from '../../package.json' with { type: 'json' };

void runCommandLine(process.argv.slice(2), packageJson.version).then((code) => {
  process.exitCode = code;
});
