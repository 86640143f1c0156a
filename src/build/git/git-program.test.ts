import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { git } from './git-program.ts';

test('without the program a refusal names it and its package', async () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-git-`);
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    const at = { home: folder, workFolder: folder, url: 'https://host/a.git', environment: {} };
    await assert.rejects(git(['version'], { ...at, signal: new AbortController().signal }), {
      code: 'build.noGitProgram',
      message: /apt-get install git/,
    });
  } finally {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true, force: true });
  }
});
