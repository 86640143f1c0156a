import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDockerfile } from '../check.ts';
import { AMD64, FakeSources, planText } from '../fake-sources.ts';
import type { BuildRequest } from '../plan/build-request.ts';
import { parseLintSettings } from './linter.ts';
import { lintRules, pageOf } from './rules.ts';

type Expected = readonly (readonly [rule: string, line: number, detail: string])[];

async function check(
  text: string,
  expected: Expected,
  { request = {}, ignored = [] }: { request?: Partial<BuildRequest>; ignored?: readonly string[] } = {},
): Promise<void> {
  const sources = new FakeSources({ 'docker.io/library/busybox:latest': {} }, ignored);
  const { warnings } = await checkDockerfile(text, { buildPlatform: AMD64, ...request }, sources);
  assert.deepEqual(
    warnings.map(({ rule, range, detail }) => [rule, range.start, detail]),
    expected,
    text,
  );
}

test('letter case of keywords and names', async () => {
  const casing = (word: string, majority: string): string =>
    `Command '${word}' should match the case of the command majority (${majority})`;
  await check('FROM scratch AS b', []);
  await check('from scratch as b', []);
  await check('FROM scratch AS Bad', [['StageNameCasing', 1, "Stage name 'Bad' should be lowercase"]]);
  await check('FROM scratch as b', [['FromAsCasing', 1, "'as' and 'FROM' keywords' casing do not match"]]);
  await check('from scratch AS b', [['FromAsCasing', 1, "'AS' and 'from' keywords' casing do not match"]]);
  await check('From scratch as a\nFROM scratch AS b', [
    ['ConsistentInstructionCasing', 1, casing('From', 'uppercase')],
  ]);
  await check('FROM scratch\ncopy a /a\nCOPY a /b', [['ConsistentInstructionCasing', 2, casing('copy', 'uppercase')]]);
  await check('from scratch\nCOPY a /a\ncopy a /b', [['ConsistentInstructionCasing', 2, casing('COPY', 'lowercase')]]);
  await check('frOM scratch as b\nfrom scratch as c', [
    ['ConsistentInstructionCasing', 1, casing('frOM', 'lowercase')],
  ]);
  await check('from scratch\nCOPY a /a', [['ConsistentInstructionCasing', 1, casing('from', 'uppercase')]]);
  await check('FROM scratch\nRUN <<E\nenv x\nE', []);
});

test('names of stages', async () => {
  await check('FROM scratch AS b\nFROM scratch AS b', [
    ['DuplicateStageName', 2, 'Duplicate stage name "b", stage names should be unique'],
  ]);
  await check('FROM scratch AS scratch\nFROM scratch AS context', [
    ['ReservedStageName', 1, 'Stage name should not use the same name as reserved stage "scratch"'],
    ['ReservedStageName', 2, 'Stage name should not use the same name as reserved stage "context"'],
  ]);
  await check('FROM scratch AS a1\nFROM scratch AS a2', []);
});

test('platforms of FROM', async () => {
  const redundant = (word: string): string =>
    `Setting platform to predefined ${word} in FROM is redundant as this is the default behavior`;
  await check('FROM --platform=$TARGETPLATFORM scratch', [
    ['RedundantTargetPlatform', 1, redundant('$TARGETPLATFORM')],
  ]);
  await check('FROM --platform=${TARGETPLATFORM} scratch', [
    ['RedundantTargetPlatform', 1, redundant('${TARGETPLATFORM}')],
  ]);
  await check('FROM --platform=linux/amd64 scratch', [
    ['FromPlatformFlagConstDisallowed', 1, 'FROM --platform flag should not use constant value "linux/amd64"'],
  ]);
  await check('FROM --platform=linux/amd64 scratch AS my_amd64_stage', []);
  await check('FROM --platform=linux/amd64 scratch AS linux', []);
  await check('FROM --platform=$BUILDPLATFORM scratch', []);
  await check('FROM --platform=linux/${BUILDARCH} scratch', []);
});

