import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOUNT_ATTR, MS } from '#linux';
import { type MountOptions, parseMountOptions } from './mount-options.ts';

function check(options: string, expected: Partial<MountOptions>): void {
  const parsed = parseMountOptions(options.split(','));
  for (const [key, value] of Object.entries(expected)) {
    assert.deepEqual(parsed[key as keyof MountOptions], value, `${options}: ${key}`);
  }
}

test('parseMountOptions() tells attributes, propagation and data apart', () => {
  check('nosuid,noexec,nodev,mode=755,size=65536k', {
    set: MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NODEV,
    data: ['mode=755', 'size=65536k'],
    propagation: [],
  });
  check('rbind,rprivate,ro', {
    bind: true,
    recursive: true,
    propagation: [MS.PRIVATE | MS.REC],
    set: MOUNT_ATTR.RDONLY,
  });
});

test('parseMountOptions() lets the later of two contradicting options win', () => {
  check('ro,rw', { set: 0, clear: MOUNT_ATTR.RDONLY });
  check('rw,ro', { set: MOUNT_ATTR.RDONLY, clear: 0 });
  check('noatime,strictatime', { set: MOUNT_ATTR.STRICTATIME, clear: MOUNT_ATTR.ATIME });
});

test('parseMountOptions() knows the recursive attributes and does not take rw for one', () => {
  check('bind,rro,rnosuid', { recursiveSet: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID, set: 0 });
  check('relatime', { recursiveSet: 0, set: 0, clear: MOUNT_ATTR.ATIME });
  check('rrelatime', { recursiveClear: MOUNT_ATTR.ATIME });
});

test('parseMountOptions() passes superblock flags to the file system and drops the defaults', () => {
  check('sync,defaults,lowerdir=/a:/b', { data: ['sync', 'lowerdir=/a:/b'] });
  check('tmpcopyup,idmap', { copyUp: true, idmap: 'mount', data: [] });
});
