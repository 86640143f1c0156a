/**
 * Packs what is published: `skiff` itself (bundles, no scripts), and a package per machine with the native programs
 * built for it. `node tools/run.mjs tools/pack.ts [FOLDER]`, default `packages/`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface Machine {
  readonly arch: 'x64' | 'arm64';
  readonly compiler: string;
}

const machines: readonly Machine[] = [
  { arch: 'x64', compiler: process.arch === 'x64' ? 'cc' : 'x86_64-linux-gnu-gcc' },
  { arch: 'arm64', compiler: process.arch === 'arm64' ? 'cc' : 'aarch64-linux-gnu-gcc' },
];

const target = resolve(process.argv[2] ?? 'packages');
const own = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown> & {
  readonly version: string;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
const { version, license, description, type, os, bin, exports } = own;

rmSync(target, { recursive: true, force: true });
execFileSync(process.execPath, ['tools/bundle.ts'], { stdio: 'inherit' });
rmSync('dist/cache', { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tools/tsconfig.types.json'], { stdio: 'inherit' });

stage('skiff', ['bin', 'dist', 'LICENSE', 'README.md'], {
  name: 'skiff',
  description,
  type,
  os,
  bin,
  exports,
  // Declarations name modules as the source does.
  imports: { '#*': { types: './dist/types/*/index.d.ts' } },
  optionalDependencies: {
    ...own.optionalDependencies,
    ...Object.fromEntries(machines.map(({ arch }) => [`skiff-linux-${arch}`, version])),
  },
});
for (const machine of machines) packNative(machine);

function packNative({ arch, compiler }: Machine): void {
  if (spawnSync(compiler, ['--version']).error) {
    console.log(`skiff-linux-${arch}: left out, there is no ${compiler} here`);
    return;
  }
  const build = `build-${arch}`;
  execFileSync('make', ['-s', '-C', 'native', `CC=${compiler}`, `B=${build}`, 'all', 'standin'], { stdio: 'inherit' });
  const name = `skiff-linux-${arch}`;
  mkdirSync(`${target}/stage/${name}/standin`, { recursive: true });
  for (const program of ['skiff-helper', 'skiff-door']) {
    cpSync(`native/${build}/${program}`, `${target}/stage/${name}/${program}`);
  }
  cpSync(`native/${build}/standin/libatomic.so.1`, `${target}/stage/${name}/standin/libatomic.so.1`);
  rmSync(`native/${build}`, { recursive: true });
  stage(name, ['LICENSE'], { name, description: `The native programs of skiff for ${arch}`, os, cpu: [arch] });
}

function stage(name: string, files: readonly string[], more: object): void {
  const folder = `${target}/stage/${name}`;
  mkdirSync(folder, { recursive: true });
  for (const file of files) cpSync(file, `${folder}/${file}`, { recursive: true });
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ version, license, ...more }, null, 2)}\n`);
  const made = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', target, folder]);
  console.log(`${target}/${made.toString().trim()}`);
}
