import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planText } from '../fake-sources.ts';

test('what a few lines could make gigabytes of is refused', async () => {
  const big = `ENV a=${'x'.repeat(60_000)}\nENV b=$a$a$a$a$a$a$a$a$a$a\n`;
  const cases: readonly (readonly [text: string, code: string])[] = [
    [`EXPOSE ${'1-65535 '.repeat(4)}`, 'dockerfile.badPort'],
    ['EXPOSE 1-65535\n'.repeat(20), 'dockerfile.longHistory'],
    [`${big}${'ENV c=$b\n'.repeat(20)}`, 'dockerfile.longHistory'],
    [`${big}ENV c=$b$b`, 'dockerfile.longExpansion'],
    [`ENV a=xy\n${'ENV a=$a$a\n'.repeat(40)}`, 'dockerfile.longExpansion'],
  ];
  for (const [text, code] of cases)
    await assert.rejects(planText(`FROM scratch\n${text}`), { code }, text.slice(0, 40));
});

test('what is merely much is planned', async () => {
  const { outputs } = await planText(
    `FROM scratch\nEXPOSE 1-65535\nENV ${'a=b '.repeat(10_000)}\n${'RUN x\n'.repeat(2000)}`,
  );
  assert.equal(outputs[0]!.config.exposedPorts.length, 65_535);
  assert.equal(outputs[0]!.history.length, 2002);
});
