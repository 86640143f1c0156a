import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostMount, mountOps } from './host-mounts.ts';
import { printOp } from './plan/print.ts';

test('mountOps() takes the words of mount(8)', () => {
  const check = (mount: HostMount, ...expected: readonly string[]): void =>
    assert.deepEqual(mountOps(mount, '/target').map(printOp), expected);
  check(
    { type: 'tmpfs', device: 'tmpfs', options: ['size=1m', 'uid=9', 'ro', 'nodev'] },
    'mountFs root=- target=/target create=0 type=tmpfs source=tmpfs options=[size=1m uid=9] attributes=5 propagation=0 idmap=-',
  );
  check(
    { type: 'nfs', device: ':/export', options: ['addr=10.0.0.7', 'rw', 'soft'] },
    'mountFs root=- target=/target create=0 type=nfs source=:/export options=[addr=10.0.0.7 soft] attributes=0 propagation=0 idmap=-',
  );
  check(
    { type: 'none', device: '/folder', options: ['rbind', 'ro', 'rslave'] },
    'mountBind root=- target=/target create=0 sourceSlot=- source=/folder set=1 clear=0 propagation=540672 idmap=- opFlags=0x10',
  );
  check(
    { type: 'bind', device: '/folder', options: [] },
    'mountBind root=- target=/target create=0 sourceSlot=- source=/folder set=0 clear=0 propagation=0 idmap=-',
  );
  check(
    { type: 'none', device: '/folder', options: ['bind', 'rro', 'private', 'shared'] },
    'mountBind root=- target=/target create=0 sourceSlot=- source=/folder set=0 clear=0 propagation=262144 idmap=-',
    'remount root=- path=/target set=1 clear=0 propagation=0 opFlags=0x20',
    'remount root=- path=/target set=0 clear=0 propagation=1048576',
  );
});