test('variables of FROM', async () => {
  const undeclared = (name: string, hint = ''): string => `FROM argument '${name}' is not declared${hint}`;
  const invalid = (base: string): string => `Default value for ARG ${base} results in empty or invalid base image name`;
  await check('ARG base=scratch\nFROM $base', []);
  await check('ARG DEBUG\nFROM scratch${DEBUG}', []);
  await check('ARG DEBUG\nFROM scra${DEBUG:-tch}', []);
  await check('FROM scratch${version}', [['UndefinedArgInFrom', 1, undeclared('version')]]);
  await check('ARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} scratch', [
    ['UndefinedArgInFrom', 2, undeclared('MYARCH', ' (did you mean MY_ARCH?)')],
  ]);
  await check('FROM --platform=$BULIDPLATFORM scratch', [
    ['UndefinedArgInFrom', 1, undeclared('BULIDPLATFORM', ' (did you mean BUILDPLATFORM?)')],
  ]);
  await check('ARG V\nFROM busybox:$V', [['InvalidDefaultArgInFrom', 2, invalid('busybox:$V')]], {
    request: { buildArgs: { V: 'latest' } },
  });
  await check('ARG IMAGE\nFROM $IMAGE', [['InvalidDefaultArgInFrom', 2, invalid('$IMAGE')]], {
    request: { buildArgs: { IMAGE: 'busybox' } },
  });
  await check('ARG SFX="box:"\nFROM busy${SFX}', [['InvalidDefaultArgInFrom', 2, invalid('busy${SFX}')]], {
    request: { buildArgs: { SFX: 'box:latest' } },
  });
  await check('ARG V=latest\nFROM busybox:${V}', [], { request: { buildArgs: { V: 'latest' } } });
  await check('ARG X\nFROM busybox${X}', [], { request: { buildArgs: { X: ':latest' } } });
});

test('variables of stages', async () => {
  const unknown = (name: string, hint = ''): string => `Usage of undefined variable '$${name}'${hint}`;
  await check('FROM scratch\nARG foo\nCOPY a${foo} .', []);
  await check('FROM scratch AS base\nARG foo=a\nFROM base\nCOPY $foo .', []);
  await check('FROM scratch\nRUN echo $whatever', []);
  await check('FROM scratch\nCOPY $foo a\nARG foo=bar', [['UndefinedVar', 2, unknown('foo')]]);
  await check('FROM scratch\nARG DIR_ASSETS=a\nCOPY $DIR_ASSET .', [
    ['UndefinedVar', 3, unknown('DIR_ASSET', ' (did you mean $DIR_ASSETS?)')],
  ]);
  await check('FROM scratch\nENV PATH=$PAHT:/x', [['UndefinedVar', 2, unknown('PAHT', ' (did you mean $PATH?)')]]);
  await check('FROM scratch\nENV a=${b:-c} d=${e+f}', []);
  await check('FROM scratch\nENV a=$b\nENV c=$b', [
    ['UndefinedVar', 2, unknown('b')],
    ['UndefinedVar', 3, unknown('b')],
  ]);
  await check('FROM scratch\nWORKDIR /$x\nUSER $y\nEXPOSE $z', [
    ['UndefinedVar', 2, unknown('x')],
    ['UndefinedVar', 3, unknown('y')],
    ['UndefinedVar', 4, unknown('z')],
  ]);
  await check('FROM scratch\nCOPY <<E /x\n$no\nE', [['UndefinedVar', 2, unknown('no')]]);
  await check('FROM scratch\nRUN --mount=target=/$no x', [['UndefinedVar', 2, unknown('no')]]);
  await check('FROM scratch AS a\nCOPY $x .\nFROM scratch\nCOPY $y .', [
    ['UndefinedVar', 2, unknown('x')],
    ['UndefinedVar', 4, unknown('y')],
  ]);
});

test('secrets in names of variables', async () => {
  const secret = (kind: string, name: string): string =>
    `Do not use ARG or ENV instructions for sensitive data (${kind} "${name}")`;
  await check(
    'FROM scratch\nARG SECRET_X\nENV SUPER_Secret=a\nENV password=b\nARG auth=c\nENV git_key=\nENV PUBLIC_KEY=x\n' +
      'ARG public_token KEY_FILE TOKEN_VERSION\nENV monkey=1 keyboard=2 apikey=3',
    [
      ['SecretsUsedInArgOrEnv', 2, secret('ARG', 'SECRET_X')],
      ['SecretsUsedInArgOrEnv', 3, secret('ENV', 'SUPER_Secret')],
      ['SecretsUsedInArgOrEnv', 4, secret('ENV', 'password')],
      ['SecretsUsedInArgOrEnv', 5, secret('ARG', 'auth')],
      ['SecretsUsedInArgOrEnv', 6, secret('ENV', 'git_key')],
      ['SecretsUsedInArgOrEnv', 9, secret('ENV', 'apikey')],
    ],
  );
});

