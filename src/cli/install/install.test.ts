import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { describeStep, perform } from './perform.ts';
import { installSteps, type Step, uninstallSteps } from './plan.ts';

const root = mkdtempSync('/tmp/skiff-install-');
after(() => rmSync(root, { recursive: true, force: true }));

const options = { packageRoot: '/opt/skiff', root, live: false, group: 'skiff' };
const files = (steps: readonly Step[]): Step[] => steps.filter(({ kind }) => kind !== 'run');
const service = `${root}/etc/systemd/system/skiff.service`;

test('the plan of a live host ends with the socket started; below another root nothing is started', () => {
  const commands = (live: boolean, at: string): string[] =>
    installSteps({ ...options, live, root: at })
      .filter((step) => step.kind === 'run')
      .map((step) => describeStep(step, at));
  assert.deepEqual(commands(true, '/'), [
    'groupadd --system --force skiff',
    'systemctl daemon-reload',
    'systemctl start skiff.socket',
  ]);
  assert.deepEqual(commands(false, '/mnt'), ['groupadd --system --force --prefix /mnt skiff']);
});

test('units and links are made once, replaced when they are ours, and taken back', () => {
  const said = files(installSteps(options)).map((step) => perform(step, root));
  assert.deepEqual(
    said.map((line) => line.split(' ')[0]),
    ['wrote', 'wrote', 'linked', 'linked'],
  );
  assert.match(readFileSync(service, 'utf8'), /^ExecStart=\/opt\/skiff\/bin\/skiffd -H fd:\/\/$/m);
  assert.equal(
    readlinkSync(`${root}/etc/systemd/system/sockets.target.wants/skiff.socket`),
    '/etc/systemd/system/skiff.socket',
  );
  const again = files(installSteps(options)).map((step) => perform(step, root));
  assert.deepEqual(new Set(again.map((line) => line.split(' ')[0])), new Set(['unchanged']));
  const moved = files(installSteps({ ...options, packageRoot: '/usr/lib/skiff' })).map((step) => perform(step, root));
  assert.ok(moved.includes(`wrote ${service}`));
  const removed = uninstallSteps(options).map((step) => perform(step, root));
  assert.ok(removed.every((line) => line.startsWith('removed ')));
  assert.equal(existsSync(service), false);
  assert.ok(uninstallSteps(options).every((step) => perform(step, root).startsWith('not there ')));
});

test('what somebody else has written is neither replaced nor removed', () => {
  mkdirSync(`${root}/etc/systemd/system`, { recursive: true });
  writeFileSync(service, '[Service]\nExecStart=/bin/mine\n');
  const install = (): string[] => files(installSteps(options)).map((step) => perform(step, root));
  assert.throws(install, { message: /cannot install .*skiff\.service: there is one that was not made by us/ });
  const said = uninstallSteps(options).map((step) => perform(step, root));
  assert.ok(said.includes(`left ${service}: it was not made by us`));
  assert.match(readFileSync(service, 'utf8'), /mine/);
});
