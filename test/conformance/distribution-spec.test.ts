/** The conformance suite of the OCI distribution specification, against our registry. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, suite, test } from 'node:test';
import { installDistributionConformance } from '../support/go-programs.ts';
import { missing } from '../support/needs.ts';
import { Registry } from '../support/registry.ts';

/** Groups that version 1.1 leaves out and the development text has. */
const OPTIONAL = {
  OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
  OCI_API_BLOBS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_TAG_PARAM: 'true',
  OCI_DATA_SPARSE: 'true',
};

suite('OCI distribution conformance', { skip: missing('go') }, () => {
  let program = '';
  before(() => {
    program = installDistributionConformance();
  });

  const run = async (flags: readonly string[], environment: Readonly<Record<string, string>>): Promise<Counts> => {
    await using registry = new Registry();
    await registry.start(...flags);
    const { stdout, stderr } = spawnSync(program, {
      encoding: 'utf8',
      env: {
        ...process.env,
        OCI_REGISTRY: registry.address,
        OCI_TLS: 'disabled',
        OCI_RESULTS_DIR: `${registry.folder}/results`,
        ...environment,
      },
    });
    return readCounts(stdout, stderr);
  };

  test('version 1.1 as it comes', { timeout: 120_000 }, async (t) => {
    check(await run([], { OCI_VERSION: '1.1' }), 700, t);
  });

  test('the development text with every optional group', { timeout: 120_000 }, async (t) => {
    check(await run(['--sparse=all'], { OCI_VERSION: 'dev', ...OPTIONAL }), 1000, t);
  });
});

interface Counts {
  readonly pass: number;
  readonly skip: number;
  readonly fail: number;
  readonly error: number;
  readonly total: number;
  readonly text: string;
}

function readCounts(stdout: string, stderr: string): Counts {
  const count = (name: string): number => {
    const match = new RegExp(`^\\s*${name}\\.+:\\s+(\\d+)$`, 'mi').exec(stdout);
    assert.ok(match, `the suite says '${name}':\n${stdout}\n${stderr}`);
    return Number(match[1]);
  };
  return {
    pass: count('Pass'),
    skip: count('Skip'),
    fail: count('FAIL'),
    error: count('Error'),
    total: count('Total'),
    text: `${stdout}\n${stderr}`,
  };
}

function check(counts: Counts, atLeast: number, t: { diagnostic(message: string): void }): void {
  const { pass, skip, fail, error, total, text } = counts;
  t.diagnostic(`${pass} of ${total} passed, ${skip} skipped, ${fail} failed, ${error} errors`);
  assert.equal(fail + error, 0, text);
  assert.equal(skip, 0, text);
  assert.ok(pass >= atLeast, `it tests what it did: ${pass} of at least ${atLeast}`);
}
