import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeccompProfile, type SeccompProfile } from './profile.ts';
import { compileFilter, SeccompCache } from './program.ts';
import { resolveProfile, type SeccompContext } from './resolve.ts';

const context: SeccompContext = { arch: 'x64', kernel: { major: 6, minor: 1 }, capabilities: ['CAP_CHOWN'] };
const ALLOW = 'SCMP_ACT_ALLOW';

function refuses(text: string, message: string): void {
  assert.throws(() => parseSeccompProfile(text), { kind: 'invalid', message });
}

function withRule(rule: string): string {
  return `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},${rule}]}`;
}

test('parseSeccompProfile() names the rule and the field that is wrong', () => {
  const at = 'seccomp profile: syscalls[1]';
  refuses('[]', 'seccomp profile: the profile: is not an object');
  refuses('{}', 'seccomp profile: defaultAction: is missing');
  refuses(
    '{"defaultAction":"SCMP_ACT_NOTIFY"}',
    'seccomp profile: defaultAction: SCMP_ACT_NOTIFY cannot be the default',
  );
  refuses(withRule('7'), `${at}: is not an object`);
  refuses(withRule('{"action":"SCMP_ACT_ALLOW"}'), `${at}: names no system call`);
  refuses(withRule('{"names":["a","b","c","d"]}'), `${at} (a, b, c): has no action`);
  refuses(
    withRule('{"names":["write"],"action":"SCMP_ACT_NOTIFY"}'),
    `${at} (write): SCMP_ACT_NOTIFY cannot be used for write`,
  );
  refuses(
    withRule('{"name":"a","names":["b"],"action":"x"}'),
    `${at} (a, b): both 'name' and 'names' are given, use either`,
  );
  refuses(
    withRule('{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]}'),
    `${at} (a).args[0].index: 6 is not in 0 ... 5`,
  );
  refuses(
    withRule(
      '{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":18446744073709551616,"op":"SCMP_CMP_EQ"}]}',
    ),
    `${at} (a).args[0].value: 18446744073709551616 is not an unsigned 64-bit integer`,
  );
  refuses(
    withRule('{"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"four"}}'),
    `${at} (a).includes.minKernel: 'four' is not a version such as 4.8`,
  );
  assert.throws(
    () => parseSeccompProfile(withRule('{"names":["a"],"action":"ALLOW"}')),
    /\(a\)\.action: "ALLOW" is not one of/,
  );
  assert.throws(() => parseSeccompProfile('{"defaultAction"'), { code: 'seccomp.syntax' });
});

test('parseSeccompProfile() refuses architectures and archMap together, and takes null for absent', () => {
  const both =
    '{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]}';
  assert.throws(() => parseSeccompProfile(both), /both 'architectures' and 'archMap'/);
  parseSeccompProfile(
    '{"defaultAction":"SCMP_ACT_ERRNO","architectures":null,"syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":null}]}',
  );
});

test('parseSeccompProfile() keeps 64-bit argument values exact', () => {
  const rule =
    '{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}';
  assert.equal(parseSeccompProfile(withRule(rule)).syscalls?.[1]?.args?.[0]?.value, 18446744073709551615n);
});

test('resolveProfile() keeps a rule when its conditions hold', () => {
  const rules: [string, boolean, object][] = [
    ['no conditions', true, {}],
    ['all capabilities', true, { includes: { caps: ['CAP_CHOWN'] } }],
    ['a capability is missing', false, { includes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } }],
    ['an excluded capability is there', false, { excludes: { caps: ['CAP_KILL', 'CAP_CHOWN'] } }],
    ['none of the excluded', true, { excludes: { caps: ['CAP_KILL'] } }],
    ['this architecture', true, { includes: { arches: ['arm64', 'amd64'] } }],
    ['another architecture', false, { includes: { arches: ['arm64', 'x86', 'x32'] } }],
    ['excluded architecture', false, { excludes: { arches: ['amd64'] } }],
    ['kernel new enough', true, { includes: { minKernel: '6.1' } }],
    ['kernel too old', false, { includes: { minKernel: '6.10' } }],
    ['excluded from a kernel on', false, { excludes: { minKernel: '5.19' } }],
    ['empty conditions', true, { includes: { caps: [], arches: [] }, excludes: {} }],
  ];
  for (const [what, kept, conditions] of rules) {
    const profile: SeccompProfile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names: ['read'], action: ALLOW, ...conditions }],
    };
    const expected = kept ? [{ names: ['read'], action: ALLOW }] : [];
    assert.deepEqual(resolveProfile(profile, context).syscalls, expected, what);
  }
});

test('resolveProfile() reduces archMap to the host and takes the old spelling of names', () => {
  const profile = parseSeccompProfile(
    '{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"archMap":[{"architecture":"SCMP_ARCH_AARCH64"},' +
      '{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X32"]}],' +
      '"syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW","args":[],"comment":"x"}]}',
  );
  assert.deepEqual(resolveProfile(profile, context), {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'],
    syscalls: [{ names: ['read'], action: ALLOW }],
  });
});

test('compileFilter() sets SPEC_ALLOW only where no flags are given and the kernel knows it', () => {
  const flags = (config: object, minor = 17): number =>
    compileFilter({ defaultAction: ALLOW, ...config }, { arch: 'x64', kernel: { major: 4, minor } }).flags;
  assert.equal(flags({}), 4);
  assert.equal(flags({}, 16), 0);
  assert.equal(flags({ flags: [] }), 0);
  assert.equal(flags({ flags: ['SECCOMP_FILTER_FLAG_LOG'] }), 2);
});

test('compileFilter() asks for the notify fd when a rule notifies, and for a place to send it', () => {
  const config = { defaultAction: ALLOW, syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] } as const;
  const host = { arch: 'x64', kernel: { major: 6, minor: 1 } };
  const { flags, listener } = compileFilter({ ...config, listenerPath: '/run/agent', listenerMetadata: 'm' }, host);
  assert.equal(flags, 8 | 4);
  assert.deepEqual(listener, { path: '/run/agent', metadata: 'm' });
  assert.throws(() => compileFilter(config, host), { code: 'seccomp.noListener' });
});

test('compileFilter() says which architectures it cannot do', () => {
  const host = { arch: 'riscv64', kernel: { major: 6, minor: 1 } };
  assert.throws(() => compileFilter({ defaultAction: ALLOW }, host), { kind: 'not-implemented' });
});

test('SeccompCache compiles again only when something the profile looks at is different', () => {
  const cache = new SeccompCache();
  const text = withRule('{"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}}');
  const profile = cache.profile(text);
  assert.equal(cache.profile(text), profile);
  const first = cache.program(profile, context);
  assert.equal(cache.program(profile, { ...context, capabilities: ['CAP_KILL'] }), first);
  const admin = cache.program(profile, { ...context, capabilities: ['CAP_SYS_ADMIN', 'CAP_KILL'] });
  assert.notDeepEqual(admin.program, first.program);
  assert.notEqual(cache.program(profile, { ...context, arch: 'arm64' }), first);
  assert.equal(cache.program(profile, context), first);
});
