/** The real `docker compose`, at a daemon of a test's. Compiling it takes minutes: it is made only where that is asked for. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';

const VERSION = 'v2.40.3';
const CACHE = process.env['SKIFF_TEST_CACHE'] ?? '/var/cache/skiff-test';
const PLUGIN = `${CACHE}/docker-compose-${VERSION}`;

/** For the `skip` option: false, or why there is none. */
export const withoutCompose = (): string | false =>
  existsSync(PLUGIN) || process.env['SKIFF_TEST_COMPOSE'] === '1'
    ? false
    : `needs ${PLUGIN}, which SKIFF_TEST_COMPOSE=1 compiles in some minutes`;

/** Made once and kept for later runs. Its module cannot be installed by name: it has directives of its own. */
export function installCompose(): string {
  if (existsSync(PLUGIN)) return PLUGIN;
  mkdirSync(CACHE, { recursive: true });
  const folder = `${PLUGIN}-${process.pid}`;
  const module = `github.com/docker/compose/v2@${VERSION}`;
  try {
    const { Dir } = JSON.parse(
      execFileSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8', cwd: '/' }),
    ) as { readonly Dir: string };
    cpSync(Dir, folder, { recursive: true });
    execFileSync('chmod', ['-R', 'u+w', folder]);
    execFileSync('go', ['build', '-trimpath', '-o', `${folder}/docker-compose`, './cmd'], {
      cwd: folder,
      stdio: 'pipe',
    });
    renameSync(`${folder}/docker-compose`, PLUGIN);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return PLUGIN;
}
