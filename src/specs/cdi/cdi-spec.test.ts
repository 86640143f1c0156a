import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDeviceName, readCdiSpec } from './cdi-spec.ts';

const minimal = { cdiVersion: '0.6.0', kind: 'vendor.com/net', devices: [{ name: 'a', containerEdits: {} }] };

test('names of devices, and what is none', () => {
  for (const text of ['vendor.com/class=name', 'nvidia.com/gpu=all', 'a/b.c-d_e=0:1', 'v/c=GPU-1']) {
    const name = parseDeviceName(text);
    assert.equal(`${name?.kind}=${name?.name}`, text);
  }
  for (const text of [
    '',
    '/dev/null',
    '/dev/x:/dev/y:rw',
    'vendor.com/class',
    'a/b/c=d',
    'a/b=',
    '1a/b=c',
    'a/b=c/d',
  ]) {
    assert.equal(parseDeviceName(text), undefined, text);
  }
});

test('all a file can say', () => {
  const spec = readCdiSpec(
    {
      ...minimal,
      annotations: { a: 'b' },
      containerEdits: { env: ['A=1'], netDevices: [{ hostInterfaceName: 'eth9', name: 'net0' }] },
      devices: [
        {
          name: 'a',
          containerEdits: {
            deviceNodes: [
              { path: '/dev/a', hostPath: '/dev/b', type: 'c', major: 1, minor: 3, fileMode: 0o600, permissions: 'rw' },
              { path: '/dev/c', permissions: 'none', uid: 7, gid: 8 },
            ],
            mounts: [{ hostPath: '/a', containerPath: '/b', options: ['ro'] }],
            hooks: [{ hookName: 'createRuntime', path: '/h', args: ['h', 'x'], env: ['A=b'], timeout: 3 }],
            additionalGids: [1, 2],
            intelRdt: { closID: 'x' },
          },
        },
      ],
    },
    'file',
  );
  assert.deepEqual(spec.edits.netDevices, [{ hostName: 'eth9', name: 'net0' }]);
  assert.deepEqual(spec.devices[0]?.edits, {
    env: [],
    deviceNodes: [
      { path: '/dev/a', hostPath: '/dev/b', type: 'c', permissions: 'rw', major: 1, minor: 3, fileMode: 0o600 },
      { path: '/dev/c', hostPath: '/dev/c', permissions: '', uid: 7, gid: 8 },
    ],
    mounts: [{ destination: '/b', type: 'bind', source: '/a', options: ['ro'] }],
    hooks: [{ name: 'createRuntime', path: '/h', args: ['h', 'x'], env: ['A=b'], timeout: 3 }],
    additionalGids: [1, 2],
    netDevices: [],
    intelRdt: { closID: 'x' },
  });
});

test('what is wrong is said by its place', () => {
  const edits = (containerEdits: unknown) => ({ ...minimal, devices: [{ name: 'a', containerEdits }] });
  for (const [document, message] of [
    [[], /file/],
    [{}, /cdiVersion is missing/],
    [{ ...minimal, cdiVersion: '9.0.0' }, /cdiVersion '9.0.0' is not one of/],
    [{ ...minimal, kind: 'nokind' }, /kind 'nokind' is no vendor.com\/class/],
    [{ ...minimal, more: 1 }, /more is not known/],
    [{ ...minimal, devices: [] }, /devices are missing/],
    [{ ...minimal, devices: [...minimal.devices, ...minimal.devices] }, /'a' is there twice/],
    [{ ...minimal, devices: [{ name: '-', containerEdits: {} }] }, /'-' is no name of a device/],
    [edits({ env: ['A'] }), /env 'A' is no NAME=value/],
    [edits({ deviceNodes: [{ path: '/a', type: 'x' }] }), /deviceNodes\[0\].type 'x' is none of/],
    [edits({ deviceNodes: [{ path: '/a', major: -1 }] }), /major is no size: -1/],
    [edits({ deviceNodes: [{ path: '/a', permissions: 'x' }] }), /permissions 'x'/],
    [edits({ mounts: [{ hostPath: '/a' }] }), /mounts\[0\].containerPath is missing/],
    [edits({ hooks: [{ hookName: 'x', path: '/a' }] }), /hookName 'x' is none of/],
    [edits({ additionalGids: ['1'] }), /additionalGids are no list of group ids/],
  ] as const) {
    assert.throws(() => readCdiSpec(document, 'file'), message);
  }
});

test('documents of random shape are a spec or an error that names the file, and nothing else', () => {
  let seed = 5;
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
  const keys = [
    'cdiVersion',
    'kind',
    'devices',
    'name',
    'containerEdits',
    'env',
    'deviceNodes',
    'path',
    'hooks',
    '__proto__',
  ];
  const leaves = ['0.6.0', 'a/b', 'x=y', '', null, -1, 1e300, true, '/dev/null', NaN];
  const value = (depth: number): unknown => {
    const kind = random(depth > 4 ? 1 : 3);
    if (kind === 0) return leaves[random(leaves.length)];
    if (kind === 1) return Array.from({ length: random(3) }, () => value(depth + 1));
    return Object.fromEntries(Array.from({ length: random(5) }, () => [keys[random(keys.length)], value(depth + 1)]));
  };
  for (let turn = 0; turn < 5000; turn += 1) {
    const document = random(2) === 0 ? value(0) : { ...minimal, containerEdits: value(1) };
    try {
      assert.equal(readCdiSpec(document, 'the-file').kind, 'vendor.com/net');
    } catch (error) {
      assert.match((error as Error).message, /the-file/, JSON.stringify(document));
    }
  }
});