test('forms that are out of date or of no use', async () => {
  const json = (name: string): string =>
    `JSON arguments recommended for ${name} to prevent unintended behavior related to OS signals`;
  const multiple = (name: string): string =>
    `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`;
  await check('FROM scratch\nCMD a', [['JSONArgsRecommended', 2, json('CMD')]]);
  await check('FROM scratch\nENTRYPOINT a', [['JSONArgsRecommended', 2, json('ENTRYPOINT')]]);
  await check('FROM scratch\nSHELL ["x"]\nCMD a', []);
  await check('FROM scratch AS b\nSHELL ["x"]\nFROM b\nENTRYPOINT a', []);
  await check('FROM scratch\nMAINTAINER me', [
    ['MaintainerDeprecated', 2, 'Maintainer instruction is deprecated in favor of using label'],
  ]);
  await check('FROM scratch\nENV k v\nLABEL k v', [
    ['LegacyKeyValueFormat', 2, '"ENV key=value" should be used instead of legacy "ENV key value" format'],
    ['LegacyKeyValueFormat', 3, '"LABEL key=value" should be used instead of legacy "LABEL key value" format'],
  ]);
  await check(
    'FROM scratch\nCMD ["a"]\nENTRYPOINT ["a"]\nHEALTHCHECK CMD ["a"]\nCMD ["b"]\nENTRYPOINT ["b"]\nHEALTHCHECK NONE',
    [
      ['MultipleInstructionsDisallowed', 2, multiple('CMD')],
      ['MultipleInstructionsDisallowed', 3, multiple('ENTRYPOINT')],
      ['MultipleInstructionsDisallowed', 4, multiple('HEALTHCHECK')],
    ],
  );
  await check('FROM scratch AS a\nCMD ["a"]\nFROM a\nCMD ["b"]', []);
  await check('FROM scratch\nWORKDIR app/', [
    ['WorkdirRelativePath', 2, 'Relative workdir "app/" can have unexpected results if the base image changes'],
  ]);
  await check('FROM scratch AS a\nWORKDIR /app\nFROM a\nWORKDIR sub', []);
  await check('FROM scratch\n# x\nCOPY a \\\n\nb\nCOPY a \\\nb', [
    ['NoEmptyContinuation', 5, 'Empty continuation line'],
  ]);
  await check('FROM scratch\nRUN a \\\n# b\n c', []);
  await check('FROM scratch\nRUN <<E\na \\\n\nE', []);
  const host = (text: string): string =>
    `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`;
  await check('FROM scratch\nEXPOSE 80/TCP\nEXPOSE 127.0.0.1:80:80 1:2', [
    ['ExposeProtoCasing', 2, "Defined protocol '80/TCP' in EXPOSE instruction should be lowercase"],
    ['ExposeInvalidFormat', 3, host('127.0.0.1:80:80')],
    ['ExposeInvalidFormat', 3, host('1:2')],
  ]);
});

test('files that are ignored', async () => {
  const text =
    'FROM scratch AS a\nCOPY Dockerfile .\nADD ./Dockerfile /w\nCOPY D* x\nFROM scratch\nCOPY --from=a Dockerfile y';
  await check(text, [], { ignored: ['other'] });
  await check(
    text,
    [
      ['CopyIgnoredFile', 2, 'Attempting to Copy file "Dockerfile" that is excluded by .dockerignore'],
      ['CopyIgnoredFile', 3, 'Attempting to Add file "./Dockerfile" that is excluded by .dockerignore'],
    ].map((row) => row as [string, number, string]),
    { ignored: ['Dockerfile'] },
  );
});

test('descriptions, only where asked for', async () => {
  const format = (keyword: string, name: string): string =>
    `Comment for ${keyword} should follow the format: \`# ${name} <description>\``;
  const text =
    '# bar is wrong\nARG foo=bar\n# base is right\nFROM scratch AS base\n# no\nARG a=1 b=2\n# no\n\nARG c\n# no\nCOPY a b';
  await check(text, []);
  await check(`# check=experimental=InvalidDefinitionDescription\n${text}`, [
    ['InvalidDefinitionDescription', 3, format('ARG', 'foo')],
    ['InvalidDefinitionDescription', 7, format('ARG', '<arg_key>')],
  ]);
  await check('# check=experimental=all\n# BasE x\nFROM scratch AS base', [
    ['InvalidDefinitionDescription', 3, format('FROM', 'base')],
  ]);
});

