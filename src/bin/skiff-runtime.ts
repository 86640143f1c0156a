/** skiff-runtime: the OCI runtime command line, for Podman, containerd and dockerd. */
import { runCommandLine } from '#runtime/commands';
import packageJson from '../../package.json' with { type: 'json' };

process.exitCode = await runCommandLine(process.argv.slice(2), packageJson.version);
