/** The guide does what it says: its blocks marked `sh run` are run in order, against a daemon of their own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';
import { PrivateNetwork } from '../support/network.ts';

const root = `${import.meta.dirname}/../..`;

for (const page of globSync(`${root}/docs/guide/*.md`)) {
  describe(`guide ${page.split('/').at(-1)}`, {
    skip: missing('root', 'busybox', 'curl', 'ip', 'nsenter', 'unshare'),
    timeout: 120_000,
  }, () => {
    // A page about networks is read on a host of its own.
    const network = page.endsWith('/networks.md') ? new PrivateNetwork() : undefined;
    const daemon = new Daemon(network?.enter);
    before(async () => {
      await network?.ready();
      await daemon.start(...(network ? ['--bridge=skiff0'] : []));
      await daemon.import();
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      await network?.[Symbol.asyncDispose]();
    });
    const folder = mkdtempSync('/tmp/skiff-guide-');
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    // As where the package is installed: its programs, its Node, and the package itself.
    const path = `${root}/bin:${dirname(process.execPath)}:${process.env['PATH']}`;
    mkdirSync(`${folder}/node_modules`);
    symlinkSync(root, `${folder}/node_modules/skiff`);
    const env = { ...process.env, PATH: path, SKIFF_HOST: `unix://${daemon.socket}` };

    for (const [, block] of readFileSync(page, 'utf8').matchAll(/```sh run\n([\s\S]*?)```/g)) {
      test(block!.split('\n')[0], () => {
        const options = { cwd: folder, env, encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' } as const;
        const [program = 'env', ...args] = network?.enter ?? [];
        const { status, stdout, stderr } = spawnSync(program, [...args, 'sh', '-ec', block!], options);
        assert.equal(status, 0, `${stdout}${stderr}`);
      });
    }
  });
}