test('settings skip rules, for the file, the build, or one instruction', async () => {
  const as = ['FromAsCasing', 2, "'as' and 'FROM' keywords' casing do not match"] as const;
  const copy = [
    'ConsistentInstructionCasing',
    3,
    "Command 'copy' should match the case of the command majority (uppercase)",
  ] as const;
  const body = 'FROM scratch as base\ncopy a /';
  await check(`# x\n${body}`, [as, copy]);
  await check(`#check=skip=all\n${body}`, []);
  await check(`#check=skip=ConsistentInstructionCasing,FromAsCasing\n${body}`, []);
  await check(`# check = skip = ConsistentInstructionCasing \n${body}`, [as]);
  await check(`#check=skip=all\n${body}`, [as], {
    request: { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: 'skip=ConsistentInstructionCasing' } },
  });
  await check(`#check=skip=FromAsCasing\n${body}`, [as, copy], { request: { check: 'error=true' } });
  await check('FROM scratch\n# check=skip=JSONArgsRecommended\nCMD a\nENTRYPOINT b', [
    [
      'JSONArgsRecommended',
      4,
      'JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
    ],
  ]);
  await check('FROM scratch\n# check=skip=all\nMAINTAINER x', []);
});

test('settings that are none are refused', () => {
  const bad = (text: string, why: string): void => {
    assert.throws(() => parseLintSettings(text), {
      message: `failed to parse check options: invalid check option ${JSON.stringify(why)}`,
    });
  };
  bad('skip', 'skip');
  bad('skip=a;what=1', 'what');
  bad('error=maybe', 'error=maybe');
  bad(';', '');
  assert.equal(parseLintSettings('').isError, false);
  assert.equal(parseLintSettings(' skip=A , B ; error = true ').isError, true);
  assert.deepEqual([...parseLintSettings('skip=A , B').skips], ['A', 'B']);
});

test('warnings that are errors stop the build, and say which rules', async () => {
  const text = '# check=error=true\nFROM scratch as base\nCMD a';
  await assert.rejects(planText(text), (error: Error & { details: Record<string, unknown> }) => {
    assert.equal(error.message, 'lint violation found for rules: FromAsCasing, JSONArgsRecommended');
    assert.equal(error.details['line'], 2);
    return true;
  });
  const clean = await planText('# check=error=true\nFROM scratch AS base\nCMD ["a"]');
  assert.deepEqual(clean.warnings, []);
  const skipped = await planText('# check=skip=all;error=true\nFROM scratch as base\nCMD a');
  assert.deepEqual(skipped.warnings, []);
  const { warnings } = await planText('FROM scratch AS no\nENV a b\nFROM scratch\nCMD a');
  assert.deepEqual(
    warnings.map(({ rule }) => rule),
    ['JSONArgsRecommended'],
  );
});

test('a check gives warnings also before an error', async () => {
  const request = { buildPlatform: AMD64 };
  const parse = await checkDockerfile('FROM scratch AS Bad\nMAINTAINER me\nBADCMD', request, new FakeSources());
  assert.deepEqual(
    parse.warnings.map(({ rule }) => rule),
    ['StageNameCasing', 'MaintainerDeprecated'],
  );
  assert.equal(parse.error?.message, 'dockerfile parse error on line 3: unknown instruction: BADCMD');
  assert.equal(parse.statusCode, 1);
  const image = await checkDockerfile('FROM scratch as a\nFROM nosuch', request, new FakeSources());
  assert.equal(image.error?.message, 'nosuch: not found');
  assert.equal(image.error?.details['line'], 2);
  assert.equal(image.warnings.length, 1);
  const ok = await checkDockerfile('FROM scratch as a', request, new FakeSources());
  assert.deepEqual([ok.statusCode, ok.error, ok.warnings.length], [0, undefined, 1]);
  const strict = await checkDockerfile('# check=error=true\nFROM scratch as a', request, new FakeSources());
  assert.deepEqual([strict.statusCode, strict.warnings.length], [1, 1]);
  assert.equal(strict.error?.message, 'lint violation found for rules: FromAsCasing');
  const options = await checkDockerfile('# check=what=1\nFROM scratch', request, new FakeSources());
  assert.match(options.error?.message ?? '', /invalid check option "what"/);
  assert.equal(
    (await checkDockerfile('', request, new FakeSources())).error?.message,
    'the Dockerfile cannot be empty',
  );
});

test('rules have pages by their names', () => {
  assert.equal(Object.keys(lintRules).length, 22);
  assert.equal(pageOf('FromAsCasing'), 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/');
  assert.equal(pageOf('JSONArgsRecommended'), 'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/');
  assert.equal(
    pageOf('SecretsUsedInArgOrEnv'),
    'https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/',
  );
  assert.equal(pageOf('InvalidBaseImagePlatform'), '');
});
